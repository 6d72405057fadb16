"""The job service: request, record, queue and cancel jobs, and recover them after a restart."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from weakref import WeakValueDictionary

from bot.core.admission.admission import Admission, Stage, Wanted
from bot.core.admission.offered import in_place
from bot.core.admission.place_rules import PlaceRules
from bot.core.admission.request_context import Actor, RequestContext
from bot.core.admission.visibility import Visibility
from bot.core.decoding import Decoder
from bot.core.default_store import DefaultsStore
from bot.core.errors import JobRemoved, NothingToDo
from bot.core.jobs.answers import Answers
from bot.core.jobs.cancellations import Cancellations
from bot.core.jobs.derived.derived_jobs import Fetch, FetchInputs
from bot.core.jobs.derived.edited_jobs import EditedJobs
from bot.core.jobs.endings import Endings
from bot.core.jobs.job_queue import JobQueue
from bot.core.jobs.job_store import JobStore
from bot.core.jobs.presenter import Presenter
from bot.core.jobs.runner import Runner
from bot.core.new_jobs import DEFAULT_STRENGTH, new_job_of, with_references
from bot.core.pictures.picture_store import PictureStore
from bot.core.pictures.steering import FetchReference, fetch_all, inputs_of, once
from bot.db.patience import patient
from bot.db.records import (
    BY_MODERATOR,
    EVERYWHERE,
    OPEN,
    AuditAction,
    Input,
    Job,
    Kind,
    NewJob,
    Place,
    Status,
)
from bot.options.image_options import ImageOptions
from bot.options.resolve import Layers, complete, complete_alike
from bot.texts import say
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.log_context import JOB
from generation.request import Uploaded
from generation.upscaler import check_factor

log = logging.getLogger(__name__)


class JobService:
    """The service that commands and buttons call.

    ``anew`` makes jobs from earlier ones; ``answers`` is told what became of first replies.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        rules: PlaceRules,
        visibility: Visibility,
        admission: Admission,
        jobs: JobStore,
        pictures: PictureStore,
        defaults: DefaultsStore,
        presenter: Presenter,
        runner: Runner,
        queue: JobQueue,
        decoder: Decoder,
    ) -> None:
        self.catalog = catalog
        self.decoder = decoder
        self.queue = queue
        self._rules = rules
        self._visibility = visibility
        self._admission = admission
        self._jobs = jobs
        self._pictures = pictures
        self._defaults = defaults
        self._presenter = presenter
        self._runner = runner
        self._endings = Endings(jobs=jobs, presenter=presenter)
        self._cancellations = Cancellations(jobs, self._endings)
        # A person's requests are counted and recorded one at a time, or a burst would get past the
        # limits. Other people's do not wait until each is on disk.
        self._intakes: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self.derived = EditedJobs(
            catalog=catalog,
            rules=rules,
            visibility=visibility,
            admission=admission,
            pictures=pictures,
            defaults=defaults,
            decoder=decoder,
            record=self._record,
        )
        self.answers = Answers(
            jobs=jobs,
            presenter=presenter,
            cancellations=self._cancellations,
            fail=runner.fail,
            line_up=queue.line_up,
            give_turn_back=self._give_turn_back,
            show_cancelled=self._endings.show_cancelled,
        )
        presenter.on_gone(self._gone)

    async def imagine(
        self,
        said: ImageOptions,
        context: RequestContext,
        *,
        image: Fetch | None = None,
        control: Fetch | None = None,
        references: Sequence[FetchReference] = (),
    ) -> Job:
        """Record a new request; raises GenerationError, JobError or StoreError.

        ``image`` fetches a person's file that the pictures start from, ``control`` the one that a
        control net reads, else it reads that image, and ``references`` those that they are to be
        like. They are fetched and decoded when nothing else forbids the job.
        """
        image, control, *seen = files = [
            one and once(one) for one in (image, control, *(fetch for _, fetch in references))
        ]
        if image is not None and control is None and "control" in said:
            control = image
        if image is not None and "strength" not in said:
            said = said.but(strength=DEFAULT_STRENGTH)
        elif image is None and "strength" in said:
            raise InvalidRequest("strength", say("bound-strength-alone"))
        kinds = [kind for kind, _ in references]
        new_job = with_references(self._offered(context), Kind.IMAGINE, said, kinds)
        inputs = inputs_of(new_job, self.decoder, control, list(filter(None, seen)))
        if image is None:
            return await self._record(new_job, context, inputs=inputs, files=files)

        told: list[str] = []
        width, height = new_job.request.width, new_job.request.height

        async def source() -> bytes:
            png, clear = await self.decoder.prepare(await image(), width, height)
            if clear:
                told.append(say("left-out-transparency"))
            return png

        return await self._record(new_job, context, source, told, inputs, files)

    async def upscale(self, image: Fetch, factor: int, context: RequestContext) -> Job:
        """Record an upscale of a person's file; raises as `imagine` does."""
        await self._admission.admit(context, Wanted())  # before the work
        png, width, height = await self.decoder.whole(await image())
        check_factor(width, height, factor)
        new_job = NewJob(
            kind=Kind.UPSCALE, request=Uploaded(width=width, height=height), factor=factor
        )

        async def source() -> bytes:
            return png

        return await self._record(new_job, context, source)

    async def defaults(self, person_id: int) -> ImageOptions:
        """Return a person's own defaults."""
        return await self._defaults.get(person_id)

    def complete(
        self, jobs: Sequence[ImageOptions], mine: ImageOptions, context: RequestContext
    ) -> Sequence[ImageOptions]:
        """Return a command's options completed with the defaults of the person and the place."""
        layers = self._layers(mine, context)
        return [complete(self._offered(context), said, layers) for said in jobs]

    def complete_alike(
        self, said: ImageOptions, mine: ImageOptions, context: RequestContext
    ) -> ImageOptions:
        """Return options like those of an existing picture, completed with the defaults here."""
        return complete_alike(self._offered(context), said, self._layers(mine, context))

    def _layers(self, mine: ImageOptions, context: RequestContext) -> Layers:
        rules = self._rules.holding(context)
        return Layers(mine, rules.options, rules.most)

    async def may_start(self, context: RequestContext) -> None:
        """Raise the JobError that forbids even one more picture; for use before forms and files."""
        await self._admission.admit(context, Wanted())

    async def may_look(self, context: RequestContext) -> None:
        """Raise the JobError that forbids a look at a picture, which draws none.

        What is left of a quota, and how many jobs wait, does not count.
        """
        await self._admission.admit(context, Wanted(pictures=0), Stage.PLACE)

    async def may_ask(self, context: RequestContext, requested: Sequence[ImageOptions]) -> None:
        """Raise what forbids these requests together, before any job is made of them."""
        new_jobs = [
            new_job_of(self._offered(context), Kind.IMAGINE, options) for options in requested
        ]
        pictures = sum(one.request.num_images for one in new_jobs)
        prompts = "\n".join(options.prompt for options in requested)
        await self._admission.admit(context, Wanted(prompts, len(requested), pictures))
        for one in new_jobs:
            await self._admission.screen(self._rules.adapt(one, context), context)

    async def abandon(self, place: Place, ids: Collection[int]) -> None:
        """End the jobs in deleted messages or channels: all are written before any is stopped."""
        found = await self._jobs.open_in(place, ids)
        why = f"its {place} is gone"
        gone = await self._cancellations.add_all(found, why, [None] * len(found))
        await asyncio.gather(*(self.queue.stop(job) for job in gone))
        for job in gone:
            log.info("job %d: %s", job.id, why)
            self._presenter.drop(job)
        await asyncio.gather(*(self._endings.note(job) for job in gone))

    async def cancel(self, job_id: int, actor: Actor, reason: str = "") -> None:
        """End a job: record it, stop its work, then show it; see Cancellations.

        ``reason`` is a moderator's, for the audit trail.
        """
        job = await self._visibility.endable(job_id, actor)
        if job.deleted_at is not None:
            raise JobRemoved
        entry = actor.audit_entry_on(job, AuditAction.CANCEL, reason)
        why = None if entry is None else BY_MODERATOR
        if not await self._cancellations.add(job, why, entry):
            raise NothingToDo(say("error-job-ended"))
        await self.queue.stop(job)
        await self._endings.show_cancelled(replace(job, error=why))

    async def cancel_all(self, person_id: int, actor: Actor, reason: str = "") -> int:
        """End a person's jobs in the actor's server, or EVERYWHERE; return how many.

        The actor is a moderator: all is written before any job is stopped.
        """
        async with self._intake(person_id):  # jobs admitted a moment ago are on record by then
            if actor.guild_id == EVERYWHERE:
                found = await self._jobs.open_anywhere(person_id)
            else:
                found = await self._jobs.open_of(person_id, actor.guild_id)
        entries = [actor.audit_entry_on(job, AuditAction.CANCEL, reason) for job in found]
        ended = [
            replace(job, error=BY_MODERATOR)
            for job in await self._cancellations.add_all(found, BY_MODERATOR, entries)
        ]
        await asyncio.gather(*(self.queue.stop(job) for job in ended))
        await asyncio.gather(*(self._endings.show_cancelled(job) for job in ended))
        return len(ended)

    async def sees(self, job: Job, actor: Actor) -> bool:
        """Tell whether a person may see a job right now, from where they are."""
        return await self._visibility.sees(job, actor)

    async def open_of(self, person_id: int, guild_id: int | None) -> list[Job]:
        """Return a person's open jobs here."""
        return await self._jobs.open_of(person_id, guild_id)

    async def recover(self) -> None:
        """Recover the jobs an earlier run left open, in order; needs Discord's REST API."""
        try:
            with patient():
                jobs = await self._jobs.open_jobs()
                self.queue.restore(jobs)
                for job in jobs:
                    if job.status is not Status.RECORDED:
                        await self._take_up(job)
                untold = await self._jobs.untold()  # before this run ends any
        finally:  # whatever is wrong with those, others are waiting
            self.queue.open()
        recorded = [job for job in jobs if job.status is Status.RECORDED]
        finding = (self.answers.broke(job, of_this_run=False) for job in recorded)
        became = await asyncio.gather(*finding, return_exceptions=True)
        for job, error in zip(recorded, became, strict=True):
            if isinstance(error, Exception):
                log.error("job %d: its answer is not known", job.id, exc_info=error)
                await self._runner.fail(job, error)
        find = partial(self.answers.find, of_this_run=False)
        await asyncio.gather(*(self._endings.show_again(job, find) for job in untold))

    async def _take_up(self, job: Job) -> None:
        try:
            if job.status is Status.RUNNING:
                await self._jobs.requeued(job.id)
            job = await self._jobs.get(job.id) or job
            if job.status in OPEN and job.id not in self._cancellations:
                self.queue.line_up(job)
            else:  # it was cancelled while the disk delayed an earlier one
                self.queue.give_back(job, job.origin.person_id, job.fair_start)
        except Exception as error:
            log.exception("job %d is not taken up", job.id)
            await self._runner.fail(job, error)

    async def close(self) -> None:
        """Accept nothing more, requeue what runs, and return when it is written."""
        await self.queue.close()
        self._cancellations.close()
        await self._admission.close()
        await self.decoder.close()

    def _offered(self, context: RequestContext) -> Catalog:
        return in_place(
            self.catalog, age_restricted=context.age_restricted, role_ids=context.role_ids
        )

    async def _record(
        self,
        new_job: NewJob,
        context: RequestContext,
        source: Fetch | None = None,
        told: Sequence[str] = (),
        inputs: FetchInputs = (),
        files: Sequence[Fetch | None] = (),
    ) -> Job:
        """Record a job, as `Record` says; of one that is refused nevertheless, no file is kept."""
        new_job = await self._admission.screen(new_job, context)
        if source is None and not inputs:
            return await self._admit(new_job, context)
        await self._admission.admit(context, Wanted.of(new_job))
        self._rules.adapt(new_job, context)
        await fetch_all(*files)
        png = None if source is None else await source()
        fetched = [(role, await fetch()) for role, fetch in inputs]
        kept = [*filter(None, (png,)), *(one for _, one in fetched)]
        left_out = ", ".join(filter(None, (new_job.left_out, *told))) or None
        saved: list[str] = []
        try:
            saved.extend([await self._pictures.save_source(file) for file in kept])
            names = iter(saved)
            new_job = replace(
                new_job,
                left_out=left_out,
                source_sha256=new_job.source_sha256 if png is None else next(names),
                inputs=(*new_job.inputs, *(Input(role, next(names)) for role, _ in fetched)),
            )
            job = await self._admit(new_job, context)
        except BaseException:
            for sha256 in saved:
                await self._pictures.discard_source(sha256)
            raise
        # If somebody discarded the same picture meanwhile, they did so before the row existed.
        for file in kept:
            await self._pictures.save_source(file)
        return job

    async def _admit(self, new_job: NewJob, context: RequestContext) -> Job:
        person_id = context.origin.person_id
        async with self._intake(person_id):
            await self._admission.admit(context, Wanted.of(new_job))
            new_job = self._rules.adapt(new_job, context)
            start = self.queue.reserve(new_job, person_id)
            try:
                job = await self._jobs.record(new_job, context.origin, fair_start=start)
            except Exception:
                self.queue.give_back(new_job, person_id, start)
                raise
        JOB.set(job.id)
        return job

    def _intake(self, person_id: int) -> asyncio.Lock:
        return self._intakes.setdefault(person_id, asyncio.Lock())

    async def _gone(self, job: Job) -> None:
        if job.message_id is not None:
            await self.abandon(Place.MESSAGE, [job.message_id])

    def _give_turn_back(self, job: Job) -> None:
        self.queue.give_back(job, job.origin.person_id, job.fair_start)

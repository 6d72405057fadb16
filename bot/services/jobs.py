"""Jobs: asked for, recorded, answered, queued, cancelled, and taken up again after a stop."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from weakref import WeakValueDictionary

from bot.services.anew import Anew, Fetch
from bot.services.answers import Answers
from bot.services.cancelling import Cancellations
from bot.services.decoding import Decoder
from bot.services.dispatcher import Dispatcher, Ticket
from bot.services.door import Door
from bot.services.ends import Ends
from bot.services.errors import JobRemoved, NothingToDo
from bot.services.filling import complete, complete_alike
from bot.services.offering import check_place, in_place
from bot.services.policy import Actor, Asked, Policy
from bot.services.quotas import Standing
from bot.services.requests import DEFAULT_STRENGTH, Wish, draft
from bot.services.runner import Presenter, Runner
from bot.store.defaults import Defaults, DefaultsStore
from bot.store.errors import StoreError
from bot.store.jobs import LATEST, JobStore
from bot.store.patience import outlast, patient
from bot.store.pictures import PictureStore
from bot.store.records import (
    BY_MODERATOR,
    EVERYWHERE,
    AuditAction,
    Draft,
    Job,
    Kind,
    Place,
    Status,
)
from bot.texts import say
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.log_context import JOB
from generation.request import Uploaded
from generation.upscaler import check_factor

log = logging.getLogger(__name__)

# Only the people near the front are told of every move; the others when they come near.
TOLD_PLACES = 10
STOP_S = 2.0  # a stop waits no longer for the disk


@dataclass(frozen=True, slots=True)
class Turn:
    """A job's place among those that wait, 0 while it runs, and the seconds to its end.

    The seconds are a guess from what the latest jobs took, None where there is nothing to go by.
    """

    job: Job
    place: int
    seconds: float | None


class JobService:
    """What commands and buttons call.

    ``anew`` makes jobs from earlier ones, ``answers`` hears what became of their first answers.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        policy: Policy,
        door: Door,
        jobs: JobStore,
        pictures: PictureStore,
        defaults: DefaultsStore,
        presenter: Presenter,
        runner: Runner,
        capacity: Callable[[], int],
        running_per_person: int,
        decoder: Decoder,
    ) -> None:
        self.catalog = catalog
        self.decoder = decoder
        self._policy = policy
        self._door = door
        self._jobs = jobs
        self._pictures = pictures
        self._defaults = defaults
        self._presenter = presenter
        self._runner = runner
        self._dispatcher = Dispatcher(
            self._run,
            capacity=capacity,
            running_per_person=running_per_person,
            running_in=policy.running_at_once,
            laden=lambda: runner.laden,
        )
        self._dispatcher.on_change = self._tell_places
        self._dispatcher.on_retag = self._note_tags
        presenter.on_gone = self._gone
        presenter.on_moved = self._moved
        self._on_their_way: dict[int, Job] = {}  # what the dispatcher holds, as it was lined up
        self._tags: dict[int, float] = {}  # that are not written yet
        self._writing: asyncio.Task[None] | None = None
        self._ends = Ends(jobs=jobs, presenter=presenter)
        self._cancellations = Cancellations(jobs, self._ends)
        # A person's wishes are counted and recorded one at a time, or a burst would slip past the
        # limits together. Other people's need not wait until each is on the disk.
        self._intakes: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self.anew = Anew(
            catalog=catalog,
            policy=policy,
            door=door,
            pictures=pictures,
            defaults=defaults,
            decoder=decoder,
            record=self._record,
        )
        self.answers = Answers(
            jobs=jobs,
            presenter=presenter,
            cancellations=self._cancellations,
            fail=self._fail,
            line_up=self._line_up,
            give_turn_back=self._give_turn_back,
            show_cancelled=self._ends.show_cancelled,
        )

    async def load(self) -> None:
        """Read what is kept in memory; comes before anything else."""
        await self._pictures.tidy()
        with patient():
            await outlast(self._policy.load)

    async def imagine(
        self,
        wish: Wish,
        asked: Asked,
        *,
        image: Fetch | None = None,
    ) -> Job:
        """Record a new wish; raises GenerationError, JobError or StoreError.

        ``image`` fetches a person's file that the pictures start from, PNG, JPEG or WebP. It is
        fetched and decoded when nothing else forbids the job.
        """
        if image is not None and wish.strength is None:
            wish = replace(wish, strength=DEFAULT_STRENGTH)
        elif image is None and wish.strength is not None:
            raise InvalidRequest("strength", say("bound-strength-alone"))
        drafted = draft(self._offered(asked), Kind.IMAGINE, wish)
        if image is None:
            return await self._record(drafted, asked)

        async def source() -> bytes:
            return await self.decoder.prepare(await image(), *drafted.size)

        return await self._record(drafted, asked, source)

    async def upscale(self, image: Fetch, factor: int, asked: Asked) -> Job:
        """Record that a person's file is wanted larger; raises as `imagine` does."""
        await self._door.admit(asked, "")  # before the work
        png, width, height = await self.decoder.whole(await image())
        check_factor(width, height, factor)
        drafted = Draft(
            kind=Kind.UPSCALE, request=Uploaded(width=width, height=height), factor=factor
        )

        async def source() -> bytes:
            return png

        return await self._record(drafted, asked, source)

    async def defaults(self, person_id: int) -> Defaults:
        """Return what a person likes where they leave something out."""
        return await self._defaults.get(person_id)

    def complete(self, wishes: Sequence[Wish], mine: Defaults, asked: Asked) -> Sequence[Wish]:
        """Return the wishes of a command with what holds for the person, and there."""
        rules = self._policy.rules(asked)
        return [complete(self._offered(asked), wish, mine, rules) for wish in wishes]

    def complete_alike(self, wish: Wish, mine: Defaults, asked: Asked) -> Wish:
        """Return the wish for a picture like one that is there, with what holds there."""
        return complete_alike(self._offered(asked), wish, mine, self._policy.rules(asked))

    async def standing(self, asked: Asked) -> Standing | None:
        """Return how the person stands with the server's quota; None in direct messages."""
        return await self._policy.standing(asked)

    async def may_start(self, asked: Asked) -> None:
        """Raise the JobError that forbids even one more picture, before a form or a file is."""
        await self._door.admit(asked, "")

    async def may_ask(self, asked: Asked, wishes: Sequence[Wish]) -> None:
        """Raise what forbids these wishes together, before any job is made of them."""
        drafts = [draft(self._offered(asked), Kind.IMAGINE, wish) for wish in wishes]
        pictures = sum(one.request.num_images for one in drafts)
        prompts = "\n".join(wish.prompt for wish in wishes)
        await self._door.admit(asked, prompts, jobs=len(wishes), pictures=pictures)
        for one in drafts:
            await self._door.screen(self._policy.adapt(one, asked), asked)

    async def abandon(self, place: Place, ids: Collection[int]) -> None:
        """End the jobs that live in what was deleted: all are written before any is stopped."""
        found = await self._jobs.open_in(place, ids)
        why = f"its {place} is gone"
        gone = await self._cancellations.add_all(found, why, [None] * len(found))
        await asyncio.gather(*(self._stop(job) for job in gone))
        for job in gone:
            log.info("job %d: %s", job.id, why)
            self._presenter.drop(job)
        await asyncio.gather(*(self._ends.note(job) for job in gone))

    async def cancel(self, job_id: int, actor: Actor, reason: str = "") -> None:
        """End a job: written first, then its work stops, then it is shown; see Cancellations.

        ``reason`` is a moderator's, for the audit trail.
        """
        job = await self._policy.endable(job_id, actor)
        if job.deleted_at is not None:
            raise JobRemoved
        deed = actor.deed_on(job, AuditAction.CANCEL, reason)
        why = None if deed is None else BY_MODERATOR
        if not await self._cancellations.add(job, why, deed):
            raise NothingToDo(say("error-job-ended"))
        await self._stop(job)
        await self._ends.show_cancelled(replace(job, error=why))

    async def cancel_all(self, person_id: int, actor: Actor, reason: str = "") -> int:
        """End a person's jobs in the actor's server, all of them or EVERYWHERE; count them.

        The actor is a moderator: all is written before any job is stopped.
        """
        async with self._intake(person_id):  # what was admitted a moment ago is on record then
            if actor.guild_id == EVERYWHERE:
                found = await self._jobs.open_anywhere(person_id)
            else:
                found = await self._jobs.open_of(person_id, actor.guild_id)
        deeds = [actor.deed_on(job, AuditAction.CANCEL, reason) for job in found]
        ended = [
            replace(job, error=BY_MODERATOR)
            for job in await self._cancellations.add_all(found, BY_MODERATOR, deeds)
        ]
        await asyncio.gather(*(self._stop(job) for job in ended))
        await asyncio.gather(*(self._ends.show_cancelled(job) for job in ended))
        return len(ended)

    async def queue(self) -> list[Turn]:
        """Return what runs and what waits, next first."""
        pace = await self._jobs.seconds_per_cost(LATEST)
        running = self._held(self._dispatcher.running)
        waiting = self._held(self._dispatcher.waiting)
        ahead = sum(job.cost() for job in running)
        turns = [Turn(job, 0, None if pace is None else pace * ahead) for job in running]
        for place, job in enumerate(waiting, 1):
            ahead += job.cost()
            turns.append(Turn(job, place, None if pace is None else pace * ahead))
        return turns

    async def sees(self, job: Job, actor: Actor) -> bool:
        """Tell whether somebody may see a job from where they are, now."""
        return await self._policy.sees(job, actor)

    async def open_of(self, person_id: int, guild_id: int | None) -> list[Job]:
        """Return a person's jobs here that have not ended."""
        return await self._jobs.open_of(person_id, guild_id)

    def place_of(self, job: Job) -> int:
        """Return the place in the queue that a recorded job is about to take, 0 for none."""
        return self._dispatcher.place_for(self._ticket(job))

    def fill(self) -> None:
        """Start what there is room for: the executor can hold more than before."""
        self._dispatcher.fill()

    async def recover(self) -> None:
        """Take up what an earlier run left open, in its order; needs Discord's REST."""
        try:
            with patient():
                jobs = await self._jobs.open_jobs()
                self._dispatcher.restore([self._ticket(job) for job in jobs])
                for job in jobs:
                    if job.status is not Status.RECORDED:
                        await self._take_up(job)
        finally:  # whatever is wrong with those, others wait
            self._dispatcher.open()
        recorded = [job for job in jobs if job.status is Status.RECORDED]
        asked = (self.answers.broke(job, of_this_run=False) for job in recorded)
        became = await asyncio.gather(*asked, return_exceptions=True)
        for job, error in zip(recorded, became, strict=True):
            if isinstance(error, Exception):
                log.error("job %d: its answer is not known", job.id, exc_info=error)
                await self._fail(job, error)
        with patient():
            untold = await self._jobs.untold()
        find = partial(self.answers.find, of_this_run=False)
        await asyncio.gather(*(self._ends.show_again(job, find) for job in untold))

    async def _take_up(self, job: Job) -> None:
        try:
            if job.status is Status.RUNNING:
                await self._jobs.requeued(job.id)
            self._line_up(await self._reload(job))
        except Exception as error:
            log.exception("job %d is not taken up", job.id)
            await self._fail(job, error)

    async def close(self) -> None:
        """Take nothing more, put what runs back into the queue, and return when it is written.

        What the disk does not take now the next start finds as it was.
        """
        await self._dispatcher.close()
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=STOP_S)
            self._writing.cancel()
        self._cancellations.close()
        await self._door.close()
        await self.decoder.close()

    def _offered(self, asked: Asked) -> Catalog:
        return in_place(self.catalog, age_restricted=asked.age_restricted)

    async def _record(self, draft: Draft, asked: Asked, source: Fetch | None = None) -> Job:
        """Record a job; ``source`` makes the PNG that it starts from, when nothing else forbids it.

        Of a job that is refused nevertheless, no source is kept.
        """
        with self._door.noting(asked, draft.words.prompt):
            check_place(self.catalog, draft, asked)
        draft = await self._door.screen(draft, asked)
        if source is None:
            return await self._admit(draft, asked)
        await self._door.admit(asked, draft.words.prompt, pictures=draft.request.num_images)
        self._policy.adapt(draft, asked)
        png = await source()
        sha256 = await self._pictures.save_source(png)
        try:
            job = await self._admit(replace(draft, source_sha256=sha256), asked)
        except BaseException:
            await self._pictures.discard_source(sha256)
            raise
        # Whoever discarded the same picture meanwhile did so before the row stood.
        await self._pictures.save_source(png)
        return job

    async def _admit(self, draft: Draft, asked: Asked) -> Job:
        person_id = asked.origin.person_id
        async with self._intake(person_id):
            await self._door.admit(asked, draft.words.prompt, pictures=draft.request.num_images)
            draft = self._policy.adapt(draft, asked)
            cost = draft.cost()
            start = self._dispatcher.start_tag(person_id, cost)
            try:
                job = await self._jobs.record(draft, asked.origin, fair_start=start)
            except Exception:
                self._dispatcher.forget(person_id, start, cost)
                raise
        JOB.set(job.id)
        return job

    def _intake(self, person_id: int) -> asyncio.Lock:
        return self._intakes.setdefault(person_id, asyncio.Lock())

    def _line_up(self, job: Job) -> None:
        self._on_their_way[job.id] = job
        self._dispatcher.admit(self._ticket(job))

    async def _run(self, job_id: int, free: Callable[[], None]) -> None:
        try:
            await self._runner.run(job_id, free)
        except Exception as error:
            job = self._on_their_way.get(job_id)
            if job is None:
                raise
            log.exception("job %d: its row is not read", job_id)
            await self._fail(job, error)
        finally:
            self._on_their_way.pop(job_id, None)
            self._dispatcher.fill()  # where what it held in memory kept others from starting

    def _held(self, job_ids: Sequence[int]) -> list[Job]:
        """Return those of the jobs that have not ended."""
        return [self._on_their_way[one] for one in job_ids if one in self._on_their_way]

    async def _fail(self, job: Job, error: BaseException) -> None:
        await self._runner.fail(job, error)

    async def _stop(self, job: Job) -> None:
        self._on_their_way.pop(job.id, None)
        await self._dispatcher.cancel(job.id)

    async def _gone(self, job: Job) -> None:
        if job.message_id is not None:
            await self.abandon(Place.MESSAGE, [job.message_id])

    async def _moved(self, job: Job, channel_id: int, message_id: int) -> None:
        try:
            with patient():
                await self._jobs.moved(job.id, channel_id, message_id)
        except Exception:  # it is posted: nothing that fails here may have it posted again
            log.exception("job %d: where its message is now is not noted", job.id)

    def _give_turn_back(self, job: Job) -> None:
        ticket = self._ticket(job)
        self._dispatcher.forget(ticket.person_id, ticket.start, ticket.cost)

    def _tell_places(self, waiting: list[int]) -> None:
        for place, job in enumerate(self._held(waiting[:TOLD_PLACES]), 1):
            self._presenter.waiting(job, place)

    def _note_tags(self, tags: dict[int, float]) -> None:
        self._tags |= tags
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_tags(), name="start tags")

    async def _write_tags(self) -> None:
        while self._tags:
            tags, self._tags = self._tags, {}
            try:
                with patient():
                    await self._jobs.retagged(tags)
            except StoreError as error:
                # They stand in memory; only a restart would take the older ones.
                log.warning("the new order of %d jobs is not written: %s", len(tags), error)

    async def _reload(self, job: Job) -> Job:
        return await self._jobs.get(job.id) or job

    def _ticket(self, job: Job) -> Ticket:
        return Ticket(
            start=job.fair_start,
            job_id=job.id,
            person_id=job.origin.person_id,
            cost=job.cost(),
            rows=self._rows(job),
            guild_id=job.origin.guild_id,
        )

    def _rows(self, job: Job) -> int:
        """Return a job's rows as the executor counts them, which are of the default size."""
        size = self.catalog[self.catalog.default].size
        share = job.request.width * job.request.height / size**2
        return max(1, round(job.rows * share))

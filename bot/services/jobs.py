"""Jobs: asked for, recorded, answered, queued, cancelled, and taken up again after a stop."""

import asyncio
import logging
from collections.abc import Callable

from bot.services.dispatcher import Dispatcher, Ticket
from bot.services.errors import JobNotFound, NothingToDo, PictureNotFound
from bot.services.policy import Actor, Policy
from bot.services.requests import Wish, compose, reroll, single
from bot.services.runner import DeliveryFailed, Presenter, Runner
from bot.store.jobs import JobStore
from bot.store.pictures import PictureStore
from bot.store.records import Job, Kind, Origin, Status, StoredPicture
from generation.catalog import Catalog
from generation.request import GenerationRequest

log = logging.getLogger(__name__)

# Only the people near the front are told of every move; the others when they come near.
TOLD_PLACES = 10


class JobService:
    """What commands and buttons call."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        policy: Policy,
        jobs: JobStore,
        pictures: PictureStore,
        presenter: Presenter,
        runner: Runner,
        capacity: Callable[[], int],
        running_per_person: int,
    ) -> None:
        self.catalog = catalog
        self._policy = policy
        self._jobs = jobs
        self._pictures = pictures
        self._presenter = presenter
        self._runner = runner
        self._dispatcher = Dispatcher(
            runner.run, capacity=capacity, running_per_person=running_per_person
        )
        self._dispatcher.on_change = self._tell_places
        self._waiting: dict[int, Job] = {}
        # Counted and recorded by one at a time, or a burst would slip past the limits together.
        self._intake = asyncio.Lock()

    async def imagine(
        self, wish: Wish, origin: Origin, missing_permissions: tuple[str, ...] = ()
    ) -> Job:
        """Record a new wish; raises GenerationError, JobError or StoreError."""
        return await self._record(
            Kind.IMAGINE, compose(self.catalog, wish), origin, missing_permissions
        )

    async def reroll(
        self, job_id: int, origin: Origin, missing_permissions: tuple[str, ...] = ()
    ) -> Job:
        """Record the same wish with new seeds, as a job of whoever asks."""
        parent = await self._visible(job_id, origin.guild_id, origin.person_id)
        request = reroll(parent.request)
        return await self._record(
            Kind.REROLL, request, origin, missing_permissions, parent_id=parent.id
        )

    async def upscale(
        self, job_id: int, index: int, origin: Origin, missing_permissions: tuple[str, ...] = ()
    ) -> Job:
        """Record that one picture is wanted alone, as a job of whoever asks."""
        parent = await self._visible(job_id, origin.guild_id, origin.person_id)
        if not 0 <= index < parent.request.num_images:
            raise PictureNotFound(f"That job has {parent.request.num_images} pictures.")
        return await self._record(
            Kind.UPSCALE,
            single(parent.request, index),
            origin,
            missing_permissions,
            parent_id=parent.id,
            parent_index=index,
        )

    async def answered(self, job: Job, message_id: int) -> None:
        """The first answer stands: note its message, and line the job up."""
        if not await self._jobs.queued(job.id, message_id):
            return
        await self._line_up(await self._reload(job))

    async def unanswered(self, job: Job) -> None:
        """The first answer broke: find out whether it arrived, and close the row if it did not."""
        try:
            message_id = await self._presenter.find_answer(job)
        except DeliveryFailed:
            log.warning("job %d: Discord does not say whether its answer arrived", job.id)
            return
        if message_id is None:
            self._give_turn_back(job)
            await self._jobs.ended(job.id, Status.FAILED, "never acknowledged")
        else:
            await self.answered(job, message_id)

    async def cancel(self, job_id: int, actor: Actor) -> None:
        """End a job: written first, then its work stops, then it is shown."""
        job = await self._visible(job_id, actor.guild_id, actor.person_id)
        self._policy.own_or_moderate(job, actor)
        if not await self._jobs.ended(job_id, Status.CANCELLED):
            raise NothingToDo("That job has ended already.")
        self._waiting.pop(job_id, None)
        await self._dispatcher.cancel(job_id)
        try:
            await self._presenter.cancelled(job)
        except DeliveryFailed as error:
            log.warning("job %d: its cancellation could not be shown: %s", job_id, error)

    async def history(
        self, *, guild_id: int, person_id: int, limit: int
    ) -> list[tuple[Job, StoredPicture | None]]:
        """Return a person's latest jobs in one server, newest first, with their first pictures."""
        jobs = await self._jobs.history(guild_id=guild_id, person_id=person_id, limit=limit)
        first = await self._pictures.first_of([job.id for job in jobs])
        return [(job, first.get(job.id)) for job in jobs]

    async def thumbnail(self, picture: StoredPicture) -> bytes | None:
        """Return a picture's WebP thumbnail, or None where it was pruned."""
        return await self._pictures.read_thumbnail(picture)

    def place_of(self, job: Job) -> int:
        """Return the place in the queue that a recorded job is about to take, 0 for none."""
        if job.kind is Kind.UPSCALE:
            return 0  # stored pixels do not queue
        return self._dispatcher.place_for(job.fair_start)

    async def recover(self) -> None:
        """Take up what an earlier run left open, in its order; needs Discord's REST."""
        jobs = await self._jobs.open_jobs()
        self._dispatcher.restore([_ticket(job) for job in jobs])
        for job in jobs:
            if job.status is Status.RUNNING:
                await self._jobs.requeued(job.id)
            if job.status is not Status.RECORDED:
                await self._line_up(await self._reload(job))
        self._dispatcher.open()
        await asyncio.gather(
            *(self._find_again(job) for job in jobs if job.status is Status.RECORDED)
        )

    async def close(self) -> None:
        """Take nothing more, put what runs back into the queue, and return when it is written."""
        await self._dispatcher.close()

    async def _record(
        self,
        kind: Kind,
        request: GenerationRequest,
        origin: Origin,
        missing_permissions: tuple[str, ...],
        *,
        parent_id: int | None = None,
        parent_index: int | None = None,
    ) -> Job:
        cost = request.cost()
        async with self._intake:
            await self._policy.admit(
                person_id=origin.person_id, missing_permissions=missing_permissions
            )
            start = self._dispatcher.start_tag(origin.person_id, cost)
            try:
                return await self._jobs.record(
                    kind=kind,
                    origin=origin,
                    request=request,
                    fair_start=start,
                    parent_id=parent_id,
                    parent_index=parent_index,
                )
            except Exception:
                self._dispatcher.forget(origin.person_id, start, cost)
                raise

    async def _line_up(self, job: Job) -> None:
        if await self._runner.stored_source(job) is not None:
            self._give_turn_back(job)
            self._dispatcher.start_now(job.id)
        else:
            self._waiting[job.id] = job
            self._dispatcher.admit(_ticket(job))

    async def _find_again(self, job: Job) -> None:
        if self._presenter.can_answer(job):
            await self.unanswered(job)
            return
        try:
            await self.answered(job, await self._presenter.repost(job))
        except DeliveryFailed as error:
            await self._jobs.ended(job.id, Status.FAILED, f"not posted: {error}")

    def _give_turn_back(self, job: Job) -> None:
        ticket = _ticket(job)
        self._dispatcher.forget(ticket.person_id, ticket.start, ticket.cost)

    def _tell_places(self, waiting: list[int]) -> None:
        for job_id in self._waiting.keys() - set(waiting):
            del self._waiting[job_id]
        for place, job_id in enumerate(waiting[:TOLD_PLACES], 1):
            self._presenter.waiting(self._waiting[job_id], place)

    async def _visible(self, job_id: int, guild_id: int | None, person_id: int) -> Job:
        """Return a job of this server; in direct messages, of this person."""
        job = await self._jobs.get(job_id)
        if job is None or job.origin.guild_id != guild_id:
            raise JobNotFound("I do not know that job.")
        if guild_id is None and job.origin.person_id != person_id:
            raise JobNotFound("I do not know that job.")
        return job

    async def _reload(self, job: Job) -> Job:
        return await self._jobs.get(job.id) or job


def _ticket(job: Job) -> Ticket:
    return Ticket(
        start=job.fair_start,
        job_id=job.id,
        person_id=job.origin.person_id,
        cost=job.request.cost(),
    )

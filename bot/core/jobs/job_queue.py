"""The open jobs: queued in fair order, run in turn, and told their positions."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from bot.core.admission.rule_store import RuleStore
from bot.core.jobs.fair_queue import Dispatcher, Ticket
from bot.core.jobs.job_store import JobStore
from bot.core.jobs.presenter import Presenter
from bot.core.jobs.runner import Runner
from bot.db.errors import StoreError
from bot.db.patience import patient
from bot.db.records import Job, NewJob
from generation.catalog import Catalog
from generation.worker.executor import Executor

log = logging.getLogger(__name__)

# Only people near the front are told of every move; the others once they get near.
TOLD_PLACES = 10
STOP_S = 2.0  # a shutdown waits no longer than this for the disk


class Turn(NamedTuple):
    """A job's position among those waiting, 0 while it runs, and the seconds to its end.

    The seconds are estimated from the latest jobs; None if there are none to go by.
    """

    job: Job
    place: int
    seconds: float | None


class JobQueue:
    """The dispatcher's tickets with their jobs, and their recorded tags.

    The store has all of them too: on startup, `restore` reloads them, and `open` lets them run.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        jobs: JobStore,
        presenter: Presenter,
        runner: Runner,
        executor: Executor,
        rules: RuleStore,
        running_per_person: int,
    ) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._presenter = presenter
        self._runner = runner
        self._executor = executor
        self._dispatcher = Dispatcher(
            self._run,
            lanes=lambda: [one.rows for one in executor.lanes() if one.rows] or [executor.capacity],
            running_per_person=running_per_person,
            running_in=lambda guild_id: rules.hold(guild_id).running_at_once,
            laden=lambda: runner.laden,
            on_change=self._tell_places,
            on_retag=self._note_tags,
        )
        # The jobs that the dispatcher holds, as queued, and their costs.
        self._on_their_way: dict[int, tuple[Job, float]] = {}
        self._tags: dict[int, float] = {}  # not yet written
        self._writing: asyncio.Task[None] | None = None
        executor.on_capacity(self.fill)
        rules.on_change(self.fill)

    @property
    def counts(self) -> tuple[int, int]:
        """How many jobs are waiting, and how many are running."""
        return len(self._dispatcher.waiting), len(self._dispatcher.running)

    async def turns(self) -> list[Turn]:
        """Return running and waiting jobs, next first.

        Lanes share what is ahead of a job; its own is drawn by one of them.
        """
        pace = await self._jobs.seconds_per_cost()
        lanes = max(1, sum(lane.rows > 0 for lane in self._executor.lanes()))
        running = self._held(self._dispatcher.running)
        waiting = self._held(self._dispatcher.waiting)
        ahead = sum(cost for _, cost in running)
        ends = [(job, 0, max(cost, ahead / lanes)) for job, cost in running]
        for place, (job, cost) in enumerate(waiting, 1):
            ends.append((job, place, ahead / lanes + cost))
            ahead += cost
        return [Turn(job, place, None if pace is None else pace * end) for job, place, end in ends]

    def reserve(self, new_job: NewJob, person_id: int) -> float:
        """Reserve the turn of a person's next job; return its start tag."""
        return self._dispatcher.start_tag(person_id, new_job.cost())

    def give_back(self, new_job: NewJob | Job, person_id: int, start: float) -> None:
        """Release the reserved turn of a job that is not coming."""
        self._dispatcher.forget(person_id, start, new_job.cost())

    def place_of(self, job: Job) -> int:
        """Return the position that a recorded job is about to take; 0 for none."""
        return self._dispatcher.place_for(self._ticket(job))

    def line_up(self, job: Job) -> None:
        """Queue a job."""
        ticket = self._ticket(job)
        self._on_their_way[job.id] = job, ticket.cost
        self._dispatcher.admit(ticket)

    async def stop(self, job: Job) -> None:
        """Take a job out, or cancel its work and wait until that has ended."""
        self._on_their_way.pop(job.id, None)
        await self._dispatcher.cancel(job.id)

    def restore(self, jobs: Iterable[Job]) -> None:
        """Restore the order of an earlier run."""
        self._dispatcher.restore([self._ticket(job) for job in jobs])

    def open(self) -> None:
        """Start running jobs; until then they are only queued."""
        self._dispatcher.open()

    def fill(self) -> None:
        """Start the jobs that fit; call this when capacity has grown."""
        self._dispatcher.fill()

    async def drain(self, within_s: float) -> None:
        """Start nothing more, and wait for running jobs to end, at most so long."""
        running = len(self._dispatcher.running)
        log.info("stopping: %d running jobs may end within %g s", running, within_s)
        await self._dispatcher.drain(within_s)

    async def close(self) -> None:
        """Start nothing more, requeue what runs, and return when the order is written.

        What the disk refuses now, the next start finds unchanged.
        """
        await self._dispatcher.close()
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=STOP_S)
            self._writing.cancel()

    async def _run(self, job_id: int, free: Callable[[], None]) -> None:
        try:
            await self._runner.run(job_id, free)
        except Exception as error:
            if job_id not in self._on_their_way:
                raise
            job, _ = self._on_their_way[job_id]
            log.exception("job %d: its row is not read", job_id)
            await self._runner.fail(job, error)
        finally:
            self._on_their_way.pop(job_id, None)
            self.fill()  # what it held in memory may have kept others from starting

    def _held(self, job_ids: Sequence[int]) -> list[tuple[Job, float]]:
        """Return the given jobs that have not ended, and their costs."""
        return [self._on_their_way[one] for one in job_ids if one in self._on_their_way]

    def _tell_places(self, waiting: list[int]) -> None:
        for place, (job, _) in enumerate(self._held(waiting[:TOLD_PLACES]), 1):
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
                # Kept in memory; otherwise only a restart would pick up the older ones.
                log.warning("the new order of %d jobs is not written: %s", len(tags), error)

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
        """Return a job's rows as the executor counts them, in units of the default size."""
        size = self._catalog[self._catalog.default].size
        width, height = job.request.result_size
        share = width * height / size**2
        return max(1, round(job.rows * share))

"""A simulated queue with measured tick costs: sequential, request-level batches, and ours.

Jobs arrive as a Poisson process; three heavy users make half of them. The loads are fractions of
the sequential throughput. ``ours`` is the bot's `Dispatcher` and the engine's `Batcher` on a
simulated clock, with the engine's own rule for joining a forward pass; nothing sleeps. The rival
batches are treated generously: any requests share one, and a finished picture takes no more rows,
though `pipe()` takes one sampler, one number of steps and one guidance scale per call.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from benchmarks import Figures
from bot.core.jobs.fair_queue import Dispatcher, Free, Ticket
from generation.engine.batcher import Batcher, Bucket

if TYPE_CHECKING:
    from generation.engine.sample import Sample

LOADS = (0.5, 0.9, 1.5, 2.0)
JOBS = 400
SEEDS = 5
PEOPLE, HEAVY, HEAVY_SHARE = 24, 3, 0.5
STEPS = (10, 25)
PICTURES = (1, 2, 4)
UNGUIDED_SHARE = 1 / 8
RUNNING_PER_PERSON = 2  # the bot's own default
BUCKET = Bucket("", ())
NAMES = {load: f"{load:.1f}".replace(".", "_") for load in LOADS}
LABELS = {
    f"sim_{figure}_ratio_{rival}{NAMES[load]}": f"simulated at {load} load, {label} (ratio to {of})"
    for load in LOADS
    for figure, label in (
        ("first_step", "mean time to the first step"),
        ("mean_latency", "mean latency"),
    )
    for rival, of in (("", "one at a time"), ("batches_", "request-level batches"))
}


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds: of a forward pass by its ``rows``, of a scheduler step, a decode, a prompt."""

    rows: Sequence[int]
    seconds: Sequence[float]
    scheduler: float = 0.0
    decode: float = 0.0
    prompt: float = 0.0

    def forward(self, rows: int) -> float:
        """Return a forward pass's duration; proportional beyond the measured rows."""
        most = self.rows[-1]
        if rows > most:
            return self.seconds[-1] * rows / most
        return float(np.interp(rows, self.rows, self.seconds))


@dataclass(frozen=True, slots=True)
class Job:
    """One request: its arrival and its cost; ``rows`` are those of one picture."""

    id: int
    arrival: float
    person: int
    pictures: int
    rows: int
    forwards: int

    @property
    def all_rows(self) -> int:
        """The rows of all its pictures together."""
        return self.pictures * self.rows


@dataclass(slots=True)
class Outcome:
    """Seconds from each job's arrival, by its id."""

    first_step: dict[int, float] = field(default_factory=dict)
    done: dict[int, float] = field(default_factory=dict)

    @property
    def mean_first_step(self) -> float:
        """The mean time until a job's first step is done."""
        return float(np.mean(list(self.first_step.values())))

    @property
    def mean_latency(self) -> float:
        """The mean time until a job's last picture."""
        return float(np.mean(list(self.done.values())))


def ratios(costs: Costs, limit: int, loads: Sequence[float] = LOADS, jobs: int = JOBS) -> Figures:
    """Serve the same jobs in all three ways; every figure is ours over the rival's.

    ``limit`` is how many rows the engine batches for several requests.
    """
    figures: Figures = {}
    for load in loads:
        outcomes: dict[str, list[Outcome]] = {"": [], "batches_": [], "ours": []}
        for seed in range(SEEDS):
            arriving = arrivals(costs, load, jobs, seed)
            outcomes[""].append(one_at_a_time(arriving, costs))
            outcomes["batches_"].append(in_batches(arriving, costs, limit))
            outcomes["ours"].append(asyncio.run(Ours(arriving, costs, limit).serve()))
        first = {
            name: np.mean([one.mean_first_step for one in all_]) for name, all_ in outcomes.items()
        }
        latency = {
            name: np.mean([one.mean_latency for one in all_]) for name, all_ in outcomes.items()
        }
        for rival in ("", "batches_"):
            figures |= {
                f"sim_first_step_ratio_{rival}{NAMES[load]}": _ratio(first["ours"], first[rival]),
                f"sim_mean_latency_ratio_{rival}{NAMES[load]}": _ratio(
                    latency["ours"], latency[rival]
                ),
            }
    return figures


def arrivals(costs: Costs, load: float, count: int, seed: int) -> list[Job]:
    """Return jobs in order of arrival, at ``load`` times the sequential throughput."""
    rng = np.random.default_rng(seed)
    drafts = [_draft(job_id, rng) for job_id in range(count)]
    mean_service = np.mean([service(job, costs) for job in drafts])
    times = np.cumsum(rng.exponential(mean_service / load, count))
    return [
        Job(job.id, float(at), job.person, job.pictures, job.rows, job.forwards)
        for job, at in zip(drafts, times, strict=True)
    ]


def _draft(job_id: int, rng: np.random.Generator) -> Job:
    heavy = rng.random() < HEAVY_SHARE
    return Job(
        job_id,
        0.0,
        person=int(rng.integers(HEAVY) if heavy else rng.integers(HEAVY, PEOPLE)),
        pictures=int(rng.choice(PICTURES)),
        rows=1 if rng.random() < UNGUIDED_SHARE else 2,
        forwards=int(rng.integers(STEPS[0], STEPS[1] + 1)),
    )


def service(job: Job, costs: Costs) -> float:
    """Return how long a job takes by itself, as with ``pipe()``."""
    step = costs.forward(job.all_rows) + costs.scheduler
    return costs.prompt + job.forwards * step + job.pictures * costs.decode


def one_at_a_time(jobs: Sequence[Job], costs: Costs) -> Outcome:
    """Serve them first come, first served."""
    outcome, clock = Outcome(), 0.0
    for job in jobs:
        clock = max(clock, job.arrival)
        first = clock + costs.prompt + costs.forward(job.all_rows) + costs.scheduler
        clock += service(job, costs)
        outcome.first_step[job.id] = first - job.arrival
        outcome.done[job.id] = clock - job.arrival
    return outcome


def in_batches(jobs: Sequence[Job], costs: Costs, limit: int) -> Outcome:
    """Batch as many waiting jobs as fit; take the next ones when all are done."""
    outcome, clock = Outcome(), 0.0
    coming = deque(jobs)
    while coming:
        clock = max(clock, coming[0].arrival)
        batch = [coming.popleft()]
        while (
            coming
            and coming[0].arrival <= clock
            and sum(job.all_rows for job in (*batch, coming[0])) <= limit
        ):
            batch.append(coming.popleft())
        clock += len(batch) * costs.prompt
        for step in range(max(job.forwards for job in batch)):
            aboard = [job for job in batch if job.forwards > step]
            clock += costs.forward(sum(job.all_rows for job in aboard)) + costs.scheduler
            if step == 0:
                outcome.first_step |= {job.id: clock - job.arrival for job in batch}
        clock += sum(job.pictures for job in batch) * costs.decode
        outcome.done |= {job.id: clock - job.arrival for job in batch}
    return outcome


@dataclass(slots=True, eq=False)
class Drawing:
    """One picture being denoised, as the batcher sees it."""

    job: Job
    left: int
    bucket: Bucket = BUCKET

    @property
    def rows(self) -> int:
        """How many rows of a forward pass it takes."""
        return self.job.rows


@dataclass(slots=True, eq=False)
class Aboard:
    """A job in the engine."""

    job: Job
    joined: int = 0
    decoded: int = 0


class Ours:
    """The bot's fair queue in front of the engine's ticks, on a simulated clock."""

    def __init__(self, jobs: Sequence[Job], costs: Costs, limit: int) -> None:
        self._jobs = {job.id: job for job in jobs}
        self._coming = deque(jobs)
        self._costs, self._limit = costs, limit
        self._clock = 0.0
        self._outcome = Outcome()
        self._batcher = Batcher()
        self._waiting: deque[Job] = deque()
        self._aboard: dict[int, Aboard] = {}
        self._undecoded: deque[Drawing] = deque()
        self._free: dict[int, Free] = {}
        self._ended: dict[int, asyncio.Event] = {}

    async def serve(self) -> Outcome:
        """Run until every job is done."""
        dispatcher = Dispatcher(
            self._work, lanes=lambda: [self._limit], running_per_person=RUNNING_PER_PERSON
        )
        dispatcher.open()
        while len(self._outcome.done) < len(self._jobs):
            while self._coming and self._coming[0].arrival <= self._clock:
                _line_up(dispatcher, self._coming.popleft())
            await asyncio.sleep(0)  # so that dispatched jobs reach the engine
            if self._waiting or self._aboard:
                self._tick()
            else:
                self._clock = self._coming[0].arrival
        await dispatcher.close()
        return self._outcome

    async def _work(self, job_id: int, free: Free) -> None:
        self._free[job_id], self._ended[job_id] = free, asyncio.Event()
        self._waiting.append(self._jobs[job_id])
        await self._ended[job_id].wait()

    def _tick(self) -> None:
        """Do as `Engine.step` does: admit one, join, one forward pass, one decode."""
        if self._waiting:
            job = self._waiting.popleft()
            self._aboard[job.id] = Aboard(job)
            self._clock += self._costs.prompt
        self._board()
        if self._batcher.pick() is not None:
            self._denoise()
        if self._undecoded:
            self._decode(self._undecoded.popleft())

    def _board(self) -> None:
        """Let pictures join in the order of their jobs; a job alone may exceed the limit."""
        for aboard in self._aboard.values():
            while aboard.joined < aboard.job.pictures:
                rows = self._batcher.rows(BUCKET) + aboard.job.rows
                alone = all(drawing.job is aboard.job for drawing in self._drawings)
                if rows > self._limit and not alone:
                    return
                aboard.joined += 1
                self._batcher.join(cast("Sample", Drawing(aboard.job, aboard.job.forwards)))

    @property
    def _drawings(self) -> list[Drawing]:
        return cast("list[Drawing]", self._batcher.of(BUCKET))

    def _denoise(self) -> None:
        drawings = list(self._drawings)
        seconds = self._costs.forward(self._batcher.rows(BUCKET))
        seconds += len(drawings) * self._costs.scheduler
        self._clock += seconds
        self._batcher.spend(BUCKET, seconds)
        for drawing in drawings:
            self._outcome.first_step.setdefault(drawing.job.id, self._clock - drawing.job.arrival)
            drawing.left -= 1
            if not drawing.left:
                self._batcher.leave(cast("Sample", drawing))
                self._undecoded.append(drawing)

    def _decode(self, drawing: Drawing) -> None:
        self._clock += self._costs.decode
        job, aboard = drawing.job, self._aboard[drawing.job.id]
        aboard.decoded += 1
        if aboard.decoded == job.pictures:
            del self._aboard[job.id]
            self._outcome.done[job.id] = self._clock - job.arrival
            self._free.pop(job.id)()
            self._ended.pop(job.id).set()


def _line_up(dispatcher: Dispatcher, job: Job) -> None:
    cost = float(job.all_rows * job.forwards)
    start = dispatcher.start_tag(job.person, cost)
    dispatcher.admit(Ticket(start, job.id, job.person, cost, job.all_rows))


def _ratio(ours: np.floating, rival: np.floating) -> float:
    return round(float(ours / rival), 3)

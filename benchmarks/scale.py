"""Simulates 1, 8 and 64 uneven GPUs: waits, fairness, warm routes, and the bot's own limit.

The bot's `Dispatcher` and the pool's routing (`assign`) run as they are, on a simulated clock. What
is around them is modelled: people ask as a Poisson process, half of the jobs by a few heavy users;
a lane shares its device among those aboard, and stands still while it loads a checkpoint.

Assumed, as no such devices are at hand: a fast lane draws 20 steps of 512² px, guided, in a second
when its rows are full, others take two and four times as long; a forward's fixed part is worth four
rows; loading takes ten seconds, and two checkpoints fit. Measured by the benchmark `discord`: what
a job costs the bot's process. Loads are shares of what all lanes do with full rows.
"""

import asyncio
import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from benchmarks import Figures
from bot.core.jobs.fair_queue import Dispatcher, Free, Ticket
from generation.request import GenerationRequest, Sampler
from generation.worker.job import Job
from generation.worker.routing import COLD_S, assign

if TYPE_CHECKING:
    from generation.worker.lane import Lane

GPUS = (1, 8, 64)
LOADS = (0.5, 0.8, 1.0, 1.5)
JOBS_PER_GPU, MOST_JOBS, FEWEST_JOBS = 250, 3000, 600
# Lanes in turn: how fast, of the fastest, and the rows that they hold.
KINDS = ((1.0, 16), (0.5, 8), (0.25, 4))
FIXED_ROWS = 4.0
COST_PER_S = 2 * 20 * 512 * 512.0  # of a fast lane
CHECKPOINTS = ("A", "B", "C")
POPULARITY = (0.75, 0.2, 0.05)
KEPT = 2  # checkpoints in a lane's memory
HEAVY_SHARE, HEAVY_PER_GPU, ASKS_EVERY_S = 0.5, 2, 300.0
OPEN_EACH, WAITING_PER_GPU, WAITING = 10, 25, 200  # the bot's limits; more for more GPUs
RUNNING_PER_PERSON = 2
LIFE_MS, EVENT_MS = 17.0, 0.05  # of the bot's process: a job from /imagine to its end; a step
BUSY = 0.7  # of a core; beyond, people begin to wait for answers
AGAIN_S = 1.0  # the pool's own

NAMES = {load: f"{load:.1f}".replace(".", "_") for load in LOADS}
FIGURES = {
    "light_p50_s": "occasional users wait, median (s)",
    "light_p95_s": "the same, 95th percentile (s)",
    "heavy_p50_s": "heavy users wait, median (s)",
    "heavy_p95_s": "the same, 95th percentile (s)",
    "refused_pct": "jobs refused, as too many wait (%)",
    "warm_pct": "jobs for which nothing was loaded (%)",
    "jobs_per_min": "jobs a minute",
    "bot_pct": "of a core for the bot's process (%)",
}
LABELS = {
    f"scale_{gpus}_{NAMES[load]}_{name}": f"{gpus} GPUs at load {load}: {what}"
    for gpus in GPUS
    for load in LOADS
    for name, what in FIGURES.items()
} | {
    "scale_limit_jobs_per_s": f"jobs a second at which the bot takes {BUSY:.0%} of a core",
    "scale_limit_people": f"people who then ask every {ASKS_EVERY_S / 60:.0f} minutes",
    "scale_limit_gpus": "fast GPUs that then draw",
}


@dataclass(eq=False)
class SimulatedLane:
    """As much of a `Lane` as routing looks at, and how far those aboard are."""

    speed: float
    rows: int
    aboard: dict[int, Job] = field(default_factory=dict)
    loaded: tuple[str, ...] = ()
    left: dict[int, float] = field(default_factory=dict)  # the cost that is still to be done
    stands_until: float = 0.0
    at: float = 0.0
    busy_s: float = 0.0
    device: str = "simulated"
    too_large: frozenset[str | None] = frozenset()
    lacks: frozenset[str] = frozenset()

    @property
    def seconds_per_cost(self) -> float:
        """What the pool measures of it."""
        return 1 / (self.speed * COST_PER_S)

    @property
    def pace(self) -> float:
        """Cost per second of each one aboard; few rows use a device badly."""
        rows = sum(job.request.rows for job in self.aboard.values())
        use = rows / (FIXED_ROWS + rows) * (FIXED_ROWS + self.rows) / self.rows
        return self.speed * COST_PER_S * min(1.0, use) / max(1, len(self.aboard))

    def go_on(self, now: float) -> None:
        """Do what was done until now."""
        begun = max(self.at, min(self.stands_until, now))
        if self.left:
            done = (now - begun) * self.pace
            self.left = {key: left - done for key, left in self.left.items()}
            self.busy_s += now - begun
        self.at = now

    def board(self, job: Job, now: float) -> bool:
        """Take a job aboard; return whether its checkpoint was there."""
        self.go_on(now)
        job.aboard_since = now
        self.aboard[job.key], self.left[job.key] = job, job.cost
        checkpoint = str(job.checkpoint)
        warm = checkpoint in self.loaded
        if not warm:
            self.stands_until = max(now, self.stands_until) + COLD_S
        others = tuple(one for one in self.loaded if one != checkpoint)
        self.loaded = (*others, checkpoint)[-KEPT:]
        return warm

    def next_end(self) -> float:
        """Return when the next one aboard is done, if nobody comes."""
        if not self.left:
            return math.inf
        return max(self.at, self.stands_until) + max(0.0, min(self.left.values())) / self.pace


@dataclass(frozen=True, slots=True)
class Asked:
    """A job, when it is asked for, and by whom; heavy users have negative numbers."""

    at: float
    person: int
    request: GenerationRequest


@dataclass(slots=True)
class Outcome:
    """Seconds from asking to the last picture's end, of occasional and of heavy users."""

    light: list[float] = field(default_factory=list)
    heavy: list[float] = field(default_factory=list)
    refused: int = 0
    warm: int = 0
    routed: int = 0


def lanes_of(gpus: int) -> list[SimulatedLane]:
    """Return so many lanes of the kinds in turn."""
    return [SimulatedLane(*kind) for kind in itertools.islice(itertools.cycle(KINDS), gpus)]


def arrivals(lanes: Sequence[SimulatedLane], load: float, count: int, seed: int) -> list[Asked]:
    """Return jobs in order of asking, at ``load`` times what the lanes can do."""
    rng = np.random.default_rng(seed)
    requests = [
        GenerationRequest(
            prompt="a red apple",
            checkpoint=str(rng.choice(CHECKPOINTS, p=POPULARITY)),
            width=512,
            height=512,
            num_images=int(rng.choice((1, 2, 4))),
            num_inference_steps=int(rng.integers(10, 31)),
            guidance_scale=7.0,
            sampler=Sampler.EULER_A,
            seed=number,
        )
        for number in range(count)
    ]
    per_s = load * sum(lane.speed for lane in lanes) * COST_PER_S
    rate = per_s / float(np.mean([one.cost() for one in requests]))
    people = max(1, round(rate * (1 - HEAVY_SHARE) * ASKS_EVERY_S))
    heavy = HEAVY_PER_GPU * len(lanes)
    times = np.cumsum(rng.exponential(1 / rate, count))
    return [
        Asked(
            float(at),
            -1 - int(rng.integers(heavy))
            if rng.random() < HEAVY_SHARE
            else int(rng.integers(people)),
            request,
        )
        for at, request in zip(times, requests, strict=True)
    ]


class House:
    """The fair queue before the pool's waiting list before the lanes, on a simulated clock."""

    def __init__(self, lanes: Sequence[SimulatedLane], asked: Sequence[Asked]) -> None:
        self._lanes = lanes
        self._jobs = {key: Job(key, one.request, key) for key, one in enumerate(asked)}
        self._asked = asked
        self._coming = [(one.at, key) for key, one in enumerate(asked)]
        heapq.heapify(self._coming)
        self._waiting: dict[int, Job] = {}  # in the pool
        self._open: dict[int, int] = {}  # jobs of each person
        self._free: dict[int, Free] = {}
        self._ended: dict[int, asyncio.Event] = {}
        self._now = 0.0
        self.outcome = Outcome()

    async def serve(self) -> Outcome:
        """Run until everybody is served or refused."""
        rows = [lane.rows for lane in self._lanes]
        dispatcher = Dispatcher(
            self._work,
            lanes=lambda: rows,
            running_per_person=RUNNING_PER_PERSON,
        )
        dispatcher.open()
        while self._coming or any(self._open.values()):
            self._now = self._next(dispatcher)
            for lane in self._lanes:
                self._take_off(lane)
            while self._coming and self._coming[0][0] <= self._now:
                self._ask(dispatcher, heapq.heappop(self._coming)[1])
            for _ in range(3):  # what the dispatcher starts reaches the pool
                await asyncio.sleep(0)
            self._bind()
        await dispatcher.close()
        return self.outcome

    def _next(self, dispatcher: Dispatcher) -> float:
        """Return when something happens next."""
        moments = [lane.next_end() for lane in self._lanes]
        if self._coming:
            moments.append(self._coming[0][0])
        if self._waiting:
            moments.append(self._now + AGAIN_S)
        moment = min(moments)
        assert moment < math.inf, dispatcher.running  # otherwise somebody was lost
        return max(self._now, moment)

    def _ask(self, dispatcher: Dispatcher, key: int) -> None:
        person, job = self._asked[key].person, self._jobs[key]
        most = max(WAITING, WAITING_PER_GPU * len(self._lanes))
        if self._open.get(person, 0) >= OPEN_EACH or len(dispatcher.waiting) >= most:
            self.outcome.refused += 1
            return
        self._open[person] = self._open.get(person, 0) + 1
        start = dispatcher.start_tag(person, job.cost)
        dispatcher.admit(Ticket(start, key, person, job.cost, job.request.rows))

    async def _work(self, key: int, free: Free) -> None:
        self._free[key], self._ended[key] = free, asyncio.Event()
        self._waiting[key] = self._jobs[key]
        await self._ended[key].wait()

    def _bind(self) -> None:
        for job, lane in assign(
            self._waiting.values(), cast("Sequence[Lane]", self._lanes), self._now
        ):
            del self._waiting[job.key]
            self.outcome.routed += 1
            self.outcome.warm += cast("SimulatedLane", lane).board(job, self._now)

    def _take_off(self, lane: SimulatedLane) -> None:
        lane.go_on(self._now)
        for key in [key for key, left in lane.left.items() if left <= 1e-6 * self._jobs[key].cost]:
            del lane.left[key], lane.aboard[key]
            asked = self._asked[key]
            self._open[asked.person] -= 1
            waits = self.outcome.heavy if asked.person < 0 else self.outcome.light
            waits.append(self._now - asked.at)
            self._free.pop(key)()
            self._ended.pop(key).set()


def measured(gpus: int, load: float, count: int, seed: int = 1) -> Figures:
    """Simulate one size and load; return its figures by their short names."""
    lanes = lanes_of(gpus)
    asked = arrivals(lanes, load, count, seed)
    outcome = asyncio.run(House(lanes, asked).serve())
    served = len(outcome.light) + len(outcome.heavy)
    seconds = asked[-1].at
    return {
        "light_p50_s": _percentile(outcome.light, 50),
        "light_p95_s": _percentile(outcome.light, 95),
        "heavy_p50_s": _percentile(outcome.heavy, 50),
        "heavy_p95_s": _percentile(outcome.heavy, 95),
        "refused_pct": round(100 * outcome.refused / count, 1),
        "warm_pct": round(100 * outcome.warm / max(1, outcome.routed), 1),
        "jobs_per_min": round(60 * served / seconds, 1),
        "bot_pct": round(100 * served / seconds * _cpu_s(asked), 2),
    }


def run() -> Figures:
    """Simulate every size and load."""
    figures: Figures = {}
    for gpus in GPUS:
        count = min(MOST_JOBS, max(FEWEST_JOBS, JOBS_PER_GPU * gpus))
        for load in LOADS:
            found = measured(gpus, load, count)
            figures |= {f"scale_{gpus}_{NAMES[load]}_{name}": one for name, one in found.items()}
            print("  " + " | ".join([str(gpus), str(load), *map(str, found.values())]), flush=True)
    asked = arrivals(lanes_of(1), 1.0, FEWEST_JOBS, 1)
    per_s = BUSY / _cpu_s(asked)
    cost = float(np.mean([one.request.cost() for one in asked]))
    figures["scale_limit_jobs_per_s"] = round(per_s, 1)
    figures["scale_limit_people"] = round(per_s * ASKS_EVERY_S)
    figures["scale_limit_gpus"] = round(per_s * cost / COST_PER_S)
    return figures


def _cpu_s(asked: Sequence[Asked]) -> float:
    """Return the seconds of the bot's process that a job takes, on average."""
    steps = float(np.mean([one.request.num_inference_steps for one in asked]))
    return (LIFE_MS + EVENT_MS * steps) / 1000


def _percentile(waits: Sequence[float], percent: int) -> float:
    return round(float(np.percentile(waits, percent)), 1) if waits else 0.0

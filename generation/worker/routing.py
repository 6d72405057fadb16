"""Which waiting request goes to which lane, now. Pure: it looks, and changes nothing.

Four rules, in the order of arrival, among the lanes whose memory is not known to be too small:

1. A request boards a lane only while that lane has room: the one where it is expected to end first,
   sharing the device with those aboard at the lane's measured pace, and after `COLD_S` more if its
   checkpoint is not there. So a warm lane is preferred until it is that much more loaded.
2. A request that would end in less than half the time after waiting for a faster lane waits for it
   (`WORTH_WAITING`); so only a lane that is slower by more than that is ever left idle. With
   servers of unequal pace the best policy is such a threshold: Lin and Kumar, "Optimal Control of a
   Queueing System with Two Heterogeneous Servers", IEEE Transactions on Automatic Control, 1984.
   Who waits counts as the fast lane's work, so that a longer queue uses the slow one, too.
3. A machine that lacks a model that the request names does not get it, unless all lack one, those
   that are still starting, too.
4. What was aboard a crash goes alone, on an empty lane. One lane at a time is kept free for it:
   were it more, somebody's deadly requests would keep everybody from drawing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generation.worker.job import Job
from generation.worker.lane import Lane

COLD_S = 10.0  # about what a checkpoint of some gigabytes takes from disk
WORTH_WAITING = 2.0
# Until a lane is measured, the others' mean; until any is, a picture of 512² px in 20 steps a
# second, as a middling GPU draws Stable Diffusion 1.
SECONDS_PER_COST = 1 / (2 * 20 * 512 * 512)


@dataclass(slots=True)
class _Plan:
    """What a lane has aboard, and what it is about to get."""

    lane: Lane
    pace: float  # seconds per cost
    left: list[float]  # the seconds that each one aboard still needs
    rows: int
    warm: set[str | None]
    latest: float  # when somebody boarded last
    alone: bool  # somebody is alone there, or it is being emptied for that
    promised: float = 0.0  # seconds of work that waits for it

    @property
    def has_room(self) -> bool:
        return not self.alone and (not self.left or self.rows < self.lane.rows)

    def ends(self, job: Job) -> float:
        """Return in how many seconds the job would end here, but for loading its checkpoint."""
        own = job.cost * self.pace
        if self.has_room:  # until it is done, nobody beside it gets more of the device
            return own + sum(min(own, left) for left in self.left)
        return own + sum(self.left) + self.promised

    def ends_cold(self, job: Job) -> float:
        return self.ends(job) + (0 if job.checkpoint in self.warm else COLD_S)

    def take(self, job: Job, now: float) -> None:
        self.left.append(job.cost * self.pace)
        self.rows += job.request.rows
        self.warm.add(job.checkpoint)
        self.latest = now
        self.alone |= job.goes_alone


def assign(
    waiting: Iterable[Job], lanes: Sequence[Lane], now: float, coming: Sequence[Lane] = ()
) -> list[tuple[Job, Lane]]:
    """Return who boards which of the lanes, all of which are ready, in order of arrival.

    ``coming`` are those that start, and may be ready soon.
    """
    plans = _plans(lanes, now)
    boarding = []
    for job in waiting:
        if not any(plan.has_room for plan in plans):
            break
        able = [plan for plan in plans if plan.lane.device not in job.refused]
        having = [plan for plan in able if job.needs.isdisjoint(plan.lane.lacks)]
        if not having and any(
            job.needs.isdisjoint(lane.lacks) and lane.device not in job.refused for lane in coming
        ):
            continue
        # Where every machine lacks something, the one that gets the request says what.
        able = having or able
        able = [plan for plan in able if job.checkpoint not in plan.lane.too_large] or able
        plan = _alone(job, able) if job.goes_alone else _beside_others(job, able)
        if plan is not None:
            plan.take(job, now)
            boarding.append((job, plan.lane))
    return boarding


def _plans(lanes: Sequence[Lane], now: float) -> list[_Plan]:
    known = [lane.seconds_per_cost for lane in lanes if lane.seconds_per_cost]
    usual = math.fsum(known) / len(known) if known else SECONDS_PER_COST
    plans = []
    for lane in lanes:
        pace = lane.seconds_per_cost or usual
        aboard = lane.aboard.values()
        plans.append(
            _Plan(
                lane,
                pace,
                left=[_left(job, pace, (now - job.aboard_since) / len(aboard)) for job in aboard],
                rows=sum(job.request.rows for job in aboard),
                warm={None, *lane.loaded, *(job.checkpoint for job in aboard)},
                latest=max((job.aboard_since for job in aboard), default=0.0),
                alone=any(job.goes_alone for job in aboard),
            )
        )
    return plans


def _left(job: Job, pace: float, spent: float) -> float:
    """Return the seconds that a job still needs; one long overdue is as far from its end again."""
    return abs(job.cost * pace - spent)


def _alone(job: Job, plans: Sequence[_Plan]) -> _Plan | None:
    """Return an empty lane; if there is none, let one be emptied."""
    empty = [plan for plan in plans if not plan.left and not plan.alone]
    if empty:
        return min(empty, key=lambda plan: plan.ends_cold(job))
    if plans and not any(plan.alone for plan in plans):
        # The same one at every call, because nobody boards it from now on.
        min(plans, key=lambda plan: plan.latest).alone = True
    return None


def _beside_others(job: Job, plans: Sequence[_Plan]) -> _Plan | None:
    """Return the lane with room where it ends first, unless waiting for another is worth it."""
    chosen = min(
        (plan for plan in plans if plan.has_room),
        key=lambda plan: plan.ends_cold(job),
        default=None,
    )
    if chosen is None:
        return None
    soonest = min((plan for plan in plans if not plan.alone), key=lambda plan: plan.ends(job))
    if soonest.has_room or chosen.ends(job) <= WORTH_WAITING * soonest.ends(job):
        return chosen
    soonest.promised += job.cost * soonest.pace
    return None

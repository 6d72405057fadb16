"""Which lane a waiting request is given to."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from generation.worker.job import Job
from generation.worker.routing import COLD_S, WORTH_WAITING, assign
from tests.generation.conftest import MakeRequest
from tests.generation.worker.scripted import FIRST, SECOND

SECONDS = 20.0  # what a request takes on the usual lane


class Yard:
    """Lanes and requests as `assign` sees them."""

    def __init__(self, make_request: MakeRequest) -> None:
        self._make = make_request
        self._keys = 0
        self.usual = SECONDS / make_request().cost()

    def lane(self, name: str, *aboard: Job, slower: float | None = 1.0, **more: object):
        pace = None if slower is None else self.usual * slower
        plain = {
            "name": name,
            "aboard": {job.key: job for job in aboard},
            "seconds_per_cost": pace,
            "loaded": (FIRST,),
            "lacks": frozenset(),
            "rows": 8,
            "device": "card",
            "too_large": set(),
        }
        return SimpleNamespace(**plain | more)

    def job(self, checkpoint: str = FIRST, *, since: float = 0.0, crashes: int = 0) -> Job:
        self._keys += 1
        job = Job(self._keys, self._make(checkpoint=checkpoint), None)
        job.aboard_since, job.crashes = since, crashes
        return job


@pytest.fixture
def yard(make_request: MakeRequest) -> Yard:
    return Yard(make_request)


def routed(
    waiting: list[Job], lanes: list, now: float = 0.0, coming: Sequence = ()
) -> list[str | None]:
    """Return the lane of each, None for who waits."""
    found = {job: lane.name for job, lane in assign(waiting, lanes, now, coming)}
    return [found.get(job) for job in waiting]


def test_the_lane_with_the_checkpoint_comes_first_until_it_is_more_loaded_by_a_bound(yard: Yard):
    short = {"seconds_per_cost": yard.usual * COLD_S / SECONDS / 2}  # half the bound each
    lanes = [yard.lane("warm", loaded=(FIRST, SECOND), **short), yard.lane("cold", **short)]
    waiting = [yard.job(SECOND) for _ in range(4)]
    assert routed(waiting, lanes) == ["warm", "warm", "warm", "cold"]
    lanes = [yard.lane("cold"), yard.lane("loading it", yard.job(SECOND))]
    assert routed([yard.job(SECOND)], lanes) == ["cold"], "the other is 20 s behind"


def test_equal_lanes_share_evenly_and_hold_no_more_than_their_rows(yard: Yard):
    lanes = [yard.lane("a"), yard.lane("b", rows=2)]
    assert routed([yard.job() for _ in range(7)], lanes) == ["a", "b", "a", "a", "a", None, None]


def test_of_free_lanes_the_faster_gets_more(yard: Yard):
    lanes = [yard.lane("fast", rows=64), yard.lane("slow", rows=64, slower=3)]
    found = routed([yard.job() for _ in range(8)], lanes)
    assert found.count("slow") == 2
    assert found[:2] == ["fast", "fast"]


def test_a_request_waits_for_a_fast_lane_only_if_that_is_worth_it(yard: Yard):
    full = [yard.job() for _ in range(4)]
    lanes = [yard.lane("fast", *full), yard.lane("slow", slower=10)]
    # The fast one has 4 × 20 s to do, so that a request would end in 100 s, or in 200 s.
    assert routed([yard.job()], lanes) == ["slow"]
    assert routed([yard.job()], lanes, now=SECONDS) == [None], "60 s are left: 80 or 200"
    waiting = [yard.job() for _ in range(4)]
    assert "slow" in routed(waiting, lanes, now=SECONDS), "a longer queue uses the slow one, too"


def test_a_lane_that_is_not_much_slower_never_idles(yard: Yard):
    full = [yard.job() for _ in range(4)]
    for now in range(0, 200, 7):
        lanes = [yard.lane("fast", *full), yard.lane("slower", slower=WORTH_WAITING)]
        assert routed([yard.job()], lanes, now=now) == ["slower"]


def test_a_lane_that_is_long_overdue_is_not_waited_for(yard: Yard):
    lanes = [yard.lane("stuck", *[yard.job() for _ in range(4)]), yard.lane("slow", slower=10)]
    assert routed([yard.job()], lanes, now=3 * SECONDS) == [None]
    assert routed([yard.job()], lanes, now=20 * SECONDS) == ["slow"]


def test_a_lane_that_was_never_measured_is_taken_for_an_average_one(yard: Yard):
    lanes = [yard.lane("known", slower=3), yard.lane("new", slower=None)]
    assert sorted(routed([yard.job(), yard.job()], lanes)) == ["known", "new"]
    assert routed([yard.job()], [yard.lane("new", slower=None)]) == ["new"]


def test_what_was_aboard_a_crash_gets_an_empty_lane_and_others_go_on_elsewhere(yard: Yard):
    older, newer = yard.job(since=1), yard.job(since=2)
    lanes = [yard.lane("a", older), yard.lane("b", newer)]
    suspect, another = yard.job(crashes=1), yard.job(crashes=1)
    fresh = [yard.job() for _ in range(5)]
    found = routed([suspect, another, *fresh], lanes, now=3)
    assert found == [None, None, "b", "b", "b", None, None], "a empties for the first of them"
    lanes = [yard.lane("a"), yard.lane("b", newer)]
    found = routed([suspect, another, *fresh], lanes, now=3)
    assert found == ["a", None, "b", "b", "b", None, None]
    aboard = yard.job(crashes=1)
    assert routed([another, *fresh], [yard.lane("a", aboard)]) == [None] * 6


def test_the_same_lane_is_emptied_until_it_is_empty(yard: Yard):
    lanes = [yard.lane("a", yard.job(since=0)), yard.lane("b", yard.job(since=1))]
    suspect = yard.job(crashes=1)
    for now in range(2, 200, 20):
        fresh = yard.job(since=now)
        assert routed([suspect, fresh], lanes, now=now) == [None, "b"]
        lanes[1].aboard = {fresh.key: fresh}  # the one before has ended


def test_what_a_device_has_no_memory_for_is_not_given_to_it(yard: Yard):
    lanes = [yard.lane("small", device="small", too_large={SECOND}), yard.lane("large", rows=2)]
    waiting = [yard.job(SECOND), yard.job(SECOND), yard.job()]
    assert routed(waiting, lanes) == ["large", None, "small"]
    assert routed(waiting[:1], lanes[:1]) == ["small"], "nobody else is there"
    waiting[0].refused.add("small")
    assert routed(waiting[:1], lanes[:1]) == [None]


def test_what_a_machine_lacks_goes_to_another_or_waits_for_one_that_starts(yard: Yard):
    lacking, having = yard.lane("lacking", lacks=frozenset((SECOND.lower(),))), yard.lane("having")
    assert routed([yard.job(SECOND), yard.job()], [lacking, having]) == ["having", "lacking"]
    waiting = [yard.job(SECOND), yard.job()]
    assert routed(waiting, [lacking], coming=[having]) == [None, "lacking"]
    assert routed(waiting, [lacking], coming=[lacking]) == ["lacking", "lacking"]
    assert routed(waiting, [lacking]) == ["lacking", "lacking"], "which says what it lacks"
    waiting[0].refused.add("other")
    having.device = "other"
    assert routed(waiting, [lacking], coming=[having]) == ["lacking", "lacking"]

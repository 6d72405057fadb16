"""When a job is expected to end, with one lane and with several."""

from types import SimpleNamespace

import pytest

from bot.core.jobs.job_queue import JobQueue

PACE = 2.0  # seconds of a device per cost


def queue(lanes: int, running: dict[str, float], waiting: dict[str, float]) -> JobQueue:
    """A queue of jobs by name, with what they cost."""

    async def seconds_per_cost() -> float:
        return PACE

    made = JobQueue.__new__(JobQueue)
    made._jobs = SimpleNamespace(seconds_per_cost=seconds_per_cost)
    made._executor = SimpleNamespace(lanes=lambda: [SimpleNamespace(rows=8)] * lanes)
    made._dispatcher = SimpleNamespace(running=list(running), waiting=list(waiting))
    made._on_their_way = {name: (name, cost) for name, cost in (running | waiting).items()}
    return made


@pytest.mark.parametrize(
    ("lanes", "ends"),
    [
        (0, {"a": 8, "b": 8, "c": 14, "d": 16}),
        (1, {"a": 8, "b": 8, "c": 14, "d": 16}),
        (2, {"a": 6, "b": 4, "c": 10, "d": 9}),
        (4, {"a": 6, "b": 2, "c": 8, "d": 5.5}),
    ],
)
async def test_lanes_share_what_is_ahead_but_not_the_job_itself(lanes: int, ends: dict[str, float]):
    turns = await queue(lanes, {"a": 3, "b": 1}, {"c": 3, "d": 1}).turns()
    assert {turn.job: turn.seconds for turn in turns} == ends
    assert [turn.place for turn in turns] == [0, 0, 1, 2]

"""Several lanes under one pool, whose workers a script stands for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from generation.catalog import EMBEDDED, Catalog
from generation.errors import OutOfMemory, WorkerDied
from generation.request import Event, Failed, Finished, GenerationRequest, Started
from generation.worker.lane import LAUNCHES_BEFORE_GIVING_UP, Lane
from generation.worker.link import End, LaneStatus
from generation.worker.messages import QUIET_S, Lacks, Look, Offer
from generation.worker.pool import Pool
from tests.generation.conftest import MakeRequest
from tests.generation.worker.scripted import FIRST, USUAL, ScriptedLink, ScriptedSource, settle

Opened = Callable[..., Awaitable[ScriptedSource]]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_lane: Lane, _seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(Lane, "_pause", at_once)


@pytest.fixture
def make_request(make_request: MakeRequest) -> MakeRequest:
    """Requests that take long enough, as lanes are thought to be, for no pause here to matter."""
    long = {"width": 1024, "height": 1024, "num_inference_steps": 100, "checkpoint": FIRST}
    return lambda **changes: make_request(**long | changes)


@pytest.fixture
async def source() -> ScriptedSource:
    return ScriptedSource("a", "b")


@pytest.fixture
async def pool(source: ScriptedSource) -> AsyncIterator[Pool]:
    """Two lanes that are ready for eight rows each, which are four requests."""
    pool = Pool(Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name), [source])
    await pool.start()
    await settle()
    for link in source.links:
        link.be_ready()
    await settle()
    yield pool
    await pool.close()


class Asked:
    """A request on its way, and what came of it."""

    def __init__(self, pool: Pool, request: GenerationRequest) -> None:
        self.request = request
        self.events: list[Event] = []
        self.task = asyncio.create_task(self._listen(pool))

    async def _listen(self, pool: Pool) -> None:
        async for event in pool.run(self.request):
            self.events.append(event)

    @property
    def end(self) -> Event | None:
        return self.events[-1] if self.task.done() else None


async def ask(pool: Pool, *requests: GenerationRequest) -> list[Asked]:
    asked = []
    for request in requests:
        asked.append(Asked(pool, request))
        await settle()
    return asked


def holding(source: ScriptedSource, key: int) -> ScriptedLink:
    (link,) = [link for link in source.links if link.lives and key in link.holds]
    return link


async def test_two_lanes_hold_twice_as_much(
    pool: Pool, source: ScriptedSource, make_request: MakeRequest
):
    assert pool.capacity == 16
    await ask(pool, *(make_request() for _ in range(9)))
    assert sorted(len(link.holds) for link in source.links) == [4, 4]
    first = source.links[0]
    first.draw(first.taken[0])
    await settle()
    assert first.taken[-1] == 9, "whoever has room first gets it"
    states = {one.name: one for one in pool.lanes()}
    assert (states["a"].rows, states["a"].rows_aboard, states["a"].requests_aboard) == (8, 8, 4)
    assert (states["a"].status, states["a"].device) == (LaneStatus.READY, "card")
    assert states["a"].seconds_per_cost is not None
    assert states["b"].seconds_per_cost is None


async def test_a_deadly_request_ends_a_lane_twice_and_nobody_else(
    pool: Pool, source: ScriptedSource, make_request: MakeRequest
):
    everybody = await ask(pool, *(make_request(seed=seed) for seed in range(6)))
    deadly = 1
    at_first = holding(source, deadly)
    beside = [key for key in at_first.holds if key != deadly]
    assert len(beside) == 2, "two innocent ones are aboard with it"
    crashes = 0
    for _ in range(40):
        for link in [one for one in source.links if one.lives]:
            if not link.ready:
                link.be_ready()
            elif deadly in link.holds:
                assert crashes == 0 or list(link.holds) == [deadly]
                crashes += 1
                link.end_as(End.CRASHED)
            elif link.holds:
                link.draw(next(iter(link.holds)))
        await settle()
    assert crashes == 2
    assert isinstance(everybody[0].end, Failed)
    assert isinstance(everybody[0].end.error, WorkerDied)
    assert all(isinstance(one.end, Finished) for one in everybody[1:])


async def test_a_lost_lane_counts_against_nobody(
    pool: Pool, source: ScriptedSource, make_request: MakeRequest
):
    (asked,) = await ask(pool, make_request())
    for _ in range(5):
        holding(source, 1).end_as(End.LOST)
        await settle()
        for link in source.links:
            if link.lives and not link.ready:
                link.be_ready()
        await settle()
    holding(source, 1).draw(1)
    await settle()
    assert isinstance(asked.end, Finished)
    drawn_s = asked.request.cost() * USUAL
    assert asked.end.device_seconds == drawn_s, "what was lost costs nobody anything"


async def test_a_drained_lane_finishes_what_it_has_and_stays_away_until_it_joins_again(
    pool: Pool, source: ScriptedSource, make_request: MakeRequest
):
    asked = await ask(pool, *(make_request() for _ in range(2)))
    a = source.latest("a")
    draining = asyncio.create_task(pool.drain("a", 60))
    await settle()
    assert pool.capacity == 8
    assert {one.name: one.status for one in pool.lanes()}["a"] is LaneStatus.DRAINING
    asked += await ask(pool, *(make_request() for _ in range(4)))
    assert len(a.taken) == 1
    assert not draining.done()
    a.draw(a.taken[0])
    await draining
    assert a.said_goodbye
    assert isinstance(asked[a.taken[0] - 1].end, Finished)
    await settle()
    assert len(source.links) == 2, "it is not launched again"
    source.join("a")
    await settle()
    assert len(source.links) == 3
    source.latest("a").be_ready()
    await settle()
    assert pool.capacity == 16
    assert source.latest("a").taken == [6]


async def test_what_a_drained_lane_does_not_finish_in_time_goes_on_elsewhere(
    pool: Pool, source: ScriptedSource, make_request: MakeRequest
):
    (asked,) = await ask(pool, make_request())
    was_on = holding(source, 1)
    await pool.drain(was_on.name, 0.0)
    await settle()
    assert holding(source, 1) is not was_on
    holding(source, 1).draw(1)
    await settle()
    assert isinstance(asked.end, Finished)


async def test_waiting_requests_fail_only_when_no_lane_starts(make_request: MakeRequest):
    source = ScriptedSource("a", "b")
    pool = Pool(Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name), [source])
    await pool.start()
    await settle()
    (asked,) = await ask(pool, make_request())
    for _ in range(8):
        source.latest("a").end_as(End.CRASHED)
        await settle()
    assert asked.end is None, "the other may still start"
    for _ in range(3):
        source.latest("b").end_as(End.CRASHED)
        await settle()
    assert isinstance(asked.end, Failed)
    assert str(asked.end.error) == "the worker does not start"
    (asked,) = await ask(pool, make_request())
    source.latest("a").be_ready()
    await settle()
    source.latest("a").draw(2)
    await settle()
    assert isinstance(asked.end, Finished)
    await pool.close()


async def test_what_one_device_has_no_memory_for_another_draws(
    source: ScriptedSource, make_request: MakeRequest
):
    pool = Pool(Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name), [source])
    await pool.start()
    await settle()
    small, large = source.links
    small.be_ready(device="small")
    await settle()
    (asked,) = await ask(pool, make_request(checkpoint="Second"))
    small.report(1, Failed(OutOfMemory("too large"), 2.0))
    await settle()
    assert asked.events == []
    assert large.taken == [], "it is not ready yet"
    large.be_ready(device="large")
    await settle()
    assert large.taken == [1]
    await ask(pool, make_request(checkpoint="Second"))
    assert small.taken == [1], "it is known by now"
    assert large.taken == [1, 2]
    large.report(1, Started(), Failed(OutOfMemory("too large, too"), 1.0))
    await settle()
    assert isinstance(asked.end, Failed)
    assert asked.end.device_seconds == 3.0
    assert str(asked.end.error) == "too large, too"
    await pool.close()


async def test_looks_cancels_and_offers_reach_the_lanes_they_are_for(
    pool: Pool, source: ScriptedSource, make_request: MakeRequest
):
    first, second = await ask(pool, make_request(), make_request())
    one, other = holding(source, 1), holding(source, 2)
    assert one is not other
    pool.look(second.request)
    assert other.sent[-1] == Look(2)
    assert one.taken == [1]
    assert len(one.sent) == 1
    pool.offer()
    assert isinstance(one.sent[-1], Offer)
    assert isinstance(other.sent[-1], Offer)
    first.task.cancel()
    await settle()
    assert not one.holds
    assert other.holds


async def test_a_worker_that_talks_nonsense_is_replaced(
    pool: Pool, source: ScriptedSource, make_request: MakeRequest, caplog: pytest.LogCaptureFixture
):
    (asked,) = await ask(pool, make_request())
    mad = holding(source, 1)
    mad._said.put_nowait(7)  # nothing that can be read
    await settle()
    assert mad.said_goodbye
    assert "cannot be handled" in caplog.text
    await settle()
    holding(source, 1).draw(1)
    await settle()
    assert isinstance(asked.end, Finished)


async def test_what_does_not_fit_fails_where_the_other_lane_never_starts(
    make_request: MakeRequest,
):
    source = ScriptedSource("a", "b")
    pool = Pool(Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name), [source])
    await pool.start()
    await settle()
    source.latest("a").be_ready()
    for _ in range(LAUNCHES_BEFORE_GIVING_UP):
        source.latest("b").end_as(End.CRASHED)
        await settle()
    (asked,) = await ask(pool, make_request())
    source.latest("a").report(1, Failed(OutOfMemory("too large")))
    await settle()
    assert isinstance(asked.end, Failed)
    assert isinstance(asked.end.error, OutOfMemory)
    await pool.close()


async def test_a_launch_that_fails_in_any_way_is_tried_again(make_request: MakeRequest):
    class Failing(ScriptedSource):
        failures = 2

        def _launch(self, name: str, epoch: int) -> ScriptedLink:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("can't start new thread")
            return super()._launch(name, epoch)

    source = Failing("a")
    pool = Pool(Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name), [source])
    await pool.start()
    (asked,) = await ask(pool, make_request())
    await settle(lambda: bool(source.links))
    source.latest("a").be_ready()
    await settle()
    source.latest("a").draw(1)
    await settle()
    assert isinstance(asked.end, Finished)
    await pool.close()


async def test_a_worker_that_is_silent_before_it_is_ready_is_ended_whatever_its_node_says():
    source = ScriptedSource("a")
    catalog = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)
    pool = Pool(catalog, [source], load_timeout_s=0.05 - QUIET_S)
    await pool.start()
    await settle()
    first = source.latest("a")
    first.say(Lacks(frozenset()))
    async with asyncio.timeout(10):
        while source.latest("a") is first:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert first.how is End.CRASHED
    await pool.close()

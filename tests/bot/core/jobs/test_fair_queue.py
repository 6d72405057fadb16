import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.jobs.fair_queue import Dispatcher, Ticket


class Bench:
    """A dispatcher whose jobs end when the test says so."""

    def __init__(self, *lanes: int, running_per_person: int = 1) -> None:
        self.order: list[int] = []
        self.cancelled: list[int] = []
        self.free: dict[int, Callable[[], None]] = {}
        self.ends: dict[int, asyncio.Event] = {}
        self.lanes = lanes or (1,)
        self.told: list[list[int]] = []
        self.dispatcher = Dispatcher(
            self.work,
            lanes=lambda: self.lanes,
            running_per_person=running_per_person,
            on_change=self.told.append,
        )
        self.dispatcher.open()
        self.ids = iter(range(1, 10_000))

    async def work(self, job_id: int, free: Callable[[], None]) -> None:
        self.order.append(job_id)
        self.free[job_id] = free
        try:
            await self.ends.setdefault(job_id, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.cancelled.append(job_id)
            raise

    def ask(self, person: int, cost: float = 1.0, rows: int = 1) -> Ticket:
        start = self.dispatcher.start_tag(person, cost)
        ticket = Ticket(start, next(self.ids), person, cost, rows)
        self.dispatcher.admit(ticket)
        return ticket

    async def end(self, job_id: int) -> None:
        self.ends.setdefault(job_id, asyncio.Event()).set()
        for _ in range(4):
            await asyncio.sleep(0)

    async def drain(self) -> list[int]:
        await asyncio.sleep(0)
        ended = 0
        while ended < len(self.order):
            await self.end(self.order[ended])
            ended += 1
        return self.order


async def test_a_newcomer_waits_for_one_job_not_for_fifty():
    bench = Bench()
    greedy = [bench.ask(1).job_id for _ in range(50)]
    newcomer = bench.ask(2).job_id
    order = await bench.drain()
    assert order.index(newcomer) <= 2
    assert [job for job in order if job != newcomer] == greedy


async def test_people_take_turns_by_what_their_jobs_cost():
    bench = Bench()
    heavy = [bench.ask(1, cost=4.0).job_id for _ in range(3)]
    light = [bench.ask(2, cost=1.0).job_id for _ in range(8)]
    order = await bench.drain()
    # By the time the second heavy job starts, the light person has had as much of the device.
    assert 3 <= sum(job in light for job in order[: order.index(heavy[1])]) <= 5


async def test_one_person_runs_only_so_many_at_once():
    bench = Bench(3, running_per_person=1)
    first, second, other = bench.ask(1), bench.ask(1), bench.ask(2)
    await asyncio.sleep(0)
    assert bench.order == [first.job_id, other.job_id]
    assert bench.dispatcher.place(second.job_id) == 1
    await bench.end(first.job_id)
    assert bench.order[-1] == second.job_id
    await bench.dispatcher.close()


async def test_jobs_run_together_until_their_rows_fill_the_device():
    bench = Bench(8)
    jobs = [bench.ask(person, rows=rows).job_id for person, rows in enumerate((3, 4, 5, 1, 2))]
    await asyncio.sleep(0)
    assert bench.order == jobs[:3]
    await bench.end(jobs[0])
    assert bench.order == jobs[:3], "9 rows are more than 8"
    await bench.end(jobs[2])
    assert bench.order == jobs
    await bench.dispatcher.close()


async def test_a_device_that_turns_out_larger_is_filled_at_once():
    bench = Bench(2)
    jobs = [bench.ask(person, rows=2).job_id for person in range(4)]
    await asyncio.sleep(0)
    assert bench.order == jobs[:1]
    bench.lanes = (6,)
    bench.dispatcher.fill()
    await asyncio.sleep(0)
    assert bench.order == jobs[:3]
    await bench.dispatcher.close()


async def test_a_job_beyond_the_devices_capacity_runs_alone():
    bench = Bench(4)
    large, small = bench.ask(1, rows=8), bench.ask(2)
    await asyncio.sleep(0)
    assert bench.order == [large.job_id]
    await bench.end(large.job_id)
    assert bench.order[-1] == small.job_id
    await bench.dispatcher.close()


async def test_a_job_beyond_one_lanes_capacity_leaves_the_other_lane_to_others():
    bench = Bench(4, 4)
    large, *small = bench.ask(1, rows=32), bench.ask(2, rows=2), bench.ask(3, rows=2), bench.ask(4)
    await asyncio.sleep(0)
    assert bench.order == [large.job_id, small[0].job_id, small[1].job_id]
    await bench.end(large.job_id)
    assert bench.order[-1] == small[2].job_id
    await bench.dispatcher.close()


@pytest.mark.parametrize(
    ("lanes", "rows", "started"),
    [((16, 4, 4), 16, 3), ((8, 2, 2, 2), 8, 4), ((8,), 2, 4), ((8, 8), 2, 8), ((4, 4), 6, 2)],
)
async def test_no_lane_is_idle_while_jobs_wait(lanes: tuple[int, ...], rows: int, started: int):
    bench = Bench(*lanes)
    for person in range(12):
        bench.ask(person, rows=rows)
    await asyncio.sleep(0)
    assert len(bench.order) == started
    await bench.dispatcher.close()


async def test_the_place_foretold_is_the_place_taken():
    bench = Bench(8, running_per_person=1)

    def foretold(person: int) -> int:
        start = bench.dispatcher.start_tag(person, 1.0)
        bench.dispatcher.forget(person, start, 1.0)
        return bench.dispatcher.place_for(Ticket(start, 1000, person, 1.0, 4))

    for person, place in ((1, 0), (1, 1), (1, 2), (2, 0), (3, 1), (2, 3)):
        assert foretold(person) == place
        ticket = bench.ask(person, rows=4)
        assert bench.dispatcher.place(ticket.job_id) == (place or None)
    await bench.dispatcher.close()


async def test_what_needs_the_device_no_more_keeps_nobody_waiting():
    bench = Bench()
    posting, second = bench.ask(1), bench.ask(1)
    await asyncio.sleep(0)
    bench.free[posting.job_id]()
    await asyncio.sleep(0)
    assert bench.order == [posting.job_id, second.job_id]
    await bench.end(posting.job_id)
    assert bench.dispatcher.place(second.job_id) is None
    await bench.dispatcher.cancel(second.job_id)
    assert bench.cancelled == [second.job_id]


async def test_a_cancelled_turn_does_not_push_its_person_down():
    bench = Bench()
    bench.ask(1)
    bench.ask(3)
    mistake = bench.ask(2, cost=100.0)
    await bench.dispatcher.cancel(mistake.job_id)
    again = bench.ask(2)
    assert again.start == mistake.start
    await bench.dispatcher.close()


async def test_cancelling_what_runs_waits_until_it_has_ended():
    bench = Bench()
    running = bench.ask(1)
    await asyncio.sleep(0)
    await bench.dispatcher.cancel(running.job_id)
    assert bench.cancelled == [running.job_id]


async def test_places_are_told_as_they_change():
    bench = Bench()
    first, second, third = bench.ask(1), bench.ask(2), bench.ask(3)
    await asyncio.sleep(0)
    await bench.end(first.job_id)
    assert bench.told[-1] == [third.job_id]
    assert bench.dispatcher.place(second.job_id) is None
    await bench.dispatcher.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.5, 50)), min_size=1, max_size=40))
def test_a_restart_keeps_the_order(arrivals: list[tuple[int, float]]):
    async def orders() -> tuple[list[int], list[int]]:
        before = Bench()
        tickets = [before.ask(person, cost) for person, cost in arrivals]
        await asyncio.sleep(0)
        (running,) = before.order
        first = await before.drain()

        after = Bench()
        after.dispatcher.restore(tickets)
        # The one that ran is requeued with its old tag, so it is first again.
        for ticket in tickets:
            if ticket.job_id == running:
                after.dispatcher.admit(ticket)
        for ticket in tickets:
            if ticket.job_id != running:
                after.dispatcher.admit(ticket)
        return first, await after.drain()

    first, second = asyncio.run(orders())
    assert first == second

"""What the fair queue promises, on a simulated device with exact time and no clock."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.jobs.fair_queue import Dispatcher, Ticket

LIGHT = 0  # the one person who never has more than one job; the others are 1 and up


@dataclass(frozen=True)
class Ask:
    at: int
    person: int
    cost: int
    rows: int


@dataclass
class Device:
    """Serves ``capacity`` rows a unit of time, who came first before who came later."""

    capacity: int
    now: Fraction = Fraction(0)
    left: dict[int, Fraction] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)

    def rates(self) -> dict[int, int]:
        free, rates = self.capacity, {}
        for job in self.left:
            rates[job] = min(free, self.rows[job])
            free -= rates[job]
        return rates

    def next_end(self) -> Fraction | None:
        ends = [self.left[job] / rate for job, rate in self.rates().items() if rate]
        return self.now + min(ends) if ends else None

    def advance(self, now: Fraction) -> int | None:
        """Serve until then; return a job that has ended, if one has."""
        for job, rate in self.rates().items():
            self.left[job] -= rate * (now - self.now)
        self.now = now
        return next((job for job, left in self.left.items() if not left), None)


class Simulation:
    """A real dispatcher before a simulated device, and the column that its tags are kept in."""

    def __init__(self, capacity: int, running_per_person: int, coming: Iterable[Ask] = ()) -> None:
        self.coming = sorted(coming, key=lambda ask: ask.at)
        self.device = Device(capacity)
        self.tickets: dict[int, Ticket] = {}
        self.column: dict[int, float] = {}
        self.dispatcher = Dispatcher(
            self.work,
            lanes=lambda: [capacity],
            running_per_person=running_per_person,
            on_retag=self.column.update,
        )
        self.order: list[int] = []
        self.started: dict[int, Fraction] = {}
        self.ended: set[int] = set()
        self.ends: dict[int, asyncio.Event] = {}

    async def work(self, job: int, _free: Callable[[], None]) -> None:
        self.order.append(job)
        self.started[job] = self.device.now
        self.device.left[job] = Fraction(self.tickets[job].cost)
        self.ends[job] = asyncio.Event()
        await self.ends[job].wait()

    async def ask(self, person: int, cost: int, rows: int) -> int:
        start = self.dispatcher.start_tag(person, cost)
        job = len(self.tickets) + 1
        self.tickets[job] = Ticket(start, job, person, cost, rows)
        self.column[job] = start
        self.device.rows[job] = rows
        self.dispatcher.admit(self.tickets[job])
        await settle()
        return job

    async def step(self, until: Fraction | None = None) -> bool:
        """Go on to the next end or arrival; False where there is none, or none until then."""
        arrival = Fraction(self.coming[0].at) if self.coming else None
        times = [time for time in (self.device.next_end(), arrival, until) if time is not None]
        if not times:
            return False
        ended = self.device.advance(min(times))
        if ended is not None:
            del self.device.left[ended]
            self.ended.add(ended)
            self.ends[ended].set()
            await settle()
        elif arrival == self.device.now:
            ask = self.coming.pop(0)
            await self.ask(ask.person, ask.cost, ask.rows)
        else:
            return False
        return True


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


capacities = st.integers(1, 20)
caps = st.integers(1, 3)
sizes = st.tuples(st.integers(1, 100), st.integers(1, 8))  # cost and rows


@st.composite
def heavy_asks(draw: st.DrawFn, most_people: int = 4) -> list[Ask]:
    """Bursts of many jobs."""
    asks = []
    for person in range(1, draw(st.integers(1, most_people)) + 1):
        for at in draw(st.lists(st.integers(0, 100), min_size=1, max_size=2)):
            burst = draw(st.lists(sizes, min_size=1, max_size=12))
            asks += [Ask(at, person, cost, rows) for cost, rows in burst]
    return asks


@settings(max_examples=100)
@given(
    heavy_asks(),
    st.lists(sizes, max_size=8),
    st.lists(st.tuples(st.integers(0, 60), sizes), min_size=1, max_size=4),
    capacities,
    caps,
)
def test_nobody_starves(
    heavy: list[Ask],
    history: list[tuple[int, int]],
    light: list[tuple[int, tuple[int, int]]],
    capacity: int,
    cap: int,
):
    """A light user waits for what runs and one largest job of each other person.

    What the light user had before counts no more, but for the last job: until everybody else has
    had as much, they may each go first with as much.
    """
    people = len({ask.person for ask in heavy})
    largest = max(ask.cost for ask in heavy)

    async def play() -> None:
        simulation = Simulation(capacity, cap, heavy)
        device = simulation.device
        simulation.dispatcher.open()
        mine = [await simulation.ask(LIGHT, cost, rows) for cost, rows in history]
        for pause, (cost, rows) in light:
            while not set(mine) <= simulation.ended:
                await simulation.step()
            until = device.now + pause
            while await simulation.step(until):
                pass
            runs = sum(device.left.values())
            owed = simulation.tickets[mine[-1]].cost if mine else 0
            mine.append(await simulation.ask(LIGHT, cost, rows))
            while mine[-1] not in simulation.started:
                await simulation.step()
            waited = (simulation.started[mine[-1]] - until) * capacity
            assert waited <= runs + people * (largest + Fraction(owed))
        while await simulation.step():
            pass
        assert len(simulation.order) == len(simulation.tickets)

    asyncio.run(play())


@settings(max_examples=60)
@given(
    st.lists(st.lists(sizes, min_size=2, max_size=15), min_size=2, max_size=4),
    capacities,
)
def test_who_has_work_waiting_gets_the_same_share(
    queues: list[list[tuple[int, int]]], capacity: int
):
    """Over every interval, two people's shares differ by at most a job of each (SFQ's bound)."""

    async def dispatch() -> Simulation:
        simulation = Simulation(capacity, running_per_person=100)
        for person, queue in enumerate(queues, 1):
            for cost, rows in queue:
                await simulation.ask(person, cost, rows)
        simulation.dispatcher.open()
        await settle()
        while await simulation.step():
            pass
        return simulation

    simulation = asyncio.run(dispatch())
    served = [simulation.tickets[job] for job in simulation.order]
    for one, other in combinations(range(1, len(queues) + 1), 2):
        last = {ticket.person_id: place for place, ticket in enumerate(served)}
        sign = {one: 1, other: -1}
        both = served[: min(last[one], last[other]) + 1]
        lead = [0, *accumulate(sign.get(ticket.person_id, 0) * ticket.cost for ticket in both)]
        largest = [max(cost for cost, _ in queues[person - 1]) for person in (one, other)]
        assert max(lead) - min(lead) <= sum(largest)


async def held_back() -> Simulation:
    """While the first person's narrow job runs, the second has the device almost alone."""
    narrow, wide = Ask(0, 1, 100, 1), Ask(0, 1, 100, 8)
    simulation = Simulation(8, 1, [narrow, *[wide] * 6, *[replace(wide, person=2)] * 10])
    simulation.dispatcher.open()
    while await simulation.step(Fraction(99)):
        pass
    return simulation


async def test_who_was_held_back_by_the_cap_has_saved_up_no_turns():
    simulation = await held_back()
    light = await simulation.ask(LIGHT, 10, 8)
    while await simulation.step():
        pass
    before = simulation.order[: simulation.order.index(light)]
    assert sum(simulation.tickets[job].person_id == 1 for job in before) <= 2
    assert simulation.order[-1] != light


async def test_a_stop_changes_nobodys_turn():
    simulation = await held_back()
    column = dict(simulation.column)
    await simulation.dispatcher.close()
    assert simulation.column == column


@settings(max_examples=60)
@given(heavy_asks(), st.sets(st.integers(1, 40)), st.integers(0, 120), capacities, caps)
def test_a_restart_keeps_the_line(
    asks: list[Ask], cancelled: set[int], stop: int, capacity: int, cap: int
):
    async def lines() -> tuple[list[int], list[int]]:
        before = Simulation(capacity, cap, asks)
        before.dispatcher.open()
        while await before.step(Fraction(stop)):
            pass
        for job in cancelled & set(before.dispatcher.waiting):
            await before.dispatcher.cancel(job)
        line, running = before.dispatcher.waiting, set(before.device.left)
        await before.dispatcher.close()

        after = Simulation(capacity, cap)
        tickets = [
            Ticket(before.column[job], job, ticket.person_id, ticket.cost, ticket.rows)
            for job, ticket in before.tickets.items()
            if job in running or job in line
        ]
        after.dispatcher.restore(tickets)
        for ticket in tickets:
            after.dispatcher.admit(ticket)
        return line, [job for job in after.dispatcher.waiting if job not in running]

    line, restored = asyncio.run(lines())
    assert restored == line


@given(st.lists(st.tuples(st.integers(1, 3), sizes), max_size=15), st.sets(st.integers(1, 15)))
def test_what_is_cancelled_might_as_well_never_have_been_asked(
    asks: list[tuple[int, tuple[int, int]]], cancelled: set[int]
):
    async def line(*, ask_for_them: bool) -> list[Ticket]:
        dispatcher = Dispatcher(Simulation(1, 1).work, lanes=lambda: [1], running_per_person=1)
        asked = defaultdict(list)
        for job, (person, (cost, rows)) in enumerate(asks, 1):
            if ask_for_them or job not in cancelled:
                start = dispatcher.start_tag(person, cost)
                dispatcher.admit(Ticket(start, job, person, cost, rows))
                asked[person].append(job)
        for job in cancelled:
            await dispatcher.cancel(job)
        following = [
            Ticket(dispatcher.start_tag(person, 1), 100 + person, person, 1, 1)
            for person in range(1, 4)
        ]
        return [*dispatcher._waiting, *following]

    first, second = (asyncio.run(line(ask_for_them=ask)) for ask in (True, False))
    assert first == second

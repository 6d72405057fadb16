"""Whatever befalls the lanes: nothing is lost, nothing comes twice, and no lane idles."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from generation.catalog import EMBEDDED, Catalog
from generation.errors import Cancelled, WorkerDied
from generation.request import (
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Picture,
    Sampler,
    Started,
)
from generation.worker.lane import Lane
from generation.worker.link import End, LaneStatus
from generation.worker.messages import Report
from generation.worker.pool import FIRST_CAPACITY, Pool
from tests.generation.worker.scripted import FIRST, SECOND, ScriptedLink, ScriptedSource, settle

NAMES = ("a", "b", "c")
ROWS = {"a": 8, "b": 4, "c": 2}
UNSTARTED = "the worker does not start"


@dataclass(eq=False)
class Person:
    """Somebody who asked, and what they heard; a poisoned request ends whoever draws it."""

    request: GenerationRequest
    poisoned: bool
    events: list[Event] = field(default_factory=list)
    crashes: int = 0
    went_on: bool = True  # has not cancelled
    task: asyncio.Task[None] | None = None

    async def listen(self, pool: Pool) -> None:
        async for event in pool.run(self.request):
            self.events.append(event)


class PoolMachine(RuleBasedStateMachine):
    """The pool, with a scripted worker on each of three lanes, which come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.source = ScriptedSource("a", "b")
        self.people: list[Person] = []
        self.gone: set[str] = {"c"}  # lanes that are not to come back
        self.given_up = False
        self.told: list[int] = []
        self.capacity = FIRST_CAPACITY
        self.ended: list[ScriptedLink] = []
        self.do(self.begin())

    def do(self, work: Awaitable[object]) -> None:
        async def and_settle() -> None:
            await work
            await settle()

        self.loop.run_until_complete(and_settle())

    def act(self, action: Callable[[], object]) -> None:
        """Do it on the event loop, where the pool is used."""

        async def act() -> None:
            action()

        self.do(act())

    async def begin(self) -> None:
        self.pool = Pool(Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name), [self.source])
        self.pool.on_capacity(lambda: self.told.append(self.pool.capacity))
        await self.pool.start()

    @property
    def living(self) -> list[ScriptedLink]:
        return [link for link in self.source.links if link.lives]

    def lane(self, name: str) -> Lane:
        return self.pool._lanes[name]

    @property
    def open(self) -> list[ScriptedLink]:
        """Links that take requests."""
        lanes = {one.name for one in self.pool.lanes() if one.status is LaneStatus.READY}
        return [link for link in self.living if link.ready and link.name in lanes]

    def pick(self, links: list[ScriptedLink], number: int) -> ScriptedLink:
        return links[number % len(links)]

    @rule(
        images=some.integers(1, 4),
        checkpoint=some.sampled_from((FIRST, SECOND)),
        poisoned=some.integers(0, 5).map(lambda drawn: drawn == 0),
    )
    def ask(self, images: int, checkpoint: str, *, poisoned: bool) -> None:
        request = GenerationRequest(
            prompt="a red apple",
            checkpoint=checkpoint,
            width=64,
            height=64,
            num_inference_steps=4,
            guidance_scale=5.0,
            sampler=Sampler.EULER_A,
            seed=len(self.people),
            num_images=images,
        )
        person = Person(request, poisoned)
        self.people.append(person)
        person.task = self.loop.create_task(person.listen(self.pool))
        self.do(settle())

    @precondition(lambda self: self.people)
    @rule(number=some.integers(0, 99))
    def cancel(self, number: int) -> None:
        person = self.people[number % len(self.people)]
        if not person.task.done():
            person.went_on = False
            person.task.cancel()
            self.do(settle())

    @precondition(lambda self: any(not link.ready for link in self.living))
    @rule(number=some.integers(0, 9))
    def become_ready(self, number: int) -> None:
        link = self.pick([link for link in self.living if not link.ready], number)
        link.be_ready(ROWS[link.name])
        self.do(settle())

    @precondition(lambda self: any(not link.ready for link in self.living))
    @rule(number=some.integers(0, 9))
    def fail_to_start(self, number: int) -> None:
        self.given_up |= not self.open
        self.finish(
            self.pick([link for link in self.living if not link.ready], number), End.CRASHED
        )

    @precondition(lambda self: any(link.holds for link in self.living))
    @rule(number=some.integers(0, 9), which=some.integers(0, 9), ends=some.booleans())
    def draw(self, number: int, which: int, *, ends: bool) -> None:
        """A request is drawn, and if it is deadly or the worker ends anyway, that is heard last."""
        link = self.pick([link for link in self.living if link.holds], number)
        key = list(link.holds)[which % len(link.holds)]
        if self.people[key - 1].poisoned:
            self.finish(link, End.CRASHED)
            return
        link.draw(key)
        if ends:
            self.finish(link, End.LOST)
        self.do(settle())

    @precondition(lambda self: any(link.holds for link in self.living))
    @rule(number=some.integers(0, 9), which=some.integers(0, 9))
    def draw_in_part(self, number: int, which: int) -> None:
        link = self.pick([link for link in self.living if link.holds], number)
        key = list(link.holds)[which % len(link.holds)]
        link.report(key, Started(), Picture(0, link.holds[key].seed, b"png", None))
        self.do(settle())

    @precondition(lambda self: self.open)
    @rule(number=some.integers(0, 9), how=some.sampled_from((End.CRASHED, End.LOST)))
    def end(self, number: int, how: End) -> None:
        self.finish(self.pick(self.open, number), how)

    def finish(self, link: ScriptedLink, how: End) -> None:
        if how is End.CRASHED:
            for key in link.holds:
                self.people[key - 1].crashes += 1
                if self.people[key - 1].crashes > 1:
                    assert len(link.holds) == 1, "what was aboard a crash goes alone"
        link.end_as(how)
        self.ended.append(link)
        self.do(settle())

    @precondition(lambda self: any(link.holds for link in self.living))
    @rule(number=some.integers(0, 9))
    def hang(self, number: int) -> None:
        """A silent worker is killed by its watchdog, which is set whenever it draws."""
        link = self.pick([link for link in self.living if link.holds], number)
        lane = next((one for one in self.pool._lanes.values() if one._link is link), None)
        if lane is None:
            return
        assert lane._watchdog is not None
        for key in link.holds:
            self.people[key - 1].crashes += 1
        self.act(lambda: lane._end_hung(link, 0.0))

    @precondition(lambda self: self.ended)
    @rule(number=some.integers(0, 9), key=some.integers(1, 9))
    def report_late(self, number: int, key: int) -> None:
        link = self.pick(self.ended, number)
        link.say(Report(key, Picture(0, 0, b"late")), Report(key, Finished(9.0)))
        self.do(settle())

    @precondition(lambda self: len(self.gone) < len(NAMES))
    @rule(number=some.integers(0, 9), drains=some.booleans())
    def leave(self, number: int, *, drains: bool) -> None:
        there = [name for name in NAMES if name not in self.gone]
        name = there[number % len(there)]
        self.gone.add(name)
        if drains:
            self.do(self.pool.drain(name, 0.0))
        else:
            self.act(lambda: self.pool.vanished(name))

    @precondition(lambda self: self.gone)
    @rule(number=some.integers(0, 9))
    def join(self, number: int) -> None:
        name = sorted(self.gone)[number % len(self.gone)]
        self.gone.remove(name)
        self.act(lambda: self.source.join(name))

    @invariant()
    def each_request_is_in_one_place(self) -> None:
        held = Counter(key for link in self.living for key in link.holds)
        for key, person in enumerate(self.people, 1):
            places = held[key] + (key in self.pool._waiting)
            assert places == (0 if person.task.done() else 1)

    @invariant()
    def no_lane_idles_while_somebody_waits(self) -> None:
        waiting = self.pool._waiting.values()
        for link in self.open:
            assert link.holds or not waiting
        if waiting and not any(job.goes_alone for job in waiting):
            alone = {one.name for one in self.living if self.is_alone(one)}
            for link in self.open:
                rows = sum(request.rows for request in link.holds.values())
                assert rows >= ROWS[link.name] or link.name in alone

    def is_alone(self, link: ScriptedLink) -> bool:
        return any(self.people[key - 1].crashes for key in link.holds)

    @invariant()
    def no_lane_has_too_much(self) -> None:
        for link in self.living:
            rows = [request.rows for request in link.holds.values()]
            assert len(rows) < 2 or sum(rows[:-1]) < ROWS[link.name]
            assert not self.is_alone(link) or len(rows) == 1

    @invariant()
    def the_capacity_is_the_sum_of_the_ready_lanes(self) -> None:
        rows = sum(ROWS[link.name] for link in self.open)
        self.capacity = rows or self.capacity
        assert self.pool.capacity == self.capacity
        assert (self.told or [FIRST_CAPACITY])[-1] == self.capacity

    @invariant()
    def nobody_hears_anything_twice_or_pays_for_others(self) -> None:
        for person in self.people:
            ends = [one for one in person.events if isinstance(one, Finished | Failed)]
            assert len(ends) == (person.task.done() and person.went_on)
            drawn = [one.index for one in person.events if isinstance(one, Picture)]
            assert len(drawn) == len(set(drawn))
            assert sum(isinstance(one, Started) for one in person.events) <= 1
            match ends:
                case [Finished()]:
                    assert sorted(drawn) == list(range(person.request.num_images))
                    assert all(b"late" not in one.png for one in person.events[1:-1])
                case [Failed(error=WorkerDied() as error)]:
                    assert person.crashes == 2 or (self.given_up and str(error) == UNSTARTED)

    def teardown(self) -> None:
        """Once the lanes recover, everybody gets what they asked for, or it was deadly."""
        try:
            if "a" in self.gone:
                self.act(lambda: self.source.join("a"))
            for _ in range(4 * len(self.people) + 40):
                self.do(settle())
                for link in self.living:
                    if not link.ready:
                        link.be_ready(ROWS[link.name])
                    elif link.holds:
                        key = next(iter(link.holds))
                        if self.people[key - 1].poisoned:
                            self.finish(link, End.CRASHED)
                        else:
                            link.draw(key)
                self.do(settle())
            assert all(person.task.done() for person in self.people)
            self.nobody_hears_anything_twice_or_pays_for_others()
            for person in self.people:
                if person.went_on and isinstance(person.events[-1], Failed):
                    assert isinstance(person.events[-1].error, WorkerDied)
            late = Person(self.people[0].request, poisoned=False) if self.people else None
            self.do(self.pool.close())
            if late is not None:
                self.do(late.listen(self.pool))
                assert isinstance(late.events[-1].error, Cancelled)
            assert self.source.closed
            assert all(link.said_goodbye for link in self.source.links)
        finally:
            self.loop.close()


def test_nothing_is_lost_and_no_lane_idles(monkeypatch: pytest.MonkeyPatch):
    async def at_once(_lane: Lane, _seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(Lane, "_pause", at_once)
    run_state_machine_as_test(
        PoolMachine, settings=settings(max_examples=40, stateful_step_count=40)
    )

"""The fair queue between people: start-time fair queueing.

Goyal, Vin and Cheng, "Start-time Fair Queueing", SIGCOMM 1996: a job's start tag is the later of
the virtual time and its person's previous finish tag; the smallest start tag goes next, and the
virtual time is the start tag of what went last. Somebody with fifty jobs waiting delays a
newcomer by one job, not by fifty.
"""

import asyncio
import bisect
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial

log = logging.getLogger(__name__)

Free = Callable[[], None]
Work = Callable[[int, Free], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """A job's place in the fair order; tags and cost are in `GenerationRequest.cost` units."""

    start: float
    job_id: int
    person_id: int = field(compare=False)
    cost: float = field(compare=False)

    @property
    def finish(self) -> float:
        """The person's next job starts no earlier than this."""
        return self.start + self.cost


class Dispatcher:
    """Starts the next job in fair order whenever there is room for one.

    ``work`` gets the job's id and a function to call when it needs the device no more: what is
    left of it, the posting, must not keep the next one waiting.
    """

    def __init__(self, work: Work, *, capacity: Callable[[], int], running_per_person: int) -> None:
        self._work = work
        self._capacity = capacity
        self._running_per_person = running_per_person
        self._virtual_time = 0.0
        self._finish: dict[int, float] = {}
        self._waiting: list[Ticket] = []
        self._running: dict[int, asyncio.Task[None]] = {}
        self._dispatched: dict[int, Ticket] = {}
        self._open = False
        self.on_change: Callable[[list[int]], None] = lambda waiting: None  # noqa: ARG005

    def start_tag(self, person_id: int, cost: float) -> float:
        """Return the start tag of the person's next job and reserve its turn."""
        start = max(self._virtual_time, self._finish.get(person_id, 0.0))
        self._finish[person_id] = start + cost
        return start

    def forget(self, person_id: int, start: float, cost: float) -> None:
        """Give a reserved turn back, so that a cancelled job does not push its person down."""
        if self._finish.get(person_id) == start + cost:
            self._finish[person_id] = start

    def restore(self, tickets: list[Ticket]) -> None:
        """Take up the order of an earlier run from the tags its rows kept."""
        for ticket in tickets:
            self._finish[ticket.person_id] = max(
                self._finish.get(ticket.person_id, 0.0), ticket.finish
            )
        if tickets:
            self._virtual_time = min(ticket.start for ticket in tickets)

    def open(self) -> None:
        """Begin to start jobs; until then they only line up."""
        self._open = True
        self._fill()

    def admit(self, ticket: Ticket) -> None:
        """Line the job up."""
        bisect.insort(self._waiting, ticket)
        self._fill()

    def start_now(self, job_id: int) -> None:
        """Run a job that needs no device beside the queue."""
        self._start(job_id)

    def place(self, job_id: int) -> int | None:
        """Return the job's place among those that wait, from 1, or None where it does not."""
        for place, ticket in enumerate(self._waiting, 1):
            if ticket.job_id == job_id:
                return place
        return None

    def place_for(self, start: float) -> int:
        """Return the place that a job with this start tag would take; 0 where it starts at once."""
        ahead = sum(ticket.start <= start for ticket in self._waiting)
        return 0 if not ahead and self._has_room() else ahead + 1

    async def cancel(self, job_id: int) -> None:
        """Take the job out of the queue, or end its work and wait until it has ended."""
        for ticket in self._waiting:
            if ticket.job_id == job_id:
                self._waiting.remove(ticket)
                self.forget(ticket.person_id, ticket.start, ticket.cost)
                self.on_change(self.waiting)
                return
        task = self._running.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    @property
    def waiting(self) -> list[int]:
        """The jobs that wait, next first."""
        return [ticket.job_id for ticket in self._waiting]

    async def close(self) -> None:
        """Start nothing more and end what runs; returns when all of it has ended."""
        self._open = False
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _has_room(self) -> bool:
        return self._open and len(self._dispatched) < self._capacity()

    def _fill(self) -> None:
        started = False
        while self._has_room() and (ticket := self._next()) is not None:
            self._waiting.remove(ticket)
            self._virtual_time = max(self._virtual_time, ticket.start)
            self._finish = {
                person: finish
                for person, finish in self._finish.items()
                if finish > self._virtual_time
            }
            self._dispatched[ticket.job_id] = ticket
            self._start(ticket.job_id)
            started = True
        if started:
            self.on_change(self.waiting)

    def _next(self) -> Ticket | None:
        running = Counter(ticket.person_id for ticket in self._dispatched.values())
        for ticket in self._waiting:
            if running[ticket.person_id] < self._running_per_person:
                return ticket
        return None

    def _start(self, job_id: int) -> None:
        task = asyncio.create_task(
            self._work(job_id, partial(self._free, job_id)), name=f"job {job_id}"
        )
        self._running[job_id] = task
        task.add_done_callback(lambda task: self._ended(job_id, task))

    def _ended(self, job_id: int, task: asyncio.Task[None]) -> None:
        del self._running[job_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("job %d: its work broke", job_id, exc_info=error)
        self._free(job_id)

    def _free(self, job_id: int) -> None:
        if self._dispatched.pop(job_id, None) is not None:
            self._fill()

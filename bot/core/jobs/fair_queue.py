"""Fair queueing between people: start-time fair queueing with several jobs in service.

Goyal, Vin and Cheng, "Start-time Fair Queueing", SIGCOMM 1996: a job's start tag is the later of
the virtual time and its person's previous finish tag; the smallest start tag goes next. Jin, Chase
and Kaur, "Interposed Proportional Sharing for a Storage Service Utility", SIGMETRICS 2004, SFQ(D):
with several in service, the virtual time is the start tag of the job dispatched last. A person with
fifty waiting jobs delays a newcomer by one job, not by fifty.

We add one rule: a person at the cap of simultaneous jobs is not waiting for the device, and so does
not accumulate turns meanwhile. When one of their jobs ends, their waiting ones start no earlier
than the virtual time.
"""

import asyncio
import bisect
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

log = logging.getLogger(__name__)

Free = Callable[[], None]
Work = Callable[[int, Free], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """A job's place in the fair order.

    Tags and cost are in `GenerationRequest.cost` units; ``rows`` are rows of a forward pass.
    ``guild_id`` is the server of the request.
    """

    start: float
    job_id: int
    person_id: int = field(compare=False)
    cost: float = field(compare=False)
    rows: int = field(compare=False)
    guild_id: int | None = field(compare=False, default=None)

    @property
    def finish(self) -> float:
        """The person's next job starts no earlier than this."""
        return self.start + self.cost


class Dispatcher:
    """Starts the next job in fair order while a lane has rows left beside the running ones.

    ``lanes`` returns the rows of each, at least one. A job is on one lane, and counts for no more
    than its rows: the last one there may have more, and then uses those that others leave. ``work``
    gets the job's id and a function to call once it no longer needs the device, so that posting
    does not delay the next job. ``on_change`` gets the waiting jobs, next first; ``on_retag`` gets
    new start tags by job id, needed after a restart. At most ``running_per_person`` jobs of one
    person run at once, and in one server at most what ``running_in`` returns for it. Nothing is
    started while ``laden`` returns true.
    """

    def __init__(
        self,
        work: Work,
        *,
        lanes: Callable[[], Sequence[int]],
        running_per_person: int,
        running_in: Callable[[int | None], int | None] = lambda guild_id: None,  # noqa: ARG005
        laden: Callable[[], bool] = lambda: False,
        on_change: Callable[[list[int]], None] = lambda waiting: None,  # noqa: ARG005
        on_retag: Callable[[dict[int, float]], None] = lambda tags: None,  # noqa: ARG005
    ) -> None:
        self._work = work
        self._lanes = lanes
        self._running_per_person = running_per_person
        self._running_in = running_in
        self._laden = laden
        self._virtual_time = 0.0
        self._finish: dict[int, float] = {}
        self._waiting: list[Ticket] = []
        self._running: dict[int, asyncio.Task[None]] = {}
        self._dispatched: dict[int, Ticket] = {}
        self._open = False
        self._on_change = on_change
        self._on_retag = on_retag

    def start_tag(self, person_id: int, cost: float) -> float:
        """Return the start tag of the person's next job and reserve its turn."""
        start = max(self._virtual_time, self._finish.get(person_id, 0.0))
        self._finish[person_id] = start + cost
        return start

    def forget(self, person_id: int, start: float, cost: float) -> None:
        """Release a reserved turn, so that a cancelled job does not push its person back."""
        if self._finish.get(person_id) == start + cost:
            self._finish[person_id] = start

    def restore(self, tickets: list[Ticket]) -> None:
        """Restore the order of an earlier run from the recorded tags."""
        for ticket in tickets:
            self._finish[ticket.person_id] = max(
                self._finish.get(ticket.person_id, 0.0), ticket.finish
            )
        if tickets:
            self._virtual_time = min(ticket.start for ticket in tickets)

    def open(self) -> None:
        """Start running jobs; until then they are only queued."""
        self._open = True
        self.fill()

    def admit(self, ticket: Ticket) -> None:
        """Queue the job."""
        bisect.insort(self._waiting, ticket)
        self._catch_up(ticket.person_id)
        self.fill()

    def fill(self) -> None:
        """Start the jobs that fit; call this when capacity has grown."""
        started = False
        while self._has_room() and (ticket := self._next()) is not None:
            self._waiting.remove(ticket)
            self._virtual_time = max(self._virtual_time, ticket.start)
            self._dispatched[ticket.job_id] = ticket
            self._start(ticket.job_id)
            started = True
        if started:
            self._finish = {
                person: finish
                for person, finish in self._finish.items()
                if finish > self._virtual_time
            }
            self._on_change(self.waiting)

    def place(self, job_id: int) -> int | None:
        """Return the job's position among the waiting ones, from 1; None if it is not waiting."""
        for place, ticket in enumerate(self._waiting, 1):
            if ticket.job_id == job_id:
                return place
        return None

    def place_for(self, ticket: Ticket) -> int:
        """Return the position the job would take; 0 if it would start at once."""
        if self._has_room() and not self._at_cap(ticket):
            return 0  # a person who waits while there is capacity is at the cap
        return bisect.bisect(self._waiting, ticket) + 1

    async def cancel(self, job_id: int) -> None:
        """Take the job out of the queue, or cancel its work and wait until that has ended."""
        for ticket in self._waiting:
            if ticket.job_id == job_id:
                self._waiting.remove(ticket)
                self._move_up(ticket)
                self._on_change(self.waiting)
                return
        task = self._running.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    @property
    def waiting(self) -> list[int]:
        """The waiting jobs, next first."""
        return [ticket.job_id for ticket in self._waiting]

    @property
    def running(self) -> list[int]:
        """The jobs that have started and not ended."""
        return list(self._running)

    async def drain(self, within_s: float) -> None:
        """Start nothing more, and wait for running jobs to end, at most so long."""
        self._open = False
        if self._running:
            await asyncio.wait(self._running.values(), timeout=within_s)

    async def close(self) -> None:
        """Start nothing more and cancel running jobs; returns when all have ended."""
        self._open = False
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _has_room(self) -> bool:
        if not self._open or self._laden():
            return False
        left = sorted(self._lanes())
        for rows in sorted((ticket.rows for ticket in self._dispatched.values()), reverse=True):
            left[-1] -= min(rows, left[-1])  # the emptiest lane takes the largest
            left.sort()
        return not self._dispatched or left[-1] > 0

    def _at_cap(self, ticket: Ticket) -> bool:
        running = [one for one in self._dispatched.values() if one.person_id == ticket.person_id]
        here = sum(one.guild_id == ticket.guild_id for one in running)
        most = self._running_in(ticket.guild_id)
        return len(running) >= self._running_per_person or (most is not None and here >= most)

    def _next(self) -> Ticket | None:
        return next((ticket for ticket in self._waiting if not self._at_cap(ticket)), None)

    def _of(self, person_id: int) -> list[Ticket]:
        return [ticket for ticket in self._waiting if ticket.person_id == person_id]

    def _catch_up(self, person_id: int) -> None:
        """Move the person's jobs up to the virtual time, one after another."""
        floor, later = self._virtual_time, []
        for ticket in self._of(person_id):
            moved = replace(ticket, start=max(ticket.start, floor))
            floor = moved.finish
            later.append(moved)
        self._retag(later)
        if later:
            self._finish[person_id] = max(self._finish.get(person_id, 0.0), floor)

    def _move_up(self, cancelled: Ticket) -> None:
        """Give a waiting job's turn to its person's later jobs."""
        later = [ticket for ticket in self._of(cancelled.person_id) if ticket > cancelled]
        last = (later or [cancelled])[-1]
        if self._finish.get(cancelled.person_id) == last.finish:
            self._finish[cancelled.person_id] = last.finish - cancelled.cost
        self._retag([replace(ticket, start=ticket.start - cancelled.cost) for ticket in later])
        self._catch_up(cancelled.person_id)

    def _retag(self, tickets: list[Ticket]) -> None:
        """Replace the tickets of the same jobs."""
        moved = {ticket.job_id: ticket for ticket in tickets}
        changed = {
            ticket.job_id: moved[ticket.job_id].start
            for ticket in self._waiting
            if ticket.job_id in moved and moved[ticket.job_id] != ticket
        }
        if changed:
            self._waiting = sorted(moved.get(one.job_id, one) for one in self._waiting)
            self._on_retag(changed)

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
        ticket = self._dispatched.pop(job_id, None)
        if ticket is not None and self._open:  # a shutdown changes nobody's turn
            self._catch_up(ticket.person_id)
            self.fill()

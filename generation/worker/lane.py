"""One worker under supervision: launched, watched, and launched again when it has ended."""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from generation.errors import OutOfMemory
from generation.log_context import LANE
from generation.request import Event, Failed, Finished, Loading
from generation.worker.job import Job
from generation.worker.link import End, LaneState, LaneStatus, Launch, WorkerLink
from generation.worker.messages import (
    QUIET_S,
    Add,
    Cancel,
    Command,
    Figures,
    Lacks,
    Loaded,
    Look,
    Message,
    Ready,
    Report,
)

log = logging.getLogger(__name__)

LAUNCHES_BEFORE_GIVING_UP = 3  # consecutive deaths before readiness
LONGEST_PAUSE_S = 30.0
SETTLED_S = 10.0  # a worker that lives this long after becoming ready counts as started
LATEST = 0.3  # the weight of the latest request in what is measured

_epochs = itertools.count(time.time_ns())  # beyond those of earlier runs


class _Life(Enum):
    """How far a worker got before it ended."""

    UNREADY = auto()  # it never accepted requests
    IDLE = auto()  # it ended soon after becoming ready, with no request to blame
    USEFUL = auto()


class Owner(Protocol):
    """Who is told of a lane, which is the pool."""

    def changed(self) -> None:
        """Something was heard: there may be room, or more or fewer rows."""

    def refused(self, job: Job, device: str, refusal: Failed) -> None:
        """A device's memory does not hold this request, which is aboard no more."""

    def ended(self, how: End, aboard: Sequence[Job]) -> None:
        """A launch ended, with these requests aboard."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker may be silent, in seconds, before it counts as hung and is killed.

    ``tick_s`` while a request is active, ``load_s`` while it starts, or loads or downloads a
    checkpoint.
    """

    tick_s: float
    load_s: float


class Lane:
    """A worker, what it has aboard, and the task that keeps it alive until it is stopped.

    After a death before anything useful was done, the pauses between launches grow.
    """

    def __init__(self, name: str, launch: Launch, owner: Owner, patience: Patience) -> None:
        self.name = name
        self.launch = launch
        self.aboard: dict[int, Job] = {}
        self.ready: Ready | None = None  # while it accepts requests
        self.device = ""  # as the worker described it last
        self.loaded: tuple[str, ...] = ()
        self.lacks: frozenset[str] = frozenset()  # what its machine does not have
        self.seconds_per_cost: float | None = None  # measured, the latest counting most
        self.figures: Figures | None = None  # of the latest worker that has drawn
        self.too_large: set[str | None] = set()  # checkpoints that its memory does not hold
        self.hopeless = False  # it has failed to start often enough to expect nothing of it
        self.stopping = False  # it gets nothing more, and is not launched again
        self._owner = owner
        self._patience = patience
        self._link: WorkerLink | None = None  # while it lives
        self._loading = False
        self._launches = 0
        self._epoch = 0
        self._deaths = 0
        self._life, self._ready_at = _Life.UNREADY, 0.0  # of the latest launch
        self._lost = False
        self._empty, self._stopped = asyncio.Event(), asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._supervisor = asyncio.create_task(self._supervise(), name=f"lane {name}")

    @property
    def open(self) -> bool:
        """Whether it takes requests."""
        return self.ready is not None and not self.stopping

    @property
    def rows(self) -> int:
        """The rows of a forward pass that it holds, 0 while it takes no requests."""
        return self.ready.rows if self.ready is not None and not self.stopping else 0

    @property
    def state(self) -> LaneState:
        """What it is doing."""
        return LaneState(
            name=self.name,
            device=self.device,
            status=self._status,
            loaded=self.loaded,
            rows=self.rows,
            rows_aboard=sum(job.request.rows for job in self.aboard.values()),
            requests_aboard=len(self.aboard),
            seconds_per_cost=self.seconds_per_cost,
            restarts=max(0, self._launches - 1),
            epoch=self._epoch,
            pid=self._link.pid if self._link is not None else None,
            figures=self.figures,
        )

    @property
    def _status(self) -> LaneStatus:
        if self._link is None:
            return LaneStatus.DEAD
        if self.stopping:
            return LaneStatus.DRAINING
        if self.ready is None:
            return LaneStatus.STARTING
        return LaneStatus.LOADING if self._loading else LaneStatus.READY

    def board(self, job: Job) -> None:
        """Give the worker a request."""
        job.aboard_since = time.monotonic()
        self.aboard[job.key] = job
        self.send(Add(job.key, job.request, job.number))
        if self._watchdog is None:  # only the worker extends a running one
            self._watch()

    def send(self, command: Command) -> None:
        """Send the worker a command, if it lives."""
        if self._link is not None:
            self._link.send(command)

    def look(self, job: Job) -> None:
        """Let a request's latest step be reported."""
        self.send(Look(job.key))

    def drop(self, job: Job) -> None:
        """Cancel a request; its rows are free once the worker says so."""
        self.send(Cancel(job.key))

    async def drain(self, within_s: float) -> None:
        """Take nothing more, finish what is aboard within a bound, and end for good."""
        self.stopping = True
        self._owner.changed()
        if self.aboard:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), within_s)
        await self.stop()

    async def lose(self) -> None:
        """End at once and for good, as lost."""
        self._lost = True
        if self._link is not None:
            self._link.kill()
        await self.stop()

    async def stop(self) -> None:
        """End within seconds and for good; returns when it has."""
        self.stopping = True
        self._stopped.set()
        if self._listener is not None:
            self._listener.cancel()
        await asyncio.wait([self._supervisor])

    async def _supervise(self) -> None:
        """Keep a worker alive, with growing pauses while it dies with nothing done."""
        LANE.set(self.name)
        while not self.stopping:
            if self._deaths > 1:
                await self._pause(min(2.0 ** (self._deaths - 2), LONGEST_PAUSE_S))
            if not self.stopping:
                await self._live()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    async def _live(self) -> None:
        """Run one worker until it ends, or until the lane is stopped."""
        self._epoch = next(_epochs)
        self._launches += 1
        self._life, self._ready_at = _Life.UNREADY, 0.0
        try:
            self._link = self.launch(self._epoch)
        except Exception:  # whatever it is, the lane is tried again
            log.exception("the worker cannot be started")
            self._count()
            self._owner.ended(End.CRASHED, [])
            return
        self._loading = True  # importing torch and warming up count as loading
        self._watch()
        self._listener = asyncio.create_task(self._listen(self._link), name=f"lane {self.name}")
        try:
            await asyncio.wait([self._listener])  # only it is cancelled, never what comes next
        finally:
            self._listener = None
            self._count()
            await self._end(self._link)

    async def _listen(self, link: WorkerLink) -> None:
        """Hear the worker until it has ended."""
        try:
            while (messages := await link.receive()) is not None:
                for message in messages:
                    self._handle(message)
                self._owner.changed()
                self._watch()
                if self.aboard:
                    self._life = _Life.USEFUL
        except Exception:
            log.critical("what the worker says cannot be handled; it is ended", exc_info=True)
            link.kill()

    async def _end(self, link: WorkerLink) -> None:
        """Close the link, and hand back what was aboard."""
        self.ready = None
        self.loaded = ()
        self._loading = False
        self._link = None
        self._watch()
        try:
            self._owner.changed()
            how = await link.end()
        except Exception:
            log.critical("the worker's end cannot be handled", exc_info=True)
            how = End.CRASHED
        if self._lost:
            how = End.LOST
        if not self.stopping:
            log.warning("the worker has ended (%s); it is started again", how.name.lower())
        aboard, self.aboard = list(self.aboard.values()), {}
        self._empty.set()
        self._owner.ended(how, aboard)

    def _count(self) -> None:
        """Count a death, if nothing useful came before it."""
        settled = self._life is _Life.IDLE and time.monotonic() - self._ready_at >= SETTLED_S
        useful = settled or self._life is _Life.USEFUL
        self._deaths = 1 if useful else self._deaths + 1
        self.hopeless = self._life is _Life.UNREADY and self._deaths >= LAUNCHES_BEFORE_GIVING_UP

    def _handle(self, message: Message) -> None:
        if not isinstance(message, Lacks):  # which a node says, not its worker
            starting = self.ready is None and not isinstance(message, Ready)
            # A checkpoint may have to be downloaded, so this silence is no hang.
            loading = isinstance(message, Report) and isinstance(message.event, Loading)
            self._loading = starting or loading
        match message:
            case Ready():
                log.info("the worker draws on %s", message.device)
                if message.error is not None:
                    log.error("%s", message.error)
                self.ready, self.device = message, message.device
                self.loaded = message.loaded
                self._life, self._ready_at = _Life.IDLE, time.monotonic()
                self.hopeless = False
            case Loaded(checkpoints):
                self.loaded = checkpoints
            case Lacks(names):
                self.lacks = names
            case Figures():
                self.figures = message
            case Report(key, event) if key in self.aboard:
                self._report(self.aboard[key], event)

    def _report(self, job: Job, event: Event) -> None:
        if isinstance(event, Finished | Failed):
            del self.aboard[job.key]
            if not self.aboard:
                self._empty.set()
        match event:
            case Failed(error=OutOfMemory()) if not job.forgotten:
                if not job.started:
                    self.too_large.add(job.checkpoint)
                self._owner.refused(job, self.device, event)
                return
            case Finished(device_seconds=seconds) if job.cost:
                self._measure(seconds / job.cost)
        job.hear(event)

    def _measure(self, seconds_per_cost: float) -> None:
        before = self.seconds_per_cost or seconds_per_cost
        self.seconds_per_cost = before + LATEST * (seconds_per_cost - before)

    def _watch(self) -> None:
        """Start the timeout for the worker's next message, if one is due."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if self._link is not None and (self._loading or self.aboard):
            limit = self._patience.load_s if self._loading else self._patience.tick_s
            loop = asyncio.get_running_loop()
            self._watchdog = loop.call_later(QUIET_S + limit, self._end_hung, self._link, limit)

    def _end_hung(self, link: WorkerLink, limit: float) -> None:
        LANE.set(self.name)  # in the context of this timer, which whoever boarded may have started
        log.error("the worker has been silent for %.0f s; it is killed", limit)
        link.kill()

"""The asyncio interface to the worker processes. Imports no torch."""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from generation.catalog import Catalog
from generation.errors import Cancelled, GenerationError, WorkerDied
from generation.log_context import JOB, about
from generation.options import EngineOptions
from generation.request import (
    Event,
    Failed,
    Finished,
    Loading,
    Picture,
    Request,
    Started,
)
from generation.worker.process import WorkerProcess
from generation.worker.worker import (
    QUIET_S,
    Add,
    Cancel,
    ConfigureLogs,
    Look,
    Message,
    Offer,
    Ready,
    Report,
    plain_logs,
)

log = logging.getLogger(__name__)

DEATHS_ALLOWED = 1  # a job is replayed once; another death during it fails it
LAUNCHES_BEFORE_GIVING_UP = 3  # consecutive deaths before readiness, after which waiting jobs fail
LONGEST_PAUSE_S = 30.0
FIRST_CAPACITY = 2  # one guided picture, until the first worker reports its capacity
SETTLED_S = 10.0  # a worker that lives this long after becoming ready counts as started


class _Life(Enum):
    """How far a worker got before it died."""

    UNREADY = auto()  # it never accepted requests
    IDLE = auto()  # it died soon after becoming ready, with no request to blame
    USEFUL = auto()


class Executor(Protocol):
    """Runs requests somewhere."""

    def on_capacity(self, listener: Callable[[], None]) -> None:
        """Register a listener for changes of the capacity."""

    @property
    def capacity(self) -> int:
        """The number of rows of a forward pass that the workers hold at once.

        Requests run together until the sum of their rows reaches it, so the last one may be
        admitted in part; further ones wait inside ``run``. A single request runs whatever its rows.
        """

    async def start(self) -> None:
        """Start the workers and return at once; requests run when they are ready."""

    def run(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the request's events; the last is Finished or Failed.

        Closing the generator, or cancelling the task inside it, cancels the request.
        """

    def look(self, request: Request) -> None:
        """Let a running request's latest step be reported; unasked, only the first one is.

        It must be the very object that runs. One that has ended, or waits, is ignored.
        """

    def offer(self) -> None:
        """Tell the workers what the catalog has become; requests that are drawn go on."""

    async def close(self) -> None:
        """End the workers within seconds; requests still running get Failed(Cancelled)."""


@dataclass(slots=True, eq=False)
class _Job:
    """A request in the executor, kept here so that a dead worker loses nothing."""

    key: int
    request: Request
    number: int | None  # its name in the log
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    started: bool = False
    forgotten: bool = False
    pictures: set[int] = field(default_factory=set)
    deaths: int = 0
    aboard_since: float = 0.0
    lost_s: float = 0.0

    def hear(self, event: Event) -> None:
        """Pass an event on, unless an earlier run of this job has already reported it."""
        match event:
            case Loading() if self.started:
                return
            case Started():
                if self.started:
                    return
                self.started = True
            case Picture(index=index):
                if index in self.pictures:
                    return
                self.pictures.add(index)
            case Finished(device_seconds=seconds):
                event = Finished(seconds + self.lost_s)
            case Failed(error=error, device_seconds=seconds):
                event = Failed(error, seconds + self.lost_s)
        self.events.put_nowait(event)


class LocalExecutor:
    """A single local worker, supervised and restarted; its jobs are replayed from their seeds.

    ``tick_timeout_s`` is the longest silence while a request is active, ``load_timeout_s`` the
    longest while a checkpoint is loaded or downloaded; a worker that exceeds it is killed. The
    worker calls ``configure_logs`` first.
    """

    def __init__(
        self,
        catalog: Catalog,
        options: EngineOptions | None = None,
        *,
        tick_timeout_s: float = 300.0,
        load_timeout_s: float = 3600.0,
        configure_logs: ConfigureLogs = plain_logs,
    ) -> None:
        self._catalog = catalog
        self._options = options or EngineOptions()
        self._tick_timeout_s = tick_timeout_s
        self._load_timeout_s = load_timeout_s
        self._configure_logs = configure_logs
        self._capacity = FIRST_CAPACITY
        self._listeners: list[Callable[[], None]] = []
        self._keys = itertools.count(1)
        self._waiting: dict[int, _Job] = {}
        self._aboard: dict[int, _Job] = {}
        self._worker: WorkerProcess | None = None  # while it lives
        self._ready: Ready | None = None  # while it accepts requests
        self._became_ready = asyncio.Event()
        self._loading = False
        self._watchdog: asyncio.TimerHandle | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def capacity(self) -> int:
        """The rows that the worker holds at once, as the latest one reported; see Executor."""
        return self._capacity

    def on_capacity(self, listener: Callable[[], None]) -> None:
        """Register a listener for changes of the capacity."""
        self._listeners.append(listener)

    @property
    def pid(self) -> int | None:
        """The worker's process id, or None if there is none."""
        return self._worker.pid if self._worker is not None else None

    async def start(self) -> None:
        """Start supervising the worker, which takes seconds to become ready."""
        self._supervisor = asyncio.create_task(self._supervise(), name="worker supervisor")

    async def ready(self) -> Ready:
        """Wait until the worker accepts requests; return its device, and what failed to load."""
        while self._ready is None:
            await self._became_ready.wait()
        return self._ready

    async def run(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the request's events; see Executor."""
        job = _Job(next(self._keys), request, JOB.get())
        if self._closed:
            job.hear(Failed(Cancelled("the executor is closed")))
        self._waiting[job.key] = job
        self._admit()
        try:
            while True:
                event = await job.events.get()
                yield event
                if isinstance(event, Finished | Failed):
                    return
        finally:
            self._forget(job)

    def look(self, request: Request) -> None:
        """Let a running request's latest step be reported; see Executor."""
        for job in self._aboard.values():
            if job.request is request and self._worker is not None:
                self._worker.send(Look(job.key))

    def offer(self) -> None:
        """Tell the worker what the catalog has become; see Executor."""
        if self._worker is not None:
            self._worker.send(Offer(self._catalog.for_worker()))

    async def close(self) -> None:
        """End the worker within seconds; requests still running get Failed(Cancelled)."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])

    async def _supervise(self) -> None:
        """Keep one worker alive until cancelled, with growing pauses while it dies idle."""
        deaths = 0
        try:
            while True:
                if deaths > 1:
                    await asyncio.sleep(min(2.0 ** (deaths - 2), LONGEST_PAUSE_S))
                life = await self._serve()
                deaths = 1 if life is _Life.USEFUL else deaths + 1
                self._return_jobs()
                if life is _Life.UNREADY and deaths >= LAUNCHES_BEFORE_GIVING_UP:
                    self._fail_all(WorkerDied("the worker does not start"))
        except Exception:
            log.critical("the worker's supervision failed", exc_info=True)
            raise
        finally:
            self._closed = True
            self._fail_all(Cancelled("the executor is closed"))

    async def _serve(self) -> _Life:
        """Run one worker until it dies; return how far it got."""
        life, ready_at = _Life.UNREADY, 0.0
        try:
            self._worker = WorkerProcess(
                self._catalog.for_worker(), self._options, self._configure_logs
            )
        except OSError:
            log.exception("cannot start the worker")
            return life
        self._loading = True  # importing torch and warming up count as loading
        self._watch()
        try:
            while (message := await self._worker.receive()) is not None:
                self._handle(message)
                if isinstance(message, Ready):
                    life, ready_at = _Life.IDLE, time.monotonic()
                if self._aboard:
                    life = _Life.USEFUL
        finally:
            self._ready = None
            self._became_ready.clear()
            self._loading = False
            worker, self._worker = self._worker, None
            self._watch()
            code = await worker.end()
        log.warning("the worker ended with code %s; it is started again", code)
        if life is _Life.IDLE and time.monotonic() - ready_at >= SETTLED_S:
            return _Life.USEFUL
        return life

    def _handle(self, message: Message) -> None:
        # A checkpoint may have to be downloaded, so this silence is no hang.
        self._loading = isinstance(message, Report) and isinstance(message.event, Loading)
        match message:
            case Ready():
                log.info("the worker draws on %s", message.device)
                if message.error is not None:
                    log.error("%s", message.error)
                self._ready = message
                self._became_ready.set()
                changed, self._capacity = self._capacity != message.rows, message.rows
                if changed:
                    for listener in self._listeners:
                        listener()
            case Report(key, event) if key in self._aboard:
                self._aboard[key].hear(event)
                if isinstance(event, Finished | Failed):
                    del self._aboard[key]
        self._admit()
        self._watch()

    def _admit(self) -> None:
        """Send the worker what it can hold, in order; a job it died during goes alone."""
        for job in list(self._waiting.values()):
            if self._worker is None or self._ready is None or not self._has_room(job):
                break
            self._aboard[job.key] = self._waiting.pop(job.key)
            job.aboard_since = time.monotonic()
            self._worker.send(Add(job.key, job.request, job.number))
        if self._watchdog is None:  # only the worker extends a running one
            self._watch()

    def _has_room(self, job: _Job) -> bool:
        aboard = self._aboard.values()
        if not aboard:
            return True
        if any(one.deaths for one in (job, *aboard)):
            return False
        return sum(one.request.rows for one in aboard) < self._capacity

    def _forget(self, job: _Job) -> None:
        """Drop a job that nobody awaits any more; its rows are free once the worker says so."""
        self._waiting.pop(job.key, None)
        if job.key in self._aboard:
            job.forgotten = True
            if self._worker is not None:
                self._worker.send(Cancel(job.key))

    def _return_jobs(self) -> None:
        """Requeue a dead worker's jobs at the front, or fail those it has died during before."""
        now = time.monotonic()
        returned = {}
        for job in self._aboard.values():
            if job.forgotten:
                continue
            job.deaths += 1
            job.lost_s += now - job.aboard_since
            with about(job.number):
                log.warning("the worker ended under request %d, %d×", job.key, job.deaths)
            if job.deaths > DEATHS_ALLOWED:
                job.hear(Failed(WorkerDied("the worker ended twice under this request")))
            else:
                returned[job.key] = job
        self._aboard.clear()
        self._waiting = returned | self._waiting

    def _fail_all(self, error: GenerationError) -> None:
        for job in (*self._aboard.values(), *self._waiting.values()):
            job.hear(Failed(error))
        self._aboard.clear()
        self._waiting.clear()

    def _watch(self) -> None:
        """Start the timeout for the worker's next message, if one is due."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if self._worker is not None and (self._loading or self._aboard):
            limit = self._load_timeout_s if self._loading else self._tick_timeout_s
            loop = asyncio.get_running_loop()
            self._watchdog = loop.call_later(QUIET_S + limit, self._end_hung, self._worker, limit)

    def _end_hung(self, worker: WorkerProcess, limit: float) -> None:
        log.error("the worker has been silent for %.0f s; it is killed", limit)
        worker.kill()

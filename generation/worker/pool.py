"""All lanes, and the requests between them: one waiting list, and no queue on any lane.

A request is bound to a lane only when that lane has room for it (`routing` says to which), so that
none waits behind a slow or dying worker while another has nothing to do. When a lane ends, what was
aboard goes back to its place in the waiting list:

- CRASHED counts against the requests aboard, one of which may be to blame. Each is replayed alone;
  the one that ends its lane again fails, and nobody else does with it.
- LOST and DRAINED are nobody's fault: they are replayed as if they had never run.

A replay draws the same pictures from the same seeds, and `Job.hear` drops what has been told.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from dataclasses import replace

from generation.catalog import Catalog
from generation.errors import Cancelled, GenerationError, WorkerDied
from generation.log_context import JOB, about
from generation.request import Event, Failed, Finished, Request
from generation.worker.job import Job
from generation.worker.lane import Lane, Patience
from generation.worker.link import End, LaneSource, LaneState, Launch
from generation.worker.messages import Offer, Ready
from generation.worker.routing import assign

log = logging.getLogger(__name__)

CRASHES_ALLOWED = 1  # a job is replayed once; another crash during it fails it
FIRST_CAPACITY = 2  # one guided picture, until the first worker reports its rows
DRAIN_S = 60.0
AGAIN_S = 1.0  # after which a request that waits for a faster lane is considered again


class Pool:
    """The lanes of some sources under one `Executor`; see there for what its methods promise.

    ``tick_timeout_s`` is the longest silence of a worker while a request is active,
    ``load_timeout_s`` the longest while a checkpoint is loaded or downloaded; a worker that exceeds
    it is killed.
    """

    def __init__(
        self,
        catalog: Catalog,
        sources: Sequence[LaneSource],
        *,
        tick_timeout_s: float = 300.0,
        load_timeout_s: float = 3600.0,
    ) -> None:
        self._catalog = catalog
        self._sources = sources
        self._patience = Patience(tick_timeout_s, load_timeout_s)
        self._capacity = FIRST_CAPACITY
        self._listeners: list[Callable[[], None]] = []
        self._keys = itertools.count(1)
        self._waiting: dict[int, Job] = {}  # in the order of arrival
        self._lanes: dict[str, Lane] = {}
        self._leaving: set[asyncio.Task[None]] = set()  # lanes that vanished
        self._became_ready = asyncio.Event()
        self._again: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def capacity(self) -> int:
        """The sum of the ready lanes' rows; while there is none, what it was last."""
        return self._capacity

    def on_capacity(self, listener: Callable[[], None]) -> None:
        """Register a listener for changes of the capacity."""
        self._listeners.append(listener)

    def lanes(self) -> Sequence[LaneState]:
        """Return what every lane is doing."""
        return [lane.state for lane in self._lanes.values()]

    async def start(self) -> None:
        """Let the sources tell of their lanes, which take seconds to become ready."""
        for source in self._sources:
            await source.start(self)

    async def ready(self) -> Ready:
        """Wait until a lane accepts requests; return its device, and what failed to load."""
        while True:
            for lane in self._lanes.values():
                if lane.open and lane.ready is not None:
                    return lane.ready
            self._became_ready.clear()
            await self._became_ready.wait()

    async def run(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the request's events; see `Executor`."""
        job = Job(next(self._keys), request, JOB.get())
        if self._closed:
            job.hear(Failed(Cancelled("the executor is closed")))
        else:
            self._waiting[job.key] = job
            self._bind()
        try:
            while True:
                event = await job.events.get()
                yield event
                if isinstance(event, Finished | Failed):
                    return
        finally:
            self._forget(job)

    def look(self, request: Request) -> None:
        """Let a running request's latest step be reported; see `Executor`."""
        for lane in self._lanes.values():
            for job in lane.aboard.values():
                if job.request is request:
                    lane.look(job)

    def offer(self) -> None:
        """Tell every worker what the catalog has become; see `Executor`."""
        offered = Offer(self._catalog.for_worker())
        for lane in self._lanes.values():
            lane.send(offered)

    async def close(self) -> None:
        """End every lane within seconds; requests still running get Failed(Cancelled)."""
        self._closed = True
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()), *self._leaving)
        for source in self._sources:
            await source.close()
        self._fail_waiting(Cancelled("the executor is closed"))
        if self._again is not None:
            self._again.cancel()

    def joined(self, name: str, launch: Launch) -> None:
        """Supervise this lane from now on; see `Lanes`."""
        if self._closed:
            return
        lane = self._lanes.get(name)
        if lane is not None and not lane.stopping:
            lane.launch = launch
            return
        if lane is not None:
            self._see_off(lane.stop())
        self._lanes[name] = Lane(name, launch, self, self._patience)

    def vanished(self, name: str) -> None:
        """End this lane as lost, and launch it no more; see `Lanes`."""
        lane = self._lanes.pop(name, None)
        if lane is not None:
            self._see_off(lane.lose())

    async def drain(self, name: str, within_s: float = DRAIN_S) -> None:
        """Give this lane nothing more, let it finish what is aboard, and end it; see `Lanes`."""
        if name in self._lanes:
            await self._lanes[name].drain(within_s)

    def changed(self) -> None:
        """Take in that lanes have come, gone or finished something: give them what they can do."""
        rows = sum(lane.rows for lane in self._lanes.values())
        if rows:
            self._became_ready.set()
            if rows != self._capacity:
                self._capacity = rows
                for listener in self._listeners:
                    listener()
        self._bind()

    def refused(self, job: Job, device: str, refusal: Failed) -> None:
        """Let other devices try what does not fit one, if there are others."""
        job.refused.add(device)
        job.refusal = refusal
        job.lost_s += refusal.device_seconds
        self._put_back([job])

    def ended(self, how: End, aboard: Sequence[Job]) -> None:
        """Put back what was aboard a lane that has ended, or fail what ended it before, too."""
        self._put_back(
            job
            for job in aboard
            if not job.forgotten and (how is not End.CRASHED or self._may_go_on(job))
        )
        if self._closed:
            self._fail_waiting(Cancelled("the executor is closed"))
        wanted = [lane for lane in self._lanes.values() if not lane.stopping]
        if wanted and all(lane.hopeless for lane in wanted):
            self._fail_waiting(WorkerDied("the worker does not start"))
        self.changed()

    def _may_go_on(self, job: Job) -> bool:
        """Count a crash against a job; fail it if that was one too many."""
        job.crashes += 1
        job.lost_s += time.monotonic() - job.aboard_since
        with about(job.number):
            log.warning("the worker ended under request %d, %d×", job.key, job.crashes)
        if job.crashes <= CRASHES_ALLOWED:
            return True
        job.hear(Failed(WorkerDied("the worker ended twice under this request")))
        return False

    def _put_back(self, jobs: Iterable[Job]) -> None:
        """Let jobs wait again, in the places that they had."""
        self._waiting |= {job.key: job for job in jobs}
        self._waiting = dict(sorted(self._waiting.items()))

    def _bind(self) -> None:
        """Give lanes with room what waits, and fail what no device's memory holds."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if not self._waiting or self._closed:
            return
        expected = [one for one in self._lanes.values() if not (one.stopping or one.hopeless)]
        devices = {lane.device for lane in expected}
        for job in [one for one in self._waiting.values() if one.refusal is not None]:
            if devices <= job.refused and job.refusal is not None:
                job.hear(replace(job.refusal, device_seconds=0))  # which are in what it lost
                del self._waiting[job.key]
        lanes = [lane for lane in self._lanes.values() if lane.open]
        coming = [lane for lane in expected if not lane.open]
        for job, lane in assign(self._waiting.values(), lanes, time.monotonic(), coming):
            lane.board(self._waiting.pop(job.key))
        if self._waiting:
            self._again = asyncio.get_running_loop().call_later(AGAIN_S, self._bind)

    def _see_off(self, leaving: Coroutine[None, None, None]) -> None:
        """Let a lane end that is in the way of another of its name, or not there any more."""
        task = asyncio.create_task(leaving, name="a lane leaves")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _forget(self, job: Job) -> None:
        """Drop a job that nobody awaits any more."""
        job.forgotten = True
        self._waiting.pop(job.key, None)
        for lane in self._lanes.values():
            if job.key in lane.aboard:
                lane.drop(job)

    def _fail_waiting(self, error: GenerationError) -> None:
        for job in self._waiting.values():
            job.hear(Failed(error))
        self._waiting.clear()

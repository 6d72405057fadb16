"""The asyncio interface to the workers. Imports no torch."""

import asyncio
import logging
import subprocess
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Protocol

from generation.catalog import Catalog
from generation.options import EngineOptions
from generation.request import Event, Request
from generation.worker.devices import ANY, Device, cards, may_have_cards
from generation.worker.hardware import examine_meanwhile
from generation.worker.link import Lanes, LaneSource, LaneState, WorkerLink
from generation.worker.messages import ConfigureLogs
from generation.worker.pool import Pool
from generation.worker.process import WorkerProcess
from generation.worker.worker import plain_logs

log = logging.getLogger(__name__)


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

    def lanes(self) -> Sequence[LaneState]:
        """Return what every worker is doing, for metrics and guesses of time."""

    async def start(self) -> None:
        """Start the workers and return soon; requests run when they are ready."""

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


class LocalLanes:
    """This machine's devices as a source of lanes: a worker process on each.

    Without ``devices``, all CUDA devices, or the one other there is.
    """

    def __init__(
        self,
        catalog: Catalog,
        options: EngineOptions,
        configure_logs: ConfigureLogs,
        devices: Sequence[Device] | None,
    ) -> None:
        self._catalog = catalog
        self._options = options
        self._configure_logs = configure_logs
        self._devices = devices
        self._counting: asyncio.Task[None] | None = None

    async def start(self, lanes: Lanes) -> None:
        """Tell of the devices; if they must be counted first, of the others later."""
        if self._devices is None and may_have_cards():
            self._counting = asyncio.create_task(self._count(lanes), name="counting the devices")
        else:
            self._tell(lanes, [ANY] if self._devices is None else self._devices)

    async def close(self) -> None:
        """Count no more."""
        if self._counting is not None:
            self._counting.cancel()

    async def _count(self, lanes: Lanes) -> None:
        try:
            found = await examine_meanwhile()
            count = sum(one.is_gpu for one in found)
            self._tell(lanes, cards(count) if count > 1 else [ANY])
        except (OSError, ValueError, TimeoutError, subprocess.SubprocessError) as error:
            log.warning("the devices cannot be counted, so the first is used: %s", error)
            self._tell(lanes, [ANY])

    def _tell(self, lanes: Lanes, devices: Sequence[Device]) -> None:
        for device in devices:
            lanes.joined(device.name, partial(self._launch, device))

    def _launch(self, device: Device, _epoch: int) -> WorkerLink:
        return WorkerProcess(
            self._catalog.for_worker(), self._options, self._configure_logs, device
        )


class LocalExecutor(Pool):
    """A worker on each of this machine's devices, and whatever other sources bring.

    See `Pool` for the time limits, `LocalLanes` for ``devices``. The workers call
    ``configure_logs`` first.
    """

    def __init__(
        self,
        catalog: Catalog,
        options: EngineOptions | None = None,
        *,
        devices: Sequence[Device] | None = None,
        sources: Sequence[LaneSource] = (),
        tick_timeout_s: float = 300.0,
        load_timeout_s: float = 3600.0,
        configure_logs: ConfigureLogs = plain_logs,
    ) -> None:
        local = LocalLanes(catalog, options or EngineOptions(), configure_logs, devices)
        super().__init__(
            catalog, [local, *sources], tick_timeout_s=tick_timeout_s, load_timeout_s=load_timeout_s
        )

    @property
    def pid(self) -> int | None:
        """The first lane's process id, or None if there is none."""
        return next((lane.pid for lane in self.lanes()), None)

"""Lanes on the nodes of a Ray cluster, as the pool sees them. Imports no Ray."""

import asyncio
import logging
import multiprocessing
import time
from collections.abc import Sequence
from pathlib import Path

from generation.catalog import Catalog
from generation.options import EngineOptions
from generation.worker.link import End, Lanes
from generation.worker.messages import ConfigureLogs
from generation.worker.process import KILL_TIMEOUT_S
from generation.worker.ray import driver
from generation.worker.ray.link import RayLink
from generation.worker.ray.node import absolute
from generation.worker.ray.pipes import Pipes, Said
from generation.worker.ray.starting import start_worker
from generation.worker.ray.wire import (
    CLOSE_S,
    LOST_S,
    NAMESPACE,
    Beat,
    Ended,
    Heard,
    Joined,
    Launch,
    Setup,
    StartWorker,
    Trouble,
    Vanished,
)
from generation.worker.worker import plain_logs

log = logging.getLogger(__name__)

CONNECTS_S = 180.0  # for Ray to be imported and connected
HANGS_S = 30.0  # of the driver's silence, whose beats are a second apart
SETTLED_S = 30.0  # after which a driver's end is no sign of a cluster that cannot be used
LONGEST_PAUSE_S = 30.0

_spawn = multiprocessing.get_context("spawn")


class RayLanes:
    """A `LaneSource`: every GPU of every node of the cluster is a lane.

    ``address`` is the head's, host:port. ``namespace`` tells bots on one cluster apart.
    ``folders`` are the bot's folders of models, below whose own ones a node has the same files.
    The bot's own machine is left out, unless ``own_node``: its devices are drawn on without Ray.
    """

    def __init__(
        self,
        address: str,
        catalog: Catalog,
        options: EngineOptions | None = None,
        *,
        namespace: str = NAMESPACE,
        folders: Sequence[Path] = (),
        configure_logs: ConfigureLogs = plain_logs,
        start_worker: StartWorker = start_worker,
        own_node: bool = False,
        lost_s: float = LOST_S,
    ) -> None:
        self._catalog = catalog
        self._setup = Setup(
            address=address,
            namespace=namespace,
            options=options or EngineOptions(),
            folders=absolute(folders),
            configure_logs=configure_logs,
            start_worker=start_worker,
            own_node=own_node,
            lost_s=lost_s,
        )
        self._driver: _Driver | None = None
        self._links: dict[int, RayLink] = {}  # by epoch, until they end
        self._joined: set[str] = set()
        self._said: set[str] = set()  # lines about what is wrong, each said once
        self._supervisor: asyncio.Task[None] | None = None
        self._closing = False

    async def start(self, lanes: Lanes) -> None:
        """Start telling the pool of the cluster's lanes; see LaneSource."""
        self._supervisor = asyncio.create_task(self._supervise(lanes), name="ray supervisor")

    async def close(self) -> None:
        """Leave the cluster, whose workers stay warm for a while; see LaneSource."""
        self._closing = True
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])

    def launch(self, lane: str, epoch: int) -> RayLink:
        """Launch a lane that has joined; raises OSError while there is no driver."""
        if self._driver is None:
            raise ConnectionError(f"{lane}: there is no connection to Ray")
        link = RayLink(lane, epoch, self._driver.send)
        self._links[epoch] = link
        self._driver.send(Launch(lane, epoch, self._catalog.for_worker()))
        return link

    async def _supervise(self, lanes: Lanes) -> None:
        """Keep a driver until cancelled, with growing pauses while it does not connect."""
        pause = 1.0
        while True:
            began = time.monotonic()
            try:
                await self._serve(lanes)
            except Exception:
                log.exception("the process for Ray cannot be started or heard")
            if time.monotonic() - began >= SETTLED_S:
                pause = 1.0
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _serve(self, lanes: Lanes) -> None:
        self._driver = running = _Driver(self._setup)
        patience = CONNECTS_S
        try:
            while True:
                try:
                    # Not wait_for, which may overlook (in 3.11) that this task is cancelled.
                    async with asyncio.timeout(patience):
                        said = await running.pipes.receive()
                except TimeoutError:
                    log.error("the process for Ray hangs; it is killed")  # noqa: TRY400
                    running.kill()
                    return
                if said is None:
                    if patience == HANGS_S:
                        log.warning("Ray has ended its process; it is connected to again")
                    return
                if isinstance(said, Beat):
                    patience = HANGS_S
                self._take(said, lanes)
        finally:
            self._driver = None
            for link in list(self._links.values()):
                link.ended(End.LOST)
            self._links.clear()
            for name in () if self._closing else self._joined:
                lanes.vanished(name)
            self._joined.clear()
            await running.end()

    def _take(self, said: Said, lanes: Lanes) -> None:
        match said:
            case Heard(epoch, messages) if epoch in self._links:
                self._links[epoch].heard(messages)
            case Ended(epoch, end) if epoch in self._links:
                self._links.pop(epoch).ended(end)
            case Joined(name):
                log.info("%s has joined", name)
                self._joined.add(name)
                lanes.joined(name, lambda epoch: self.launch(name, epoch))
            case Vanished(name):
                log.warning("%s is gone", name)
                self._joined.discard(name)
                lanes.vanished(name)
            case Trouble(line) if line not in self._said:
                self._said.add(line)
                log.error("%s", line)


class _Driver:
    """The driver's process; create it inside a running event loop."""

    def __init__(self, setup: Setup) -> None:
        their_commands, commands = _spawn.Pipe(duplex=False)
        messages, their_messages = _spawn.Pipe(duplex=False)
        self._process = _spawn.Process(
            target=driver.main,
            args=(their_commands, their_messages, setup),
            name="darkroom ray",
            daemon=True,
        )
        try:
            self._process.start()
        except OSError:
            commands.close()
            messages.close()
            raise
        finally:
            their_commands.close()
            their_messages.close()
        self.pipes = Pipes(commands, messages)
        self.send = self.pipes.send

    def kill(self) -> None:
        self._process.kill()

    async def end(self) -> None:
        """Close the commands, wait within a bound, kill what lingers."""
        self.pipes.close()
        await asyncio.to_thread(self._process.join, 2 * CLOSE_S)
        if self._process.is_alive():
            self._process.kill()
        await asyncio.to_thread(self._process.join, KILL_TIMEOUT_S)
        if self._process.is_alive():
            log.error("the process for Ray cannot be killed; it is left alone")
            return
        await self.pipes.join()
        self._process.close()

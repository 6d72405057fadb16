"""A lane in the driver: places the host on its node, and keeps the connection to it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import ray
from ray.exceptions import ActorDiedError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from generation.catalog import Catalog
from generation.worker.link import End
from generation.worker.messages import Command
from generation.worker.ray.host import Batch, Brief, Greeting, LaneHost
from generation.worker.ray.node import PACKAGE, version
from generation.worker.ray.wire import (
    BEAT_S,
    CLOSE_S,
    LOST_S,
    Ended,
    FromDriver,
    Heard,
    Joined,
    Setup,
    Trouble,
    Vanished,
)

log = logging.getLogger(__name__)

GREETING_S = 60.0  # for a host to be placed and to import what it needs
PAUSE_S, LONG_PAUSE_S = 1.0, 30.0  # before it is tried again; where an owner has to do something
SETTLES_S = 0.5  # until Ray knows whether a node died, or one process of it
CALLS = 1000  # at once: hear, tell, beat and what a freeze has piled up


# Ray leaves untyped what it makes of a class: its instances elsewhere, and what a call returns.
Host: TypeAlias = Any
Answer: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Place:
    """One device of a node: ``kind`` is the resource, ``index`` which of the node's it is."""

    name: str
    node: str
    index: int
    kind: str


class HostedLane:
    """One lane: joined while its host answers. At most one launch at a time, by its epoch."""

    def __init__(
        self, place: Place, setup: Setup, session: str, say: Callable[[FromDriver], None]
    ) -> None:
        self.place = place
        self._setup, self._session, self._say = setup, session, say
        self._host: Host = None  # while it is this bot's
        self._joined = False
        self._broken: asyncio.Future[None] | None = None
        self._wanted: tuple[int, Catalog] | None = None  # until there is a host for it
        self._launched: _Launched | None = None
        self._renewed = False

    async def run(self) -> None:
        """Join and vanish as the host comes and goes, until cancelled."""
        try:
            while True:
                pause = PAUSE_S
                try:
                    host = await asyncio.to_thread(self._placed)
                    pause = await self._settle(host)
                    if pause == 0:
                        await self._keep(host)
                        pause = PAUSE_S
                except (RayError, OSError, ValueError) as error:
                    await self._lose(error)
                await asyncio.sleep(pause)
        finally:
            self._vanish(End.LOST)

    def launch(self, epoch: int, catalog: Catalog) -> None:
        """Launch a worker, at once or as soon as the host is there."""
        self._end_launch(End.LOST)
        self._wanted = (epoch, catalog)
        self._start_wanted()

    def tell(self, epoch: int, command: Command) -> None:
        """Pass a command on."""
        if self._launched is not None and self._launched.epoch == epoch:
            self._launched.tell(command)

    def end(self, epoch: int, end: End) -> None:
        """End a launch: with CRASHED its worker is killed, with DRAINED it stays."""
        if self._launched is not None and self._launched.epoch == epoch:
            self._launched.end_soon(end)
        elif self._wanted is not None and self._wanted[0] == epoch:
            self._wanted = None
            self._say(Ended(epoch, end))

    async def leave(self) -> None:
        """Tell the host that this bot goes."""
        if self._host is not None:
            with contextlib.suppress(RayError):
                await self._host.leave.remote(self._session)

    def _placed(self) -> Host:
        """Find the host of this place, or start one; in a thread, as this may take a while."""
        place = self.place
        return (
            ray.remote(LaneHost)
            .options(
                name=f"{place.node}/{place.kind}:{place.index}",
                get_if_exists=True,
                lifetime="detached",
                max_restarts=0,
                max_concurrency=CALLS,
                num_cpus=0,
                num_gpus=1 if place.kind == "GPU" else 0,
                resources={} if place.kind == "GPU" else {place.kind: 1},
                scheduling_strategy=NodeAffinitySchedulingStrategy(place.node, soft=False),
            )
            .remote()
        )

    async def _settle(self, host: Host) -> float:
        """Make a host this bot's; return 0, or after which pause to try again."""
        greeting: Greeting = await _within(GREETING_S, host.greet.remote(self._session))
        name = self.place.name
        if greeting.taken:
            self._trouble(
                f"{name} is used by another bot of the namespace "
                f"{self._setup.namespace!r}; RAY__NAMESPACE tells bots apart"
            )
            return PAUSE_S
        if greeting.version != version():
            if self._renewed:
                self._trouble(
                    f"{name} has Darkroom {greeting.version}, the bot has {version()}: "
                    "install the same on both; it is not used until then"
                )
            else:
                log.info("%s has the host of another version; a new one is started", name)
            # What an earlier bot has left: a new host runs what the node has installed now.
            pause, self._renewed = (LONG_PAUSE_S if self._renewed else PAUSE_S), True
            await asyncio.to_thread(ray.kill, host)
            return pause
        if not await _within(LOST_S, host.take.remote(self._session, self._setup.lost_s)):
            return PAUSE_S
        self._renewed = False
        return 0

    async def _keep(self, host: Host) -> None:
        """Stay joined while the host answers; raises what says that it does not."""
        self._host = host
        self._broken = asyncio.get_running_loop().create_future()
        if not self._joined:
            self._joined = True
            self._say(Joined(self.place.name))
        self._start_wanted()
        beats = asyncio.create_task(self._beat(host))
        try:
            await asyncio.wait((beats, self._broken), return_when=asyncio.FIRST_COMPLETED)
            for ended in (self._broken, beats):
                if ended.done():
                    ended.result()
        finally:
            beats.cancel()
            self._broken.cancel()

    async def _beat(self, host: Host) -> None:
        while True:
            if not await _within(self._setup.lost_s - BEAT_S, host.beat.remote(self._session)):
                raise Gone("it works for another bot")
            await asyncio.sleep(BEAT_S)

    async def _lose(self, error: Exception) -> None:
        """Say how the worker ended, as far as is known: with its process, or with its node."""
        if self._host is None and self._joined:
            self._vanish(End.LOST)  # it cannot be replaced
        self._host = None
        if not self._joined:
            log.debug("%s: %s", self.place.name, error)
            return
        if isinstance(error, ActorDiedError):
            await asyncio.sleep(SETTLES_S)
            nodes = await asyncio.to_thread(ray.nodes)
            if any(node["NodeID"] == self.place.node and node["Alive"] for node in nodes):
                log.warning("%s: its host died; a new one is started", self.place.name)
                self._end_launch(End.CRASHED)
                return
        log.warning("%s is lost: %s", self.place.name, " ".join(str(error).split())[:200])
        self._vanish(End.LOST)

    def _vanish(self, end: End) -> None:
        self._end_launch(end)
        if self._joined:
            self._joined = False
            self._say(Vanished(self.place.name))

    def _start_wanted(self) -> None:
        if self._host is None or self._wanted is None:
            return
        epoch, catalog = self._wanted
        self._wanted = None
        setup = self._setup
        brief = Brief(
            epoch=epoch,
            catalog=catalog,
            options=setup.options,
            folders=setup.folders,
            package=PACKAGE,
            configure_logs=setup.configure_logs,
            start_worker=setup.start_worker,
        )
        self._launched = _Launched(
            self.place.name, self._host, self._session, brief, self._say, self._break
        )

    def _break(self, error: Exception) -> None:
        if self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)

    def _end_launch(self, end: End) -> None:
        if self._wanted is not None:
            self._say(Ended(self._wanted[0], end))
            self._wanted = None
        if self._launched is not None:
            self._launched.ended(end)
            self._launched = None

    def _trouble(self, line: str) -> None:
        self._say(Trouble(line))


class _Launched:
    """One launch on a host: what is said to its worker, and what it says."""

    def __init__(
        self,
        lane: str,
        host: Host,
        session: str,
        brief: Brief,
        say: Callable[[FromDriver], None],
        broken: Callable[[Exception], None],
    ) -> None:
        self.epoch = brief.epoch
        self._lane, self._host, self._session = lane, host, session
        self._say, self._broken = say, broken
        self._commands: list[Command] = []
        self._told = asyncio.Event()
        self._end: End | None = None
        self._tasks = [
            asyncio.create_task(self._or_break(self._hear(brief))),
            asyncio.create_task(self._or_break(self._speak())),
        ]

    def tell(self, command: Command) -> None:
        self._commands.append(command)
        self._told.set()

    def end_soon(self, end: End) -> None:
        """Kill the worker, or drop what it draws; ends within `CLOSE_S` whatever the host does."""
        call = self._host.kill if end is End.CRASHED else self._host.drop
        self._tasks.append(asyncio.create_task(self._say_goodbye(call, end)))

    def ended(self, end: End) -> None:
        """Report the end, once; nothing that comes later is passed on."""
        if self._end is None:
            self._end = end
            self._say(Ended(self.epoch, end))
            for task in self._tasks:
                if task is not asyncio.current_task():
                    task.cancel()

    async def _hear(self, brief: Brief) -> None:
        await self._host.launch.remote(self._session, brief)
        while True:
            batch: Batch = await self._host.hear.remote(self.epoch)
            if batch.messages:
                self._say(Heard(self.epoch, batch.messages))
            if batch.end is not None:
                self.ended(batch.end)
                return

    async def _speak(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            commands, self._commands = self._commands, []
            await self._host.tell.remote(self.epoch, commands)

    async def _say_goodbye(self, call: Answer, end: End) -> None:
        with contextlib.suppress(RayError, Gone):
            await _within(CLOSE_S, call.remote(self.epoch))
        self.ended(end)

    async def _or_break(self, work: Awaitable[None]) -> None:
        try:
            await work
        except RayTaskError as error:  # in the host's code, not on the way to it
            self._say(Trouble(f"{self._lane}: {_last_line(error)}"))
            self.ended(End.CRASHED)
        except (RayError, OSError) as error:
            self._broken(error)


def _last_line(error: Exception) -> str:
    """Return what Python says at the end of a traceback, which is what happened."""
    return str(error).strip().splitlines()[-1][:300]


class Gone(OSError):
    """A host does not answer."""


async def _within(seconds: float, answer: Answer) -> Answer:
    """Await a host's answer; raises Gone if it takes longer."""
    waiting = asyncio.ensure_future(_answer(answer))
    done, _ = await asyncio.wait([waiting], timeout=seconds)
    if not done:
        waiting.cancel()
        raise Gone(f"no answer for {seconds:.0f} s")
    return waiting.result()


async def _answer(answer: Answer) -> Answer:
    return await answer

"""On a node: the actor around a worker process, which outlives the bot. Imports no Ray.

The engine runs in a child, as on the bot's machine, so that a hang or a crash of it leaves the
actor able to say so. When the actor dies, the child notices its pipe closing, and dies too.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generation.catalog import Catalog
from generation.options import PROFILES, REVISIONS, EngineOptions
from generation.request import Failed, Finished
from generation.worker.link import End, WorkerLink
from generation.worker.messages import (
    Add,
    Cancel,
    Command,
    ConfigureLogs,
    Lacks,
    Loaded,
    Message,
    Offer,
    Ready,
    Report,
)
from generation.worker.ray.node import (
    Places,
    Version,
    data_folder,
    forget_secrets,
    localized,
    own_folders,
    several,
    version,
)
from generation.worker.ray.wire import BEAT_S, KEEP_S, LOST_S, StartWorker

log = logging.getLogger(__name__)

WIND_DOWN_S = 10.0  # for what an earlier launch was told to draw, before the worker is killed


@dataclass(frozen=True, slots=True)
class Greeting:
    """Which Darkroom a host runs, and whether a bot other than the asking one uses it."""

    version: Version
    taken: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """What a worker said since last time, and how it ended, if it has."""

    messages: Sequence[Message] = ()
    end: End | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What a host is told to launch a worker; ``package`` and ``folders`` are the bot's."""

    epoch: int
    catalog: Catalog
    options: EngineOptions
    folders: tuple[Path, ...]
    package: Path
    configure_logs: ConfigureLogs
    start_worker: StartWorker


class LaneHost:
    """Owns one worker. A bot is a ``session``: whoever called last keeps it for a while.

    Each launch has an epoch; calls of an earlier one are ignored, and so is what the worker still
    says about its requests.
    """

    def __init__(self) -> None:
        forget_secrets()
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._session, self._called, self._lost_s = "", time.monotonic(), LOST_S
        self._epoch = 0
        self._brief: Brief | None = None
        self._worker: WorkerLink | None = None
        self._relay: asyncio.Task[None] | None = None
        self._ready: Ready | None = None
        self._places: Places | None = None
        # The epochs of the requests that the worker has, None once they are nobody's.
        self._aboard: dict[int, int | None] = {}
        self._outbox: list[Message] = []
        self._end: End | None = None
        self._news = asyncio.Event()
        self._wound_down = asyncio.Event()
        self._watch = asyncio.get_running_loop().create_task(self._watch_bot())

    async def greet(self, session: str) -> Greeting:
        """Say what runs here; changes nothing."""
        taken = self._session not in ("", session) and self._silence < self._lost_s
        return Greeting(version(), taken)

    async def take(self, session: str, lost_s: float = LOST_S) -> bool:
        """Work for this bot, until it is silent for so long, unless another one is worked for."""
        if (await self.greet(session)).taken:
            return False
        if session != self._session:
            self._abandon()
            self._epoch = 0  # each bot counts for itself
        self._session, self._lost_s = session, lost_s
        self._called = time.monotonic()
        return True

    async def beat(self, session: str) -> bool:
        """Hear that the bot lives; False if this lane is another's by now."""
        if session != self._session:
            return False
        self._called = time.monotonic()
        return True

    async def leave(self, session: str) -> None:
        """Drop what this bot asked for; the worker stays warm for it, or for the next."""
        if session == self._session:
            self._abandon()
            self._session = ""

    async def launch(self, session: str, brief: Brief) -> None:
        """Start a worker, or take over the one there is; `hear` tells of both alike."""
        if session != self._session or brief.epoch <= self._epoch:
            return
        self._abandon()
        self._epoch = brief.epoch
        same = self._brief is not None and (
            (brief.options, brief.configure_logs, brief.start_worker)
            == (self._brief.options, self._brief.configure_logs, self._brief.start_worker)
        )
        self._brief = brief
        if not same or not await self._settled():
            await self._stop_worker()
        if brief.epoch != self._epoch:
            return
        self._outbox, self._end = [], None  # what the launch before has not heard
        if self._worker is None:
            self._start_worker(brief)
            return
        self._places = Places(brief.folders, brief.package, own_folders())
        self._worker.send(Offer(self._localize(brief.catalog)))
        if self._ready is not None:  # otherwise it is still starting, and will say so
            self._say(replace(self._ready, checkpoint=brief.catalog.default))

    async def tell(self, epoch: int, commands: Sequence[Command]) -> None:
        """Pass commands on, in order."""
        if epoch != self._epoch or self._worker is None:
            return
        for command in commands:
            match command:
                case Add(key):
                    self._aboard[key] = epoch
                case Offer(catalog):
                    command = Offer(self._localize(catalog))
            self._worker.send(command)

    async def hear(self, epoch: int) -> Batch:
        """Return what the worker says; after `BEAT_S` of silence, nothing."""
        if epoch == self._epoch and not self._news.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), BEAT_S)
        if epoch != self._epoch:
            return Batch(end=End.LOST)
        self._called = time.monotonic()
        self._news.clear()
        said, self._outbox = self._outbox, []
        return Batch(said, self._end)

    async def kill(self, epoch: int) -> None:
        """Kill the worker at once, even if it hangs."""
        if epoch == self._epoch and self._worker is not None:
            self._worker.kill()

    async def drop(self, epoch: int) -> None:
        """Cancel what this launch has not finished, and report nothing more of it."""
        if epoch == self._epoch:
            self._abandon()

    @property
    def _silence(self) -> float:
        return time.monotonic() - self._called

    def _say(self, *messages: Message) -> None:
        self._outbox += messages
        self._news.set()

    def _abandon(self) -> None:
        """Cancel everything that is aboard; what is still said of it is dropped."""
        self._outbox = []
        for key in self._aboard:
            self._aboard[key] = None
            if self._worker is not None:
                self._worker.send(Cancel(key))
        self._check_settled()

    def _check_settled(self) -> None:
        if any(epoch != self._epoch for epoch in self._aboard.values()):
            self._wound_down.clear()
        else:
            self._wound_down.set()

    async def _settled(self) -> bool:
        """Wait until the worker has ended what was cancelled; False if it does not."""
        try:
            await asyncio.wait_for(self._wound_down.wait(), WIND_DOWN_S)
        except TimeoutError:
            return False
        return True

    async def _stop_worker(self) -> None:
        if self._worker is not None:
            self._worker.kill()
        if self._relay is not None:
            await asyncio.wait([self._relay])

    def _start_worker(self, brief: Brief) -> None:
        folder = data_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._places = Places(brief.folders, brief.package, own_folders())
            options = replace(
                brief.options, profiles=folder / PROFILES, revisions=folder / REVISIONS
            )
            catalog = self._localize(brief.catalog)
            worker = brief.start_worker(catalog, options, brief.configure_logs)
        except (OSError, ValueError) as error:
            log.error("the worker cannot be started: %s", error)  # noqa: TRY400 - one line
            self._end = End.CRASHED
            self._news.set()
            return
        self._worker, self._ready = worker, None
        self._relay = asyncio.create_task(self._relay_messages(worker))

    def _localize(self, catalog: Catalog) -> Catalog:
        assert self._places is not None  # noqa: S101 - set before there is a worker
        here, lacking = localized(catalog, self._places)
        if lacking:
            log.warning("this node lacks %s", several(sorted(lacking)))
        self._say(Lacks(lacking))
        return here

    async def _relay_messages(self, worker: WorkerLink) -> None:
        while (messages := await worker.receive()) is not None:
            self._say(*(one for one in messages if self._is_news(one)))
        end = await worker.end()
        self._worker = self._ready = None
        self._aboard.clear()
        self._wound_down.set()
        self._end = end
        self._news.set()

    def _is_news(self, message: Message) -> bool:
        match message:
            case Ready():
                self._ready = message
            case Loaded(checkpoints) if self._ready is not None:
                self._ready = replace(self._ready, loaded=checkpoints)
            case Report(key, event) if key:
                epoch = self._aboard.get(key)
                if isinstance(event, Finished | Failed):
                    self._aboard.pop(key, None)
                    self._check_settled()
                return epoch == self._epoch
        return True

    async def _watch_bot(self) -> None:
        """Stop drawing for a bot that is gone, and end when nobody comes."""
        while True:
            await asyncio.sleep(BEAT_S)
            if self._aboard and self._silence >= self._lost_s:
                self._abandon()
                self._end = End.LOST  # should the bot have been silent, not gone
                self._news.set()
            if self._silence >= KEEP_S:
                log.info("no bot for %.0f s: this host ends", KEEP_S)
                os._exit(0)

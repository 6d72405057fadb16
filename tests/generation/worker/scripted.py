"""Lanes whose workers a script stands for."""

import asyncio
from collections.abc import Callable
from functools import partial

from generation.errors import Cancelled
from generation.request import Event, Failed, Finished, GenerationRequest, Picture, Started
from generation.worker.link import End, Lanes
from generation.worker.messages import Add, Cancel, Command, Message, Ready, Report

FIRST, SECOND = "First", "Second"  # checkpoints
USUAL = 1e-6  # seconds per cost


class ScriptedLink:
    """A launch of a worker: keeps what it is given, and says and does what the test wants."""

    pid = None

    def __init__(self, name: str, epoch: int) -> None:
        self.name, self.epoch = name, epoch
        self.sent: list[Command] = []
        self.holds: dict[int, GenerationRequest] = {}  # by key, until it has said how they ended
        self.how: End | None = None
        self.ready = self.said_goodbye = False
        self._said: asyncio.Queue[list[Message] | None] = asyncio.Queue()

    @property
    def lives(self) -> bool:
        return self.how is None and not self.said_goodbye

    @property
    def taken(self) -> list[int]:
        return [command.key for command in self.sent if isinstance(command, Add)]

    def be_ready(self, rows: int = 8, device: str = "card", loaded: tuple[str, ...] = (FIRST,)):
        self.ready = True
        self.say(Ready(device, FIRST, rows, None, loaded))

    def say(self, *messages: Message) -> None:
        self._said.put_nowait(list(messages))

    def report(self, key: int, *events: Event) -> None:
        """Say this of a request."""
        if isinstance(events[-1], Finished | Failed):
            self.holds.pop(key, None)
        self.say(*(Report(key, event) for event in events))

    def draw(self, key: int, pace: float = USUAL) -> None:
        """Draw everything of a request."""
        request = self.holds[key]
        pictures = [
            Picture(index, request.seed + index, b"png", None)
            for index in range(request.num_images)
        ]
        self.report(key, Started(), *pictures, Finished(request.cost() * pace))

    def end_as(self, how: End) -> None:
        """Crash, or be lost."""
        if self.how is None:
            self.how = how
            self._said.put_nowait(None)

    def send(self, command: Command) -> None:
        self.sent.append(command)
        match command:
            case Add(key, request):
                self.holds[key] = request
            case Cancel(key) if key in self.holds:
                self.report(key, Failed(Cancelled("cancelled")))

    async def receive(self) -> list[Message] | None:
        return await self._said.get()

    def kill(self) -> None:
        self.end_as(End.CRASHED)

    async def end(self) -> End:
        assert not self.said_goodbye, "a link ends once"
        self.said_goodbye = True
        await asyncio.sleep(0)
        return self.how or End.DRAINED


class ScriptedSource:
    """Lanes that come and go as the test says; ``links`` are all their launches."""

    def __init__(self, *names: str) -> None:
        self.links: list[ScriptedLink] = []
        self.closed = False
        self._names = names
        self._lanes: Lanes | None = None

    def latest(self, name: str) -> ScriptedLink:
        return next(link for link in reversed(self.links) if link.name == name)

    async def start(self, lanes: Lanes) -> None:
        self._lanes = lanes
        for name in self._names:
            self.join(name)

    def join(self, name: str) -> None:
        assert self._lanes is not None
        self._lanes.joined(name, partial(self._launch, name))

    async def close(self) -> None:
        assert not [link for link in self.links if not link.said_goodbye]
        self.closed = True

    def _launch(self, name: str, epoch: int) -> ScriptedLink:
        assert not [link for link in self.links if link.epoch >= epoch]
        self.links.append(ScriptedLink(name, epoch))
        return self.links[-1]


async def settle(until: Callable[[], bool] = lambda: False) -> None:
    """Let everything happen that needs no time to pass; stop when the condition holds."""
    for _ in range(60):
        if until():
            return
        await asyncio.sleep(0)

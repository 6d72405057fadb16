"""The bot's side of one launch of a worker on another machine. Imports no Ray."""

import asyncio
from collections.abc import Callable, Sequence

from generation.worker.link import End
from generation.worker.messages import Command, Message
from generation.worker.ray.wire import CLOSE_S, Kill, Leave, Tell, ToDriver


class RayLink:
    """A `WorkerLink`, through the driver, which tells `heard` and `ended`."""

    pid = None

    def __init__(self, lane: str, epoch: int, tell_driver: Callable[[ToDriver], None]) -> None:
        self.lane, self.epoch = lane, epoch
        self._tell_driver = tell_driver
        self._inbox: asyncio.Queue[Sequence[Message] | None] = asyncio.Queue()
        self._end: End | None = None
        self._killed = False
        self._ended = asyncio.Event()

    def send(self, command: Command) -> None:
        """Send a command soon; see WorkerLink."""
        if self._end is None:
            self._tell_driver(Tell(self.lane, self.epoch, command))

    async def receive(self) -> Sequence[Message] | None:
        """Return what arrived together; see WorkerLink."""
        if (messages := await self._inbox.get()) is None:
            self._inbox.put_nowait(None)
        return messages

    def kill(self) -> None:
        """Kill the worker at once; see WorkerLink."""
        if self._end is None and not self._killed:
            self._killed = True
            self._tell_driver(Kill(self.lane, self.epoch))

    async def end(self) -> End:
        """Leave the worker warm where it is, without what it draws; see WorkerLink."""
        if self._end is None:
            self._tell_driver(Leave(self.lane, self.epoch))
            try:
                async with asyncio.timeout(CLOSE_S + 1):
                    await self._ended.wait()
            except TimeoutError:
                self.ended(End.DRAINED)
        if self._killed:
            return End.CRASHED
        return self._end or End.LOST

    def heard(self, messages: Sequence[Message]) -> None:
        """Take what the worker said."""
        if self._end is None:
            self._inbox.put_nowait(messages)

    def ended(self, end: End) -> None:
        """Take that nothing more comes; only the first counts."""
        if self._end is None:
            self._end = end
            self._inbox.put_nowait(None)
            self._ended.set()

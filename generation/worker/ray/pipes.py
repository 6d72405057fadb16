"""Two one-way pipes between two processes, as asyncio sees them."""

import asyncio
import contextlib
import queue
import threading
from typing import Any, Protocol, TypeAlias

from generation.worker.ray.wire import FromDriver, ToDriver

Said: TypeAlias = FromDriver | ToDriver


class PipeEnd(Protocol):
    """A pipe's end; multiprocessing has another class for them on Windows than elsewhere."""

    def send(self, said: Any, /) -> None:  # noqa: ANN401
        """Write a message; blocks while the pipe is full."""

    def recv(self) -> Any:  # noqa: ANN401
        """Return the next message; raises EOFError once the other end is closed."""

    def close(self) -> None:
        """Close this end."""


class Pipes:
    """One process's ends, with a thread for each; create it inside a running event loop."""

    def __init__(self, outgoing: PipeEnd, incoming: PipeEnd) -> None:
        self._outbox: queue.SimpleQueue[Said | None] = queue.SimpleQueue()
        self._inbox: asyncio.Queue[Said | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self._threads = [
            threading.Thread(target=self._speak, args=(outgoing,), name="ray: speak", daemon=True),
            threading.Thread(
                target=self._listen, args=(incoming, loop), name="ray: listen", daemon=True
            ),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, message: Said) -> None:
        """Send it soon; never blocks. To a process that has ended it is lost."""
        self._outbox.put(message)

    async def receive(self) -> Said | None:
        """Return what the other process says next, None once it has ended."""
        return await self._inbox.get()

    def close(self) -> None:
        """Say nothing more, once all is said, which the other process notices."""
        self._outbox.put(None)

    def flush(self) -> None:
        """Wait until all is said; blocks."""
        self._threads[0].join()

    async def join(self) -> None:
        """Wait for the threads, which end when both processes have closed their ends."""
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _speak(self, outgoing: PipeEnd) -> None:
        with contextlib.closing(outgoing), contextlib.suppress(OSError):
            while (message := self._outbox.get()) is not None:
                outgoing.send(message)

    def _listen(self, incoming: PipeEnd, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.closing(incoming), contextlib.suppress(EOFError, OSError):
            while True:
                self._hand_over(loop, incoming.recv())
        self._hand_over(loop, None)

    def _hand_over(self, loop: asyncio.AbstractEventLoop, message: Said | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(self._inbox.put_nowait, message)

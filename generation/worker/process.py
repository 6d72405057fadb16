"""The parent's side of one worker process: its two pipes, a thread for each, its shutdown."""

import asyncio
import contextlib
import logging
import multiprocessing
import queue
import threading
from multiprocessing.connection import Connection

from generation.catalog import Catalog
from generation.options import EngineOptions
from generation.worker import worker
from generation.worker.devices import ANY, Device
from generation.worker.link import End
from generation.worker.messages import Command, ConfigureLogs, Message

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 3.0
# After a kill. A process inside a driver that hangs is not killed before that returns, if ever.
KILL_TIMEOUT_S = 10.0

# Never fork: a forked child would inherit locks of the parent's threads and could not use CUDA.
_spawn = multiprocessing.get_context("spawn")


class WorkerProcess:
    """A link to a worker on this machine; create it inside a running event loop.

    There are two one-way pipes, so that the parent can close the one for commands to say goodbye: a
    thread blocked in ``recv`` would not notice its own end being closed. Raises OSError if the
    system cannot start a process.
    """

    def __init__(
        self,
        catalog: Catalog,
        options: EngineOptions,
        configure_logs: ConfigureLogs = worker.plain_logs,
        device: Device = ANY,
    ) -> None:
        child_commands, self._commands = _spawn.Pipe(duplex=False)
        messages, child_messages = _spawn.Pipe(duplex=False)
        self._process = _spawn.Process(
            target=worker.main,
            args=(child_commands, child_messages, catalog, options, configure_logs, device),
            name=f"darkroom worker {device.name}",
            daemon=True,
        )
        self._inbox: asyncio.Queue[list[Message] | None] = asyncio.Queue()
        self._ended = threading.Event()  # by itself, or because it was killed
        try:
            self._process.start()
        except OSError:
            self._commands.close()
            messages.close()
            raise
        finally:
            # The child's ends must be open nowhere else, or neither side would notice the other's
            # death.
            child_commands.close()
            child_messages.close()
        self.pid = self._process.pid
        self._outbox: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        loop = asyncio.get_running_loop()
        self._threads = [
            threading.Thread(target=target, args=arguments, name=name, daemon=True)
            for name, target, arguments in (
                ("darkroom worker's messages", self._listen, (messages, loop)),
                ("darkroom worker's commands", self._speak, ()),
            )
        ]
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError as error:  # the system has no more threads
            self._process.kill()
            self._commands.close()
            raise OSError(str(error)) from error

    def send(self, command: Command) -> None:
        """Send a command soon; one to a dead worker is lost, and ``receive`` reports that.

        Never blocks: a picture is larger than a pipe's buffer, and a hanging worker does not read.
        """
        self._outbox.put(command)

    async def receive(self) -> list[Message] | None:
        """Return what came together, or None once the worker has ended and everything is read."""
        messages = await self._inbox.get()
        if messages is None:
            self._inbox.put_nowait(None)  # and so it stays
        return messages

    def kill(self) -> None:
        """Kill the process at once, even if it is stopped or hangs."""
        self._ended.set()
        self._process.kill()

    async def end(self) -> End:
        """Close the commands, wait for the process, kill it if it lingers; say how it ended."""
        crashed = self._ended.is_set()
        self._outbox.put(None)
        await asyncio.to_thread(self._process.join, CLOSE_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
        await asyncio.to_thread(self._process.join, KILL_TIMEOUT_S)
        if self._process.is_alive():
            log.error("process %s cannot be killed; it is left alone", self.pid)
            return End.CRASHED if crashed else End.DRAINED
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        if crashed:
            log.warning("the worker ended with code %s", self._process.exitcode)
        self._process.close()
        return End.CRASHED if crashed else End.DRAINED

    def _speak(self) -> None:
        with self._commands, contextlib.suppress(OSError):  # closing it ends the worker
            while (command := self._outbox.get()) is not None:
                self._commands.send(command)

    def _listen(self, messages: Connection, loop: asyncio.AbstractEventLoop) -> None:
        try:
            with messages:
                while True:
                    loop.call_soon_threadsafe(self._inbox.put_nowait, messages.recv())
        except (EOFError, OSError):
            pass  # the worker has ended; None reports that
        finally:
            self._ended.set()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._inbox.put_nowait, None)

"""Shutdown signals: Ctrl-C, SIGTERM, and Ctrl-Break on Windows."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

# Windows has no SIGTERM between processes, and TerminateProcess leaves no time for anything. What
# can be sent to a process there is Ctrl-Break.
STOPS = [signal.SIGINT, signal.SIGTERM]
if sys.platform == "win32":
    STOPS.append(signal.SIGBREAK)

Drain = Callable[[float], Awaitable[None]]


def on_stop(stop: Callable[[], object]) -> None:
    """Call ``stop`` in the running event loop whenever this process is asked to stop.

    `loop.add_signal_handler` does not exist on Windows; this works everywhere. asyncio wakes up for
    signals on both: by the interrupted select on POSIX, by the wake-up descriptor that the proactor
    sets on Windows.
    """
    loop = asyncio.get_running_loop()
    for number in STOPS:
        signal.signal(number, lambda *_: loop.is_closed() or loop.call_soon_threadsafe(stop))


class Stopping:
    """What being asked to stop does: running jobs may end, then ``serving`` is cancelled.

    Asked again, it does not wait for jobs; further requests change nothing, so that what is being
    tidied up is.
    """

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._drain: Drain | None = None
        self._draining: asyncio.Task[None] | None = None
        self._cancelled = False

    def drains(self, drain: Drain) -> None:
        """Register how to wait for running jobs, at most for the seconds it is given."""
        self._drain = drain

    def asked(self, serving: asyncio.Task[None]) -> None:
        """Stop, in the event loop's thread."""
        if self._drain is not None and self._within_s and self._draining is None:
            self._draining = asyncio.create_task(self._drain_first(self._drain, serving))
        else:
            self._cancel(serving)

    async def _drain_first(self, drain: Drain, serving: asyncio.Task[None]) -> None:
        try:
            await drain(self._within_s)
        finally:
            self._cancel(serving)

    def _cancel(self, serving: asyncio.Task[None]) -> None:
        if not self._cancelled:
            self._cancelled = True
            serving.cancel()

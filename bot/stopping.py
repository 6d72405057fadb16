"""Shutdown signals: Ctrl-C, SIGTERM, and Ctrl-Break on Windows."""

import asyncio
import signal
import sys
from collections.abc import Callable

# Windows has no SIGTERM between processes, and TerminateProcess leaves no time for anything. What
# can be sent to a process there is Ctrl-Break.
STOPS = [signal.SIGINT, signal.SIGTERM]
if sys.platform == "win32":
    STOPS.append(signal.SIGBREAK)


def on_stop(stop: Callable[[], object]) -> None:
    """Call ``stop`` in the running event loop whenever this process is asked to stop.

    `loop.add_signal_handler` does not exist on Windows; this works everywhere. asyncio wakes up for
    signals on both: by the interrupted select on POSIX, by the wake-up descriptor that the proactor
    sets on Windows.
    """
    loop = asyncio.get_running_loop()
    for number in STOPS:
        signal.signal(number, lambda *_: loop.is_closed() or loop.call_soon_threadsafe(stop))

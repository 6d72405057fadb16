"""The worker process: runs one engine, with one pipe for commands and another for messages.

The parent imports this module to spawn it, so torch is imported inside ``main`` only.
"""

import ctypes
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import psutil

from generation.catalog import Catalog
from generation.errors import NoSuchDevice
from generation.log_context import about, be_lane
from generation.options import EngineOptions
from generation.request import Event, Failed, Finished, Progress
from generation.worker.devices import Device
from generation.worker.messages import (
    QUIET_S,
    Add,
    Alive,
    Cancel,
    Command,
    ConfigureLogs,
    Loaded,
    Look,
    Message,
    Offer,
    Ready,
    Report,
)

if TYPE_CHECKING:
    from generation.engine.engine import Engine

log = logging.getLogger(__name__)

NICENESS, LEAST_URGENT = 10, 19  # setpriority(2)
WAITING, SPINNING = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
SPINS = 1000  # some 20 µs; what libgomp itself takes for ACTIVE with more threads than cores
RESTING_S = 1.5  # with nothing to draw for so long, the worker gives memory back


def main(
    commands: Connection,
    messages: Connection,
    catalog: Catalog,
    options: EngineOptions,
    configure_logs: ConfigureLogs,
    device: Device,
) -> None:
    """Serve until ``commands`` closes; an unexpected error ends the process with a failure."""
    # Ctrl-C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, signal.SIG_IGN)
    os.umask(0o077)  # files are private to their owner
    os.environ.update(device.environment)
    be_lane(device.name)
    configure_logs()
    calm_threads()
    inbox: queue.SimpleQueue[Command] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(commands, inbox), daemon=True).start()
    try:
        serve(inbox, messages.send, catalog, options, device.kind)
    except BrokenPipeError:
        sys.exit(0)  # the parent is gone
    except NoSuchDevice as error:
        log.error("%s", error)  # noqa: TRY400 - one line says it all
        sys.exit(1)
    except Exception:
        log.exception("the worker ends")
        sys.exit(1)


def plain_logs() -> None:
    """Log to standard error; applications replace this with their own configuration."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("generation").setLevel(logging.INFO)


def calm_threads() -> None:
    """Let torch's threads soon sleep while they wait for each other; call before torch is imported.

    Spinning, they take up the very core that the awaited thread needs: measured with one other busy
    process on two cores, four pictures took 25 s instead of 2. Asleep at once, they have to be
    woken in each of the hundreds of operations of a forward pass: on two idle cores of a virtual
    machine the embedded checkpoint's picture took 0.78 s instead of the 0.43 after `SPINS`. With
    the busy process it took 0.65 s asleep, and 1.0 s after them.
    """
    if WAITING not in os.environ:
        os.environ[WAITING] = "PASSIVE"  # all that other libraries than libgomp know of
        os.environ.setdefault(SPINNING, str(SPINS))


def give_way() -> None:
    """Lower this process's priority, so that on a CPU the bot's event loop comes first."""
    process = psutil.Process()
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(min(process.nice() + NICENESS, LEAST_URGENT))


def _hear(commands: Connection, inbox: queue.SimpleQueue[Command]) -> None:
    """Pass commands on; if the parent closes the pipe or dies, exit at once, even mid-forward."""
    try:
        while True:
            inbox.put(commands.recv())
    except (EOFError, OSError):
        os._exit(0)


def serve(
    inbox: queue.SimpleQueue[Command],
    say: Callable[[list[Message]], None],
    catalog: Catalog,
    options: EngineOptions,
    kind: str | None = None,
) -> None:
    """Draw what the inbox asks for, and say what one tick brings together; never returns.

    Blocks its thread, and is called once a process, before torch is imported. ``kind`` is the
    device's type, the best there is if None; raises NoSuchDevice without one. An error of the
    device is raised, after which the process must end.
    """
    from generation.engine.device import describe, pick_device
    from generation.engine.engine import Engine

    engine = Engine(
        catalog,
        pick_device(kind),
        on_event=lambda key, event: say([Report(key, event)]),
        options=options,
        alive=lambda: say([Alive()]),
    )
    if engine.device.type == "cpu":
        give_way()  # before the first forward pass starts torch's threads, which inherit it
    error = engine.warm_up()
    loaded = engine.cache.names
    say([Ready(describe(engine.device), catalog.default, engine.rows, error, loaded)])
    watched: dict[int, bool] = {}  # the requests, and whether their next step is reported
    spoke = time.monotonic()
    while True:
        batch: list[Message] = []
        for work in (partial(_obey, engine, inbox, catalog, watched), engine.step):
            batch += [Report(*one) for one in work() if _wanted(watched, *one)]
        if engine.cache.names != loaded:
            loaded = engine.cache.names
            batch.append(Loaded(loaded))
        if (figures := engine.tally.take(resting=engine.idle)) is not None:
            batch.append(figures)
        if not batch and time.monotonic() - spoke >= QUIET_S:
            batch.append(Alive())
        if batch:
            say(batch)
            spoke = time.monotonic()


def _wanted(watched: dict[int, bool], key: int, event: Event) -> bool:
    """Tell whether an event is to be reported: a step only if it was asked for."""
    if isinstance(event, Progress):
        wanted, watched[key] = watched[key], False
        return wanted
    if isinstance(event, Finished | Failed):
        del watched[key]
    return True


def _next(inbox: queue.SimpleQueue[Command]) -> Command:
    """Wait for a command, and use the rest to give memory back."""
    try:
        return inbox.get(timeout=RESTING_S)
    except queue.Empty:
        give_memory_back()
        return inbox.get()


def give_memory_back() -> None:
    """Return freed memory to the system; glibc keeps some 70 MB of it after a few pictures."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _obey(
    engine: "Engine",
    inbox: queue.SimpleQueue[Command],
    catalog: Catalog,
    watched: dict[int, bool],
) -> list[tuple[int, Event]]:
    """Handle every pending command; while idle, wait for one. Return what there is to report."""
    seen: list[tuple[int, Event]] = []
    while engine.idle or not inbox.empty():
        match _next(inbox):
            case Add(key, request, job):
                watched[key] = True
                with about(job):
                    engine.add(key, request)
            case Cancel(key):
                engine.cancel(key)
            case Look(key) if key in watched:
                watched[key] = True
                if (progress := engine.look(key)) is not None:
                    seen.append((key, progress))
            case Offer(newer):
                catalog.become(newer)
    return seen

"""The worker process: runs one engine, with one pipe for commands and another for messages.

The parent imports this module to spawn it, so torch is imported inside ``main`` only.
"""

import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import psutil

from generation.catalog import Catalog
from generation.errors import GenerationError
from generation.log_context import about
from generation.options import EngineOptions
from generation.request import Event, Failed, Finished, Progress, Request

if TYPE_CHECKING:
    from generation.engine.engine import Engine

log = logging.getLogger(__name__)

ConfigureLogs = Callable[[], None]  # picklable, as it is called in the worker process

NICENESS, LEAST_URGENT = 10, 19  # setpriority(2)
QUIET_S = 1.0  # between two ticks it says something at least as often as this


@dataclass(frozen=True, slots=True)
class Add:
    """Command: admit this request under ``key``; ``job`` is its name in the log."""

    key: int
    request: Request
    job: int | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Command: drop the request ``key``; unknown and finished ones are ignored."""

    key: int


@dataclass(frozen=True, slots=True)
class Look:
    """Command: report the latest step of the request ``key``, or the next if there is no new one.

    The first step is reported unasked, and none but these: what nobody is shown need not be drawn
    nor cross the pipe.
    """

    key: int


@dataclass(frozen=True, slots=True)
class Offer:
    """Command: the catalog has become this one; requests that are aboard go on."""

    catalog: Catalog


Command = Add | Cancel | Look | Offer


@dataclass(frozen=True, slots=True)
class Ready:
    """Message: the default checkpoint is loaded on ``device``, or ``error`` says why it is not.

    ``rows`` is how many a forward pass of its default size holds.
    """

    device: str
    checkpoint: str
    rows: int
    error: GenerationError | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Message: an event of the request ``key``; 0 is the warm-up."""

    key: int
    event: Event


@dataclass(frozen=True, slots=True)
class Alive:
    """Message: there was a tick, of which nobody wanted to know more."""


Message = Ready | Report | Alive


def main(
    commands: Connection,
    messages: Connection,
    catalog: Catalog,
    options: EngineOptions,
    configure_logs: ConfigureLogs,
) -> None:
    """Serve until ``commands`` closes; an unexpected error ends the process with a failure."""
    # Ctrl-C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, signal.SIG_IGN)
    os.umask(0o077)  # files are private to their owner
    configure_logs()
    calm_threads()
    inbox: queue.SimpleQueue[Command] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(commands, inbox), daemon=True).start()
    try:
        _serve(inbox, messages, catalog, options)
    except BrokenPipeError:
        sys.exit(0)  # the parent is gone
    except Exception:
        log.exception("the worker ends")
        sys.exit(1)


def plain_logs() -> None:
    """Log to standard error; applications replace this with their own configuration."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("generation").setLevel(logging.INFO)


def calm_threads() -> None:
    """Let torch's threads sleep while they wait for each other; call before torch is imported.

    Spinning, they take up the very core that the awaited thread needs: measured with one other busy
    process on two cores, four pictures took 25 s instead of 2.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


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


def _serve(
    inbox: queue.SimpleQueue[Command],
    messages: Connection,
    catalog: Catalog,
    options: EngineOptions,
) -> None:
    from generation.engine.device import describe
    from generation.engine.engine import Engine

    engine = Engine(
        catalog,
        on_event=lambda key, event: messages.send(Report(key, event)),
        options=options,
    )
    if engine.device.type == "cpu":
        give_way()  # before the first forward pass starts torch's threads, which inherit it
    error = engine.warm_up()
    messages.send(Ready(describe(engine.device), catalog.default, engine.rows, error))
    watched: dict[int, bool] = {}  # the requests, and whether their next step is reported
    spoke = time.monotonic()
    while True:
        for work in (partial(_obey, engine, inbox, catalog, watched), engine.step):
            for key, event in work():
                if _wanted(watched, key, event):
                    messages.send(Report(key, event))
                    spoke = time.monotonic()
        if time.monotonic() - spoke >= QUIET_S:
            messages.send(Alive())
            spoke = time.monotonic()


def _wanted(watched: dict[int, bool], key: int, event: Event) -> bool:
    """Tell whether an event is to be reported: a step only if it was asked for."""
    if isinstance(event, Progress):
        wanted, watched[key] = watched[key], False
        return wanted
    if isinstance(event, Finished | Failed):
        del watched[key]
    return True


def _obey(
    engine: "Engine",
    inbox: queue.SimpleQueue[Command],
    catalog: Catalog,
    watched: dict[int, bool],
) -> list[tuple[int, Event]]:
    """Handle every pending command; while idle, wait for one. Return what there is to report."""
    seen: list[tuple[int, Event]] = []
    while engine.idle or not inbox.empty():
        match inbox.get():
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

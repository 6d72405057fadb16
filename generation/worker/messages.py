"""What the bot's process and a worker say to each other. Imports no torch."""

from collections.abc import Callable
from dataclasses import dataclass

from generation.catalog import Catalog
from generation.errors import GenerationError
from generation.request import Event, Request

ConfigureLogs = Callable[[], None]  # picklable, as it is called in the worker process

STEP_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
QUIET_S = 1.0  # between two ticks a worker says something at least as often as this


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

    ``rows`` is how many a forward pass of its default size holds, ``loaded`` the checkpoints in
    memory.
    """

    device: str
    checkpoint: str
    rows: int
    error: GenerationError | None = None
    loaded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """Message: the checkpoints in memory have become these, least recently used first."""

    checkpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Message: what a worker's forward passes came to since it started, for metrics.

    ``by_seconds`` counts them by how long each took: up to each bound of `STEP_S`, and longer.
    ``rows`` are theirs altogether, ``paying_rows`` as many as they could have had before more
    hardly pay. Memory is the device's, in bytes, by all that use it.
    """

    by_seconds: tuple[int, ...]
    seconds: float
    rows: int
    paying_rows: int
    memory_used: int
    memory_total: int


@dataclass(frozen=True, slots=True)
class Lacks:
    """Message: the names, in lower case, of models whose files are not on the worker's machine."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Report:
    """Message: an event of the request ``key``; 0 is the warm-up."""

    key: int
    event: Event


@dataclass(frozen=True, slots=True)
class Alive:
    """Message: there was a tick, or a part of a long one, of which nobody wanted to know more."""


Message = Ready | Loaded | Lacks | Figures | Report | Alive

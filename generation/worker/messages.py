"""What the bot's process and a worker say to each other. Imports no torch."""

from collections.abc import Callable
from dataclasses import dataclass

from generation.catalog import Catalog
from generation.errors import GenerationError
from generation.request import Event, Request

ConfigureLogs = Callable[[], None]  # picklable, as it is called in the worker process

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
class Report:
    """Message: an event of the request ``key``; 0 is the warm-up."""

    key: int
    event: Event


@dataclass(frozen=True, slots=True)
class Alive:
    """Message: there was a tick, of which nobody wanted to know more."""


Message = Ready | Loaded | Report | Alive

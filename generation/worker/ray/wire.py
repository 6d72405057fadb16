"""What the bot and the driver, its process for Ray, say to each other. Imports neither."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generation.catalog import Catalog
from generation.options import EngineOptions
from generation.worker.link import End, WorkerLink
from generation.worker.messages import Command, ConfigureLogs, Message

NAMESPACE = "darkroom"
SLOT = "darkroom_slot"  # the resource of a node without GPUs that has lanes nevertheless

BEAT_S = 2.0  # between two signs of life
LOST_S = 10.0  # of silence, after which a machine counts as gone, and so does a bot
CLOSE_S = 3.0  # for a goodbye
KEEP_S = 600.0  # that a host stays warm without a bot

StartWorker = Callable[[Catalog, EngineOptions, ConfigureLogs], WorkerLink]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the driver is started with.

    ``folders`` are the bot's folders of models. ``start_worker`` is called on the node, where it is
    imported by its name. With ``own_node`` the bot's own machine is a node like the others.
    After ``lost_s`` of silence a machine counts as gone.
    """

    address: str
    namespace: str
    options: EngineOptions
    folders: tuple[Path, ...]
    configure_logs: ConfigureLogs
    start_worker: StartWorker
    own_node: bool
    lost_s: float


@dataclass(frozen=True, slots=True)
class Launch:
    """To the driver: start a worker on this lane, or take over the one that is there."""

    lane: str
    epoch: int
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Tell:
    """To the driver: a command for a worker."""

    lane: str
    epoch: int
    command: Command


@dataclass(frozen=True, slots=True)
class Kill:
    """To the driver: kill a worker."""

    lane: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Leave:
    """To the driver: drop what a worker has not finished, and leave it warm."""

    lane: str
    epoch: int


ToDriver = Launch | Tell | Kill | Leave


@dataclass(frozen=True, slots=True)
class Joined:
    """From the driver: this lane can be launched."""

    lane: str


@dataclass(frozen=True, slots=True)
class Vanished:
    """From the driver: this lane is gone until it joins again."""

    lane: str


@dataclass(frozen=True, slots=True)
class Heard:
    """From the driver: what a worker said, of one tick."""

    epoch: int
    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class Ended:
    """From the driver: nothing more comes of this launch."""

    epoch: int
    end: End


@dataclass(frozen=True, slots=True)
class Beat:
    """From the driver: it is connected, and lives."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """From the driver: a line for the log; the same one is said once."""

    line: str


FromDriver = Joined | Vanished | Heard | Ended | Beat | Trouble

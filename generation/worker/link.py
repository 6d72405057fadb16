"""Between the pool and its workers: what every kind of worker offers, wherever it runs.

A lane is one worker under supervision. A source tells the pool which lanes there are and how each
is launched; a launch gives a link to a worker, and the pool hears through it until it has ended.
Then the pool launches the lane again, after a pause if it does not live, until it vanishes.

Imports neither torch nor Ray.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Protocol

from generation.worker.messages import Command, Figures, Message


class End(Enum):
    """How a link ended, which says what becomes of the requests aboard."""

    CRASHED = auto()
    """The worker died by itself, or was killed: it counts against the requests aboard."""

    LOST = auto()
    """The link was cut, or the machine died or froze: nobody's fault, they replay freely."""

    DRAINED = auto()
    """It was asked to end while it lived; requests it had not finished replay freely."""


class WorkerLink(Protocol):
    """One launch of a worker, from its start to its end.

    Nothing reaches it that an earlier launch of the same worker was told to draw: a source whose
    workers outlive their links has them drop it, by the epoch that `Launch` gets.
    """

    @property
    def pid(self) -> int | None:
        """The worker's process id on this machine, or None if it runs on another."""

    def send(self, command: Command) -> None:
        """Send a command soon; never blocks. One to a dead worker is lost: ``receive`` tells."""

    async def receive(self) -> Sequence[Message] | None:
        """Return what arrived together, in order (one tick's), at least one message.

        None once the link has ended and everything is read, and from then on. A worker that cannot
        be reached or started ends it too. The first message that is no Report of key 0, no Lacks
        and no Alive, is Ready.
        """

    def kill(self) -> None:
        """End the worker at once, even if it hangs; ``receive`` then tells. Never blocks."""

    async def end(self) -> End:
        """Say goodbye, wait within a bound of seconds, kill what lingers; return how it ended.

        DRAINED if it lived until now; otherwise how it had ended. After ``kill``: CRASHED.
        Called exactly once, last; a call that is cancelled leaves nothing behind either.
        """


# Launches a lane and returns at once, without waiting for the worker; raises OSError if that cannot
# even be tried. Its argument is the epoch: a number that grows with every launch of any lane, and
# beyond those of earlier runs of the bot, so that a worker that has outlived its link knows what
# is old.
Launch = Callable[[int], WorkerLink]


class Lanes(Protocol):
    """The pool, as a source sees it. Every call comes from the event loop's thread."""

    def joined(self, name: str, launch: Launch) -> None:
        """Supervise this lane from now on; under a name that there is already, replace its launch.

        A lane of that name that vanished or drained comes back.
        """

    def vanished(self, name: str) -> None:
        """End this lane at once as LOST, and launch it no more; unknown names are ignored."""

    async def drain(self, name: str, within_s: float = ...) -> None:
        """Give this lane nothing more, let it finish what is aboard, within a bound; then end it.

        It is launched no more, unless it joins again. Returns when it has ended.
        """


class LaneSource(Protocol):
    """Where lanes come from: this machine's devices, or those of others."""

    async def start(self, lanes: Lanes) -> None:
        """Tell the pool of the lanes there are, and from now on of those that come and go.

        Returns soon; what takes longer goes on in a task of the source's own.
        """

    async def close(self) -> None:
        """Tell nothing more and release everything; the pool has ended every link by then."""


class LaneStatus(StrEnum):
    """What a lane is doing."""

    STARTING = "starting"  # launched, and not ready yet
    READY = "ready"
    LOADING = "loading"  # ready, and loading a checkpoint beside what it draws
    DRAINING = "draining"  # finishing what is aboard, before it ends
    DEAD = "dead"  # ended; it may be launched again after a pause


@dataclass(frozen=True, slots=True)
class LaneState:
    """A lane at this moment, for metrics and `darkroom doctor`.

    ``loaded`` are the checkpoints in its memory, most recently used last; ``rows`` is how many rows
    of a forward pass it holds, 0 until it is ready, and ``rows_aboard`` how many its requests take.
    ``seconds_per_cost`` is the device time of one unit of `GenerationRequest.cost`, None until it
    is measured. ``restarts`` counts its launches after the first.
    """

    name: str
    device: str
    status: LaneStatus
    loaded: tuple[str, ...]
    rows: int
    rows_aboard: int
    requests_aboard: int
    seconds_per_cost: float | None
    restarts: int
    epoch: int
    pid: int | None
    figures: Figures | None = None  # of its latest worker, once it has drawn

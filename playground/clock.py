"""Time as the playground tells it, and the ids that Discord makes from it."""

import time
from collections.abc import Callable

DISCORD_EPOCH_MS = 1_420_070_400_000
"""The first millisecond of 2015, from which Discord counts (API reference, "Snowflakes")."""


class Clock:
    """Wall time in seconds since 1970, which tests can move forward, or stop.

    Deadlines (three seconds to answer, fifteen minutes of a token) are read from here, so a test
    need not sleep for them. `ahead` is by how much Discord's clock is ahead of this machine's: ids
    and the Date of each answer are read from there, and never moved.
    """

    def __init__(self, ahead: float = 0.0) -> None:
        self._discords = ahead
        self._ahead = ahead
        self._stopped: float | None = None

    def now(self) -> float:
        """Tell the time, in seconds since 1970."""
        return (time.time() if self._stopped is None else self._stopped) + self._ahead

    def stop(self) -> None:
        """Let the time stand still, but for `advance`: a slow machine misses no deadline."""
        self._stopped = time.time()

    def born(self) -> float:
        """Tell the time that ids hold, in seconds since 1970."""
        return time.time() + self._discords

    def advance(self, seconds: float) -> None:
        """Move the time forward by `seconds`."""
        if seconds < 0:
            raise ValueError("time only moves forward")
        self._ahead += seconds


class Snowflakes:
    """Makes ids that grow, hold their time of birth, and differ from those of any earlier run."""

    def __init__(self, clock: Clock) -> None:
        self._last = 0
        self._clock = clock

    def next(self) -> int:
        """Make a new id, larger than any before."""
        born = int(self._clock.born() * 1000) - DISCORD_EPOCH_MS
        self._last = max(self._last + 1, born << 22)
        return self._last

    def next_where(self, fits: Callable[[int], bool]) -> int:
        """Make a new id for which `fits` is true, which looks at the milliseconds of birth only."""
        self.next()
        while not fits(self._last):
            self._last += 1 << 22
        return self._last

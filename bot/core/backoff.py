"""Pauses between attempts, growing, and never the same for two who wait for the same thing."""

import random
from dataclasses import dataclass, field

# What somebody asks to be left alone for is believed up to a day.
LONGEST_ASKED_S = 86_400.0


@dataclass(slots=True)
class Pauses:
    """Seconds to wait before the next attempt: twice as long each time, up to ``longest``.

    Each is drawn from its upper half, so that many who lost something at the same moment do not
    come back at the same moment ("equal jitter": M. Brooker, "Exponential Backoff And Jitter",
    AWS Architecture Blog, 2015).
    """

    first: float
    longest: float
    _taken: int = field(default=0, init=False)

    def next(self, at_least: float = 0.0) -> float:
        """Return the next pause, no shorter than what the other side asked for."""
        whole = min(self.longest, self.first * 2.0 ** min(self._taken, 60))
        self._taken += 1
        drawn = random.uniform(whole / 2, whole)  # noqa: S311 - nobody gains by guessing it
        return max(min(at_least, LONGEST_ASKED_S), drawn)

    def reset(self) -> None:
        """Begin with the first again."""
        self._taken = 0

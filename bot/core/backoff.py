"""Growing, randomized pauses between attempts."""

import random
from dataclasses import dataclass, field

# The longest pause that another side may ask for: a day.
LONGEST_ASKED_S = 86_400.0


@dataclass(slots=True)
class Pauses:
    """Seconds to wait before the next attempt, doubling each time up to ``longest``.

    Each pause is drawn from its upper half, so that many clients that lost something at once do not
    all return at once ("equal jitter": M. Brooker, "Exponential Backoff And Jitter", AWS
    Architecture Blog, 2015).
    """

    first: float
    longest: float
    _taken: int = field(default=0, init=False)

    def next(self, at_least: float = 0.0) -> float:
        """Return the next pause, at least as long as the other side asked for."""
        whole = min(self.longest, self.first * 2.0 ** min(self._taken, 60))
        self._taken += 1
        drawn = random.uniform(whole / 2, whole)  # noqa: S311 - nobody gains by guessing it
        return max(min(at_least, LONGEST_ASKED_S), drawn)

    def reset(self) -> None:
        """Start over with the first pause."""
        self._taken = 0

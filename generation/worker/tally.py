"""Counts forward passes for whoever watches the worker. Imports no torch."""

import time
from bisect import bisect_left
from collections.abc import Callable

from generation.worker.messages import QUIET_S, STEP_S, Figures


class Tally:
    """What the forward passes came to; ``memory`` tells the device's used and total bytes."""

    def __init__(self, memory: Callable[[], tuple[int, int]]) -> None:
        self._memory = memory
        self._by_seconds = [0] * (len(STEP_S) + 1)
        self._seconds = 0.0
        self._rows = self._paying_rows = 0
        self._untold = False
        self._told_at = time.monotonic()

    def add(self, seconds: float, rows: int, paying: int) -> None:
        """Count a forward pass of so many rows, of which ``paying`` are worth batching."""
        self._by_seconds[bisect_left(STEP_S, seconds)] += 1
        self._seconds += seconds
        self._rows += rows
        self._paying_rows += paying
        self._untold = True

    def take(self, *, resting: bool) -> Figures | None:
        """Return the figures if there are newer ones: now and then, and before a rest."""
        now = time.monotonic()
        if not self._untold or not (resting or now - self._told_at >= QUIET_S):
            return None
        self._untold, self._told_at = False, now
        return Figures(
            tuple(self._by_seconds), self._seconds, self._rows, self._paying_rows, *self._memory()
        )

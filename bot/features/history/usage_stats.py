"""What was used, in figures; frozen, as everything that leaves the store."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was asked for on one day (UTC).

    ``pictures`` were drawn by its ``jobs``, of which so many ``failed``; ``refused`` are requests
    that became no job.
    """

    day: date
    jobs: int = 0
    pictures: int = 0
    failed: int = 0
    refused: int = 0
    device_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody for whom much was drawn."""

    name: str
    pictures: int
    jobs: int
    device_seconds: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used on some days, one after the other, and those who used the most of it."""

    days: tuple[Day, ...]
    people: tuple[Person, ...]

    def total(self, figure: Callable[[Day], float]) -> float:
        """Add a figure up over all days."""
        return sum(map(figure, self.days))

    @property
    def nothing(self) -> bool:
        """Whether nobody asked for anything."""
        return not any(day.jobs or day.refused for day in self.days)

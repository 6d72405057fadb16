"""How many rows a UNet forward should have, as measured on this machine. Imports no torch."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from generation.json_text import loads

log = logging.getLogger(__name__)

LADDER = (1, 2, 4, 8, 12, 16, 24, 32)  # numbers of rows that are measured
WORTHWHILE = 1.1  # a step up the ladder must raise the throughput by 10 %


@dataclass(frozen=True, slots=True)
class Profile:
    """What was measured at one size.

    ``seconds`` holds how long a forward takes with so many rows of `LADDER`, from the first.
    ``row_bytes`` is what each row needs while it runs, ``decode_bytes`` what the VAE needs for one
    picture; both are 0 where the system does not tell.
    """

    seconds: list[float]
    row_bytes: int
    decode_bytes: int

    @property
    def knee(self) -> int:
        """The number of rows from which on more of them hardly raise the throughput.

        One step that was measured too slow does not hide that the next ones pay.
        """
        knee = 0
        for step in range(1, len(self.seconds)):
            if self._throughput(step) >= WORTHWHILE * self._throughput(knee):
                knee = step
        return LADDER[knee]

    @property
    def rate(self) -> float:
        """Rows a second at the knee; 0 where nothing was measured."""
        return self._throughput(LADDER.index(self.knee)) if self.seconds else 0.0

    def fitting(self, free: int) -> int:
        """Return how many rows ``free`` bytes hold beside one decode; at least one is tried."""
        if not free or not self.row_bytes:
            return LADDER[-1]
        return max(1, min(LADDER[-1], (free - self.decode_bytes) // self.row_bytes))

    def _throughput(self, step: int) -> float:
        return LADDER[step] / self.seconds[step]


def read_profiles(file: Path) -> dict[str, Profile]:
    """Return what is kept in a file, by place; nothing where it is damaged."""
    try:
        table = loads(file.read_text("utf-8"))
        profiles = {place: Profile(**entry) for place, entry in table.items()}
        _ = [profile.knee for profile in profiles.values()]  # so that numbers are numbers
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        log.warning("%s: %s; it is measured anew", file, error)
        return {}
    return profiles


def write_profiles(file: Path, profiles: dict[str, Profile]) -> None:
    """Keep profiles by place; a stop in between leaves the file as it was."""
    part = file.with_suffix(".part")
    table = {place: asdict(profile) for place, profile in profiles.items()}
    part.write_text(json.dumps(table, indent=1, ensure_ascii=False), "utf-8")
    part.replace(file)

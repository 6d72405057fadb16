"""How many rows a UNet forward pass should have, measured on this machine. Imports no torch."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from generation.json_text import loads
from generation.shared_file import only_writer, replace_text

log = logging.getLogger(__name__)

LADDER = (1, 2, 4, 8, 12, 16, 24, 32)  # row counts to measure
WORTHWHILE = 1.05  # a step up the ladder must raise the throughput by 5 %


@dataclass(frozen=True, slots=True)
class Profile:
    """The measurements at one size.

    ``seconds`` are the durations of a forward pass at the first row counts of `LADDER`.
    ``row_bytes`` is the memory each row needs while it runs, ``decode_bytes`` what the VAE needs
    for one picture; both are 0 if the system does not tell.
    """

    seconds: list[float]
    row_bytes: int
    decode_bytes: int

    @property
    def knee(self) -> int:
        """The row count beyond which more rows hardly raise the throughput.

        A single outlier measured too slow does not hide that the next steps pay.
        """
        knee = 0
        for step in range(1, len(self.seconds)):
            if self._throughput(step) >= WORTHWHILE * self._throughput(knee):
                knee = step
        return LADDER[knee]

    @property
    def rate(self) -> float:
        """Rows per second at the knee; 0 if nothing was measured."""
        return self._throughput(LADDER.index(self.knee)) if self.seconds else 0.0

    def fitting(self, free: int) -> int:
        """Return how many rows fit ``free`` bytes beside one decode; at least one."""
        if not free or not self.row_bytes:
            return LADDER[-1]
        return max(1, min(LADDER[-1], (free - self.decode_bytes) // self.row_bytes))

    def _throughput(self, step: int) -> float:
        return LADDER[step] / self.seconds[step]


def read_profiles(file: Path) -> dict[str, Profile]:
    """Return the profiles stored in a file, by place; none if it is damaged."""
    try:
        table = loads(file.read_text("utf-8"))
        profiles = {place: Profile(**entry) for place, entry in table.items()}
        _ = [profile.knee for profile in profiles.values()]  # checks the types
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        log.warning("%s: %s; it is measured anew", file, error)
        return {}
    return profiles


def write_profiles(file: Path, profiles: dict[str, Profile]) -> None:
    """Add profiles by place to those that the file has by now; other workers add theirs.

    An interrupted write leaves the file unchanged.
    """
    with only_writer(file):
        there = read_profiles(file) if file.exists() else {}
        table = {place: asdict(profile) for place, profile in (there | profiles).items()}
        replace_text(file, json.dumps(table, indent=1, ensure_ascii=False))

"""The second pass over a larger picture, "hires. fix" in AUTOMATIC1111's web UI. Imports no torch.

A model composes well at the size that it was trained on. So a picture is drawn at that size first,
enlarged, and drawn over by the same prompt with a strength that keeps what is there.
"""

import math
from dataclasses import dataclass

from generation.errors import InvalidRequest, bounded
from generation.phrases import Phrase
from generation.upscaler import FACTORS

SCALE = (1.0, 4.0)
HIRES_STRENGTH = 0.5  # where nothing else is said: keeps what is there, and draws its details


@dataclass(frozen=True, slots=True)
class Hires:
    """How much larger the second pass is, its strength, and its steps if not those of the first."""

    scale: float
    strength: float
    steps: int | None = None

    @property
    def factor(self) -> int | None:
        """By how much the first picture is upscaled before it is shrunk to size; None: not."""
        return next((one for one in FACTORS if one >= self.scale), None) if self.scale > 1 else None

    def size(self, width: int, height: int, multiple: int) -> tuple[int, int]:
        """Return (width, height) in pixels of the second pass, in multiples, the nearest ones."""

        def larger(side: int) -> int:
            return multiple * max(1, math.floor(side * self.scale / multiple + 0.5))

        return larger(width), larger(height)

    def edge(self, feather: int, most: int) -> int:
        """Return how wide the soft edge of a mask is in the second pass, in pixels."""
        return min(round(feather * self.scale), most)

    def check(self, width: int, height: int, multiple: int, most: int) -> None:
        """Raise InvalidRequest unless a picture of this size in pixels can become so large."""
        bounded("hires", self.scale, SCALE)
        if max(self.size(width, height, multiple)) > most:
            fits = most // multiple * multiple / max(width, height)
            # Rounded down, so that what is named is allowed.
            shown = f"{max(1.0, int(fits * 100) / 100):g}"
            bound = Phrase("bound-hires", fits=shown, width=width, height=height, most=most)
            raise InvalidRequest("hires", bound)


def second_pass(scale: float, steps: int) -> Hires:
    """Return the usual second pass at so many times the size, after a first one of so many steps.

    It takes one step at least.
    """
    least = math.ceil(1 / HIRES_STRENGTH)
    return Hires(scale, HIRES_STRENGTH, least if steps < least else None)

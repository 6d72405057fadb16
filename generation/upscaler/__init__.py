"""Pictures enlarged by a small net: its weights, their notice, their conversion. Imports no torch.

`generation.upscaler.tiles` does the work; here is what can be said of it without doing any.
"""

from enum import StrEnum
from pathlib import Path

from generation.errors import InvalidRequest
from generation.phrases import Phrase

FACTORS = (2, 4)
RESULT_SIDE = 4096  # px; making so large a result takes about 190 MB
WEIGHTS = Path(__file__).parent


class Medium(StrEnum):
    """What a picture looks like, which decides the weights; each has a file of its name."""

    PHOTO = "photo"
    ART = "art"


def check_factor(width: int, height: int, factor: int) -> None:
    """Raise InvalidRequest unless a picture of this size in pixels can be enlarged so much."""
    if factor not in FACTORS:
        raise InvalidRequest("factor", Phrase("bound-either", names=tuple(map(str, FACTORS))))
    longest = max(width, height)
    if longest * factor <= RESULT_SIDE:
        return
    fitting = tuple(str(one) for one in FACTORS if longest * one <= RESULT_SIDE)
    if not fitting:
        raise InvalidRequest("image", Phrase("bound-image-upscale", most=RESULT_SIDE // FACTORS[0]))
    raise InvalidRequest(
        "factor",
        Phrase(
            "bound-factor-here",
            names=fitting,
            width=width,
            height=height,
            most=RESULT_SIDE,
        ),
    )

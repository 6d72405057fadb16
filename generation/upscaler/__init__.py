"""The upscaler: a small network, its weights, their licence, their conversion. Imports no torch.

`generation.upscaler.tiles` does the work; this module has what needs no network.
"""

from enum import StrEnum
from pathlib import Path

from generation.errors import InvalidRequest
from generation.phrases import Phrase

FACTORS = (2, 4)
RESULT_SIDE = 4096  # px; making a result of this size takes about 190 MB
WEIGHTS = Path(__file__).parent


class Medium(StrEnum):
    """The kind of a picture, which selects the weights file of this name."""

    PHOTO = "photo"
    ART = "art"


def check_factor(width: int, height: int, factor: int) -> None:
    """Raise InvalidRequest unless a picture of this size in pixels can be upscaled this much."""
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

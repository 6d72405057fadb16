"""What is added on the sides of a picture. Imports no numpy: the bot has no use for it."""

from typing import NamedTuple

from generation.architectures import Architecture
from generation.request import HIRES_MULTIPLE, SIDE


class Sides(NamedTuple):
    """How many pixels are added on each side."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


def multiple_of(architecture: Architecture) -> int:
    """Return what a canvas's sides are multiples of: any that the family can draw."""
    return min(architecture.side_multiple, HIRES_MULTIPLE)


def nearest(side: int, architecture: Architecture) -> int:
    """Return the nearest side in pixels, within bounds, that the family can draw."""
    multiple = multiple_of(architecture)
    return min(max(multiple * round(side / multiple), SIDE[0]), SIDE[1])

"""Whether a picture is the same to the byte where it is kept."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.edit import drawing

FEATHERS = (0, 1, 8, 32)


def measure() -> int:
    """Return how many values differ further from a mask's white than its feather, of all masks."""
    engine = drawing.engine()
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (drawing.SIDE, drawing.SIDE, 3), dtype=np.uint8)
    source = Image.fromarray(noise)
    differing = 0
    for seed, (mask, feather) in enumerate(zip(_masks(), FEATHERS, strict=True)):
        drawn = drawing.redraw(engine, source, mask, feather, seed)
        kept = _distances(np.asarray(mask) >= 128) > feather
        if not kept.any() or (drawn == noise).all():
            raise ValueError("nothing was kept, or nothing was drawn")
        differing += int((drawn[kept] != noise[kept]).sum())
    return differing


def _masks() -> list[Image.Image]:
    """A box, an ellipse, two corners and a thin line."""
    side = drawing.SIDE
    shapes = [Image.new("L", (side, side)) for _ in FEATHERS]
    ImageDraw.Draw(shapes[0]).rectangle((side // 5, side // 4, side // 2, side - 9), fill=255)
    ImageDraw.Draw(shapes[1]).ellipse((side // 3, side // 6, side - 7, side // 2), fill=255)
    for corner in ((0, 0, side // 6, side // 6), (side - 13, side - 29, side, side)):
        ImageDraw.Draw(shapes[2]).rectangle(corner, fill=255)
    ImageDraw.Draw(shapes[3]).line((0, side // 8, side // 3, side // 8), fill=255, width=2)
    return shapes


def _distances(white: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Each pixel's distance to the nearest white one: every pair is compared."""
    at = np.argwhere(white)
    height, width = white.shape
    rows, columns = np.mgrid[:height, :width]
    apart = [(rows - row) ** 2 + (columns - column) ** 2 for row, column in at]
    return np.sqrt(np.minimum.reduce(apart))

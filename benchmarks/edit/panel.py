"""How long the picture in the panel takes, in which a region is picked."""

import statistics
import time

import numpy as np
from PIL import Image

from benchmarks.edit.drawing import png
from bot.features.editing.region import Region, base_of, sketch

SIDE = 1024  # px of the picture that is edited
ROUNDS = 9


def measure() -> float:
    """Return the milliseconds of a press after a restart, when nothing is kept, by the median."""
    values = np.random.default_rng(0).integers(0, 256, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
    picture = png(Image.fromarray(values).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    taken = []
    for cell in range(ROUNDS):
        begun = time.perf_counter()
        sketch(base_of(picture), Region().pressed(str(cell)))
        taken.append(time.perf_counter() - begun)
    return round(1000 * statistics.median(taken), 1)

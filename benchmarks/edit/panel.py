"""How long it takes to draw the panel again in which a region is picked."""

import statistics
import time

import numpy as np
from PIL import Image

from bot.features.editing.region import CELLS, Region, base_of, sketch
from generation.source_image import encoded

SIDE = 1024  # px, of the picture
PRESSES = 50


def measure() -> float:
    """Return the milliseconds that a press takes in the median, of one in five a panel's first.

    The first has to read the picture's file; others draw on what is kept of it.
    """
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    png = encoded(Image.fromarray(noise))  # no other picture is as long to decode
    region, took = Region(), []
    base = base_of(png)
    for press in range(PRESSES):
        region = region.pressed(str(press % CELLS))
        began = time.perf_counter()
        if press % 5 == 0:
            base = base_of(png)
        sketch(base, region)
        took.append(time.perf_counter() - began)
    return round(1000 * statistics.median(took), 1)

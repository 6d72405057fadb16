"""Whether ten zooms out, one of another, leave lines where each of them began."""

import math

import numpy as np
from PIL import Image

from benchmarks.edit import drawing
from generation.architectures import ARCHITECTURES
from generation.catalog import EMBEDDED
from generation.editing.outpaint import OVERLAP, zoom_out

ZOOMS = 10
FACTOR = 1.5
ANGLES = (0.0, 0.9, 2.2)
# How many pixels on both sides of a seam are its surroundings, and how wide a step may be.
NEAR, WIDE = 6, 2


def measure() -> float:
    """Return the strongest seam, in levels of 255, of chains of zooms that begin as gradients.

    After each zoom, on all four sides of what is pasted back: where it ends, and where the soft
    edge does. A seam is the mean step across that line, of all its pixels and channels, less the
    mean of the steps between the pixels beside it: what is drawn has steps of its own.
    """
    engine = drawing.engine()
    strongest = 0.0
    for start, angle in enumerate(ANGLES):
        picture = drawing.gradient(angle)
        for zoom in range(ZOOMS):
            seed = 100 * start + zoom
            canvas = zoom_out(picture, FACTOR, ARCHITECTURES[EMBEDDED.family])
            drawn = drawing.redraw(
                engine, canvas.picture, canvas.mask, feather=drawing.FEATHER, seed=seed
            )
            picture = Image.fromarray(drawn)
            inside = drawing.SIDE / FACTOR
            for inwards in (OVERLAP, OVERLAP + drawing.FEATHER):
                place = (canvas.place[0] + inwards, canvas.place[1] + inwards)
                if 2 * inwards + NEAR < inside:
                    strongest = max(strongest, seam(drawn, place, round(inside) - 2 * inwards))
    return round(strongest, 2)


def seam(picture: drawing.Pixels, place: tuple[int, int], side: int) -> float:
    """Return the strongest of a square's four sides, whose left upper corner is at ``place``."""
    values = picture.astype(float)
    left, top = place
    rows, columns = slice(top, top + side), slice(left, left + side)
    lines = [
        (values[rows].transpose(1, 0, 2), left),
        (values[rows].transpose(1, 0, 2), left + side),
        (values[:, columns], top),
        (values[:, columns], top + side),
    ]
    return max(_step(pixels, at) for pixels, at in lines)


def _step(lines: drawing.Pixels, at: int) -> float:
    """Return how much stronger the step before line ``at`` is than those near it."""
    near = lines[max(0, at - NEAR) : at + NEAR]
    steps = np.abs(np.diff(near, axis=0)).mean((1, 2))
    middle = min(at, NEAR) - 1
    across = steps[middle - WIDE // 2 : middle + WIDE // 2 + 1].max()
    beside = np.delete(steps, range(middle - WIDE // 2, middle + WIDE // 2 + 1)).mean()
    return max(0.0, float(across - beside)) if math.isfinite(across) else math.inf

"""Edges, as ControlNets for "canny" were trained with them.

Canny (PAMI 1986): gradients of a 3×3 Sobel, thinned to where they are the largest across the edge,
and kept where they are strong, or touch what is. The thresholds are those of lllyasviel's
annotator, for sums of absolute gradients.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LOW, HIGH = 100, 200
TAN_22 = 0.41421356  # the gradient's direction is rounded to a multiple of 45°

Grid = NDArray[np.int32]


def canny(picture: Image.Image) -> Image.Image:
    """Return white edges on black, of the picture's size, in mode L."""
    grey = np.asarray(picture.convert("L"), np.int32)
    across, down = _sobel(grey)
    size = np.abs(across) + np.abs(down)
    edges = _thinned(size, across, down) & (size > LOW)
    return Image.fromarray(_touching(edges, size > HIGH).astype(np.uint8) * 255)


def _sobel(grey: Grid) -> tuple[Grid, Grid]:
    """Return the gradients to the right and downwards; edges of the picture go on as they are."""
    padded = np.pad(grey, 1, "edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    columns = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2]


def _thinned(size: Grid, across: Grid, down: Grid) -> NDArray[np.bool_]:
    """Tell where a gradient is the largest of the three across its edge."""
    padded = np.pad(size, 1)
    height, width = size.shape

    def beside(dy: int, dx: int) -> Grid:
        return padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

    flat = np.abs(down) < TAN_22 * np.abs(across)
    steep = np.abs(across) < TAN_22 * np.abs(down)
    falling = (across < 0) == (down < 0)
    before = np.select(
        [flat, steep, falling], [beside(0, -1), beside(-1, 0), beside(-1, -1)], beside(-1, 1)
    )
    behind = np.select(
        [flat, steep, falling], [beside(0, 1), beside(1, 0), beside(1, 1)], beside(1, -1)
    )
    # Of two that are as large, one is kept.
    return (size > before) & (size >= behind)


def _touching(edges: NDArray[np.bool_], strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the edges that are strong, or connected to what is, also across corners.

    Connected pixels get the same label by hooking labels and halving the ways to them, as Shiloach
    and Vishkin do, so that long edges take few rounds.
    """
    count = int(edges.sum())
    labels = np.full(np.add(edges.shape, (1, 2)), -1)
    labels[:-1, 1:-1][edges] = np.arange(count)
    here = labels[:-1, 1:-1]
    pairs = []
    for other in (labels[:-1, 2:], labels[1:, 1:-1], labels[1:, 2:], labels[1:, :-2]):
        both = (here >= 0) & (other >= 0)
        pairs.append((here[both], other[both]))
    one, two = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    root = np.arange(count)
    while True:
        ends = root[one], root[two]
        apart = ends[0] != ends[1]
        if not apart.any():
            break
        least, most = np.minimum(*ends)[apart], np.maximum(*ends)[apart]
        np.minimum.at(root, most, least)
        while (shorter := root[root]).tobytes() != root.tobytes():
            root = shorter
    kept = np.zeros(count, np.bool_)
    kept[root[here[edges & strong]]] = True
    found = np.zeros_like(edges)
    found[edges] = kept[root]
    return found

"""Masks: which part of a picture is drawn over, and pasting the result back. Imports no torch."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.errors import InvalidRequest
from generation.phrases import Phrase
from generation.source_image import decode

WHITE = 128  # and above: half of 255, as diffusers rounds a mask

Mask = NDArray[np.bool_]  # [height, width], true where the picture is drawn over


def read_mask(data: bytes, width: int, height: int) -> Mask:
    """Return where a mask is white; it is a greyscale PNG of exactly ``width`` × ``height`` pixels.

    Raises InvalidRequest, naming ``mask``, if it is anything else, or all white, or all black.
    """
    try:
        image = decode(data, width, height, ("L", "1"))
    except InvalidRequest as error:
        size = Phrase("bound-mask-size", width=width, height=height)
        file = isinstance(error.bound, Phrase) and error.bound.code == "bound-file"
        raise InvalidRequest("mask", error.bound if file else size) from error
    white: Mask = np.asarray(image.convert("L")) >= WHITE
    if not white.any():
        raise InvalidRequest("mask", Phrase("bound-mask-empty"))
    if white.all():
        raise InvalidRequest("mask", Phrase("bound-mask-full"))
    return white


def feathered(white: Mask, feather: int) -> NDArray[np.float32]:
    """Return how much of the new picture is pasted, [height, width], 0 to 1.

    It is 1 in the white, falls smoothly to both ends over ``feather`` pixels around it, by the
    distance to the nearest white one, and is 0 further out.
    """
    share = white.astype(np.float32)
    if feather == 0 or not white.any():
        return share
    rows, columns = (np.flatnonzero(white.any(axis)) for axis in (1, 0))
    # Further out than this it is 0 anyway.
    top, left = max(0, rows[0] - feather), max(0, columns[0] - feather)
    box = np.s_[top : rows[-1] + feather + 1, left : columns[-1] + feather + 1]
    distances = np.sqrt(_squared_distances(white[box], feather))
    near = np.where(distances <= feather, 1 - distances / (feather + 1), 0)
    share[box] = near * near * (3 - 2 * near)
    return share


def paste(
    drawn: NDArray[np.uint8], image: NDArray[np.uint8], share: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Return the drawn picture on the image, both [height, width, 3]; where none is, its bytes."""
    mixed = image + share[..., None] * (drawn.astype(np.float32) - image)
    return np.where(share[..., None] > 0, mixed.round().astype(np.uint8), image)


def enlarged(white: Mask, width: int, height: int) -> Mask:
    """Return where a mask is white in a picture of another size."""
    image = Image.fromarray(white).resize((width, height), Image.Resampling.NEAREST)
    return np.array(image, np.bool_)


def wrapped(pixels: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    """Return a picture [height, width, 3] with so many pixels of the opposite edges around it."""
    return np.pad(pixels, ((edge, edge), (edge, edge), (0, 0)), mode="wrap") if edge else pixels


def _squared_distances(white: Mask, most: int) -> NDArray[np.float32]:
    """Return each pixel's squared distance to the nearest white one; beyond ``most``, any larger.

    First along rows, then the least of what the rows above and below add up to (Felzenszwalb and
    Huttenlocher 2012, section 2.1, by brute force within so few rows).
    """
    height, width = white.shape
    far = 2 * most + width + height  # beyond any distance here
    places = np.arange(width)
    before = np.maximum.accumulate(np.where(white, places, -far), axis=1)
    after = np.minimum.accumulate(np.where(white, places, width + far)[:, ::-1], axis=1)[:, ::-1]
    along = np.minimum(np.minimum(places - before, after - places), far).astype(np.float32) ** 2
    nearest = along.copy()
    for rows in range(1, min(most, height - 1) + 1):
        np.minimum(nearest[rows:], along[:-rows] + rows * rows, out=nearest[rows:])
        np.minimum(nearest[:-rows], along[rows:] + rows * rows, out=nearest[:-rows])
    return nearest

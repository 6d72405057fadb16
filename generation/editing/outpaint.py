"""Outpainting: the canvas around a picture, and the mask of what is drawn there. Imports no torch.

What lies outside begins as the picture's own edge, carried outwards and more and more blurred, with
some noise: a denoiser that starts from it finds colours that fit, and something to make a picture
of, where black would stay dark.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from generation.architectures import Architecture
from generation.editing.sides import Sides, multiple_of, nearest
from generation.errors import InvalidRequest, bounded
from generation.phrases import Phrase
from generation.request import SIDE

ZOOM = (1.0, 4.0)
# How far inside a picture's edge is drawn anew, in pixels: what is drawn outside has to meet it.
OVERLAP = 8
BLUR = 2  # px, the standard deviation twice as far out; four times as far it is twice as much
NOISE = 10.0  # of 255, the standard deviation from so many px outside on:
NOISY = 64


class Canvas(NamedTuple):
    """A picture with room around it, RGB, its mask, L, white where is to be drawn, and its place.

    That is how many pixels are left of it, and above.
    """

    picture: Image.Image
    mask: Image.Image
    place: tuple[int, int]


def extend(picture: Image.Image, sides: Sides, architecture: Architecture) -> Canvas:
    """Return a canvas with so many more pixels on each side, or a few more.

    Both its sides are multiples of what the family draws. Raises InvalidRequest, naming the side
    and its bound.
    """
    for name, amount in sides._asdict().items():
        bounded(name, amount, (0, SIDE[1]))
    if not any(sides):
        raise InvalidRequest("zoom", Phrase("bound-canvas-more"))
    multiple = multiple_of(architecture)
    left, right = _whole(picture.width, sides.left, sides.right, multiple)
    top, bottom = _whole(picture.height, sides.top, sides.bottom, multiple)
    size = (picture.width + left + right, picture.height + top + bottom)
    for name, side in zip(("width", "height"), size, strict=True):
        if not SIDE[0] <= side <= SIDE[1]:
            raise InvalidRequest(
                name, Phrase("bound-canvas", least=SIDE[0], most=SIDE[1], found=side)
            )
    return _canvas(picture.convert("RGB"), Sides(left, top, right, bottom))


def zoom_out(picture: Image.Image, factor: float, architecture: Architecture) -> Canvas:
    """Return a canvas of the picture's size, on which the picture is ``factor`` times smaller.

    Raises InvalidRequest, naming ``zoom`` and its bound.
    """
    bounded("zoom", factor, ZOOM)
    size = (nearest(picture.width, architecture), nearest(picture.height, architecture))
    inside = (max(1, round(size[0] / factor)), max(1, round(size[1] / factor)))
    if inside == size:
        raise InvalidRequest("zoom", Phrase("bound-canvas-more"))
    smaller = picture.convert("RGB").resize(inside, Image.Resampling.LANCZOS)
    left, top = ((whole - part) // 2 for whole, part in zip(size, inside, strict=True))
    return _canvas(smaller, Sides(left, top, size[0] - inside[0] - left, size[1] - inside[1] - top))


def square(picture: Image.Image, architecture: Architecture) -> Canvas:
    """Return a canvas as wide as high, with the picture in its middle; raises as `extend` does."""
    more = max(picture.size)
    across, down = more - picture.width, more - picture.height
    sides = Sides(across // 2, down // 2, across - across // 2, down - down // 2)
    return extend(picture, sides, architecture)


def _whole(side: int, before: int, after: int, multiple: int) -> tuple[int, int]:
    """Return what is added on both sides, and a few pixels more for a whole multiple."""
    more = -(side + before + after) % multiple
    if not (before and after):  # they go where something is added
        return (before + more, after) if before else (before, after + more)
    return before + more // 2, after + more - more // 2


def _canvas(picture: Image.Image, sides: Sides) -> Canvas:
    inside = np.asarray(picture)
    rows, columns = (sides.top, sides.bottom), (sides.left, sides.right)
    outside = _filled(np.pad(inside, (rows, columns, (0, 0)), mode="edge"), sides, picture.size)
    canvas = Image.fromarray(outside)
    canvas.paste(picture, (sides.left, sides.top))
    # Of a side where something is added, a little of the picture is drawn anew.
    width, height = picture.size
    kept = [
        sides.left + min(OVERLAP, width // 4) * bool(sides.left),
        sides.top + min(OVERLAP, height // 4) * bool(sides.top),
        sides.left + width - min(OVERLAP, width // 4) * bool(sides.right),
        sides.top + height - min(OVERLAP, height // 4) * bool(sides.bottom),
    ]
    mask = Image.new("L", canvas.size, 255)
    mask.paste(0, (kept[0], kept[1], kept[2], kept[3]))
    return Canvas(canvas, mask, (sides.left, sides.top))


def _filled(
    extended: NDArray[np.uint8], sides: Sides, inside: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return a picture with its edge carried outwards, the more blurred and noisy the further."""
    height, width = extended.shape[:2]
    distances = np.maximum(
        _beyond(width, sides.left, inside[0])[None, :],
        _beyond(height, sides.top, inside[1])[:, None],
    )
    values = extended.astype(np.float32)
    image, sigma = Image.fromarray(extended), BLUR
    before = 0
    while before < distances.max():
        blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(sigma)), np.float32)
        # From one blur to the next between their distances, so that nothing has an edge.
        share = np.clip((distances - before) / (2 * sigma - before), 0, 1)[..., None]
        values += share * (blurred - values)
        before, sigma = 2 * sigma, 2 * sigma
    noise = np.random.default_rng(0).normal(0, NOISE, values.shape)
    grown = np.clip(distances / NOISY, 0, 1)[..., None]
    return np.clip(values + grown * noise, 0, 255).round().astype(np.uint8)


def _beyond(length: int, before: int, inside: int) -> NDArray[np.int64]:
    """Return how far each place lies outside of what is inside, 0 there."""
    places = np.arange(length)
    return np.maximum(0, np.maximum(before - places, places - (before + inside - 1)))

"""Masks that people bring: a file of their own, or the transparent parts of a picture.

Imports Pillow alone: a decoder that has to be started answers within a command's three seconds.
"""

from PIL import Image, ImageChops, ImageOps

from generation.errors import InvalidRequest
from generation.phrases import Phrase
from generation.source_image import check, encoded, upright

WHITE = 128  # and above, as in `generation.editing.masks`
_HALVES = [255 if level >= WHITE else 0 for level in range(256)]


def mask_of(data: bytes, width: int, height: int) -> tuple[bytes, int, int]:
    """Return a person's mask as a greyscale PNG of ``width`` × ``height`` pixels, and its own size.

    What is light is drawn over. In a file with transparent parts those are, unless all it shows is
    light: then it is a layer that somebody painted. It is cropped and resized as a picture is.
    Raises InvalidRequest, naming ``mask``, if it is no picture, or white or black everywhere.
    """
    try:
        image = upright(check(data))
    except InvalidRequest as error:
        raise InvalidRequest("mask", error.bound) from error
    white = image.convert("RGB").convert("L").point(_HALVES)
    if image.mode == "RGBA":
        shown = _shown(image)
        dark = ImageChops.multiply(ImageChops.invert(white), shown)
        painted = shown.getbbox() is not None and dark.getbbox() is None
        white = shown if painted else ImageChops.invert(shown)
    return _fitted(white, width, height), *image.size


def erased(data: bytes, width: int, height: int) -> bytes | None:
    """Return the mask of a picture's transparent parts, likewise; None if it has none."""
    image = upright(check(data))
    if image.mode != "RGBA":
        return None
    clear = ImageChops.invert(_shown(image))
    return _fitted(clear, width, height) if clear.getbbox() is not None else None


def _shown(image: Image.Image) -> Image.Image:
    return image.getchannel("A").point(_HALVES)


def _fitted(white: Image.Image, width: int, height: int) -> bytes:
    mask = ImageOps.fit(white, (width, height), Image.Resampling.NEAREST)
    if mask.getbbox() is None:
        raise InvalidRequest("mask", Phrase("bound-mask-empty"))
    if ImageChops.invert(mask).getbbox() is None:
        raise InvalidRequest("mask", Phrase("bound-mask-full"))
    return encoded(mask)

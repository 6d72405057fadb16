"""Masks that people bring: a file of their own, or the transparent parts of a picture."""

import numpy as np
from PIL import Image, ImageOps

from generation.editing.framing import encoded
from generation.editing.masks import WHITE, Mask
from generation.errors import InvalidRequest
from generation.phrases import Phrase
from generation.source_image import check, upright


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
    grey = np.asarray(image.convert("L"))
    if image.mode == "RGBA":
        shown = np.asarray(image.getchannel("A")) >= WHITE
        painted = shown.any() and (grey[shown] >= WHITE).all()
        white = shown if painted else ~shown
    else:
        white = grey >= WHITE
    return _fitted(white, width, height), *image.size


def erased(data: bytes, width: int, height: int) -> bytes | None:
    """Return the mask of a picture's transparent parts, likewise; None if it has none."""
    image = upright(check(data))
    if image.mode != "RGBA":
        return None
    clear = np.asarray(image.getchannel("A")) < WHITE
    return _fitted(clear, width, height) if clear.any() else None


def _fitted(white: Mask, width: int, height: int) -> bytes:
    mask = Image.fromarray(white.astype(np.uint8) * 255)
    mask = ImageOps.fit(mask, (width, height), Image.Resampling.NEAREST)
    darkest, lightest = mask.getextrema()
    if lightest == 0:
        raise InvalidRequest("mask", Phrase("bound-mask-empty"))
    if darkest == 255:
        raise InvalidRequest("mask", Phrase("bound-mask-full"))
    return encoded(mask)

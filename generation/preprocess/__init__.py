"""Makes control pictures of any pictures, by plain algorithms. Imports no torch.

Each takes a picture in RGB and says the same of it every time, in time and memory that its size
bounds. What needs a model of its own, such as a pose, the person brings as a control picture.
"""

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from generation.controls import PREPROCESSORS
from generation.preprocess.canny import canny
from generation.preprocess.scribble import scribble

# A control picture of lines is grey, and nearly all of it is black or white, mostly black.
LINES = 0.98  # of the pixels are within this many levels of black or white
NEAR = 40
GREY = 12  # levels between a pixel's channels
BACKGROUND = 0.6


def control_picture(name: str, picture: Image.Image, mask: Image.Image | None) -> Image.Image:
    """Return the control picture that ``name``, one of PREPROCESSORS, makes of one in RGB.

    "" leaves it as it is, and so does one for lines where the picture consists of lines already.
    ``mask`` is white where "inpaint" is to leave the picture open, which is said by transparency.
    """
    if name == "inpaint":
        return _opened(picture, mask)
    plain = picture.convert("RGB")
    if name in _LINES and not is_lines(plain):
        return _LINES[name](plain).convert("RGB")
    return plain


def is_lines(picture: Image.Image) -> bool:
    """Whether a picture in RGB consists of white lines on black, as control pictures do."""
    pixels = np.asarray(picture).astype(np.int16)
    if (pixels.max(-1) - pixels.min(-1) > GREY).mean() > 1 - LINES:
        return False
    dark, bright = (pixels.max(-1) < NEAR).mean(), (pixels.min(-1) > 255 - NEAR).mean()
    return bool(dark >= BACKGROUND and bright > 0 and dark + bright >= LINES)


def _opened(picture: Image.Image, mask: Image.Image | None) -> Image.Image:
    """Return a picture that is transparent where the mask is white, or where it was before."""
    if mask is None:
        return picture
    opened, mask = picture.convert("RGB"), mask.resize(picture.size)
    opened.putalpha(mask.convert("L").point([255 if level < 128 else 0 for level in range(256)]))
    return opened


_LINES: Mapping[str, Callable[[Image.Image], Image.Image]] = {"canny": canny, "scribble": scribble}
assert {*_LINES, "tile", "inpaint"} == {*PREPROCESSORS}  # noqa: S101 - both lists are ours

"""Rough lines, as ControlNets for "scribble" were trained with them.

The difference of two blurs finds what is darker than its surroundings (Winnemöller et al. 2012,
"XDoG"), as lllyasviel's annotator has it: a drawing's strokes, and the outlines in a photograph.
"""

import numpy as np
from PIL import Image, ImageFilter

FINE, COARSE = 0.5, 5.0  # px, of blurs
DARKER = 16  # levels


def scribble(picture: Image.Image) -> Image.Image:
    """Return white lines on black, of the picture's size, in mode L."""
    fine, coarse = (
        np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), np.int16)
        for radius in (FINE, COARSE)
    )
    lines = (coarse - fine).max(-1) > DARKER
    return Image.fromarray(lines.astype(np.uint8) * 255)

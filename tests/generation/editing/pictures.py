"""Masks and checkpoints that the tests of editing share."""

import io

import numpy as np
from PIL import Image

from generation.editing.masks import feathered, paste, read_mask
from generation.request import GenerationRequest


def png(values: np.ndarray) -> bytes:
    """Return a picture's file."""
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def draw_mask(width: int, height: int) -> bytes:
    """Return a mask whose white is a box off the middle, of no whole latent cells."""
    values = np.zeros((height, width), np.uint8)
    values[height // 4 + 1 : height - 3, width // 3 : width - width // 4] = 255
    return png(values)


def pasted(drawn: np.ndarray, request: GenerationRequest) -> np.ndarray:
    """Return pictures [n, height, width, 3] as they are sent, given those that were drawn."""
    if request.mask is None:
        return drawn
    share = feathered(read_mask(request.mask, request.width, request.height), request.feather)
    source = np.asarray(Image.open(io.BytesIO(request.image)))
    return np.stack([paste(one, source, share) for one in drawn])

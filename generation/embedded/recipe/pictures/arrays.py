"""Pictures as arrays and as tensors, whole and in layers.

A picture in layers is uint8 [3, height, width, 3]: the whole, its subjects alone on white, and what
is behind them.
"""

import numpy as np
import torch
from PIL import Image

WHOLE, THINGS, BEHIND = range(3)


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """Map uint8 [n, height, width, 3] to float [n, 3, height, width] in -1…1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def compose(things: Image.Image, behind: Image.Image) -> np.ndarray:
    """Return what is drawn in RGBA over a picture in RGB of its size, in layers."""
    return np.stack([_over(things, behind), _over(things, _white(behind.size)), np.array(behind)])


def on_white(picture: np.ndarray) -> np.ndarray:
    """Return a picture on white, uint8 [height, width, 3], in layers."""
    return np.stack([picture, picture, np.full_like(picture, 255)])


def _over(things: Image.Image, behind: Image.Image) -> np.ndarray:
    canvas = behind.copy()
    canvas.paste(things, (0, 0), things)
    return np.array(canvas)


def _white(size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, (255, 255, 255))

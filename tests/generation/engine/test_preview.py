import io

import numpy as np
import pytest
import torch
from PIL import Image

from generation.engine.preview import EMPTY, SD1_COLOURS, PreviewColours, draw_preview

PLAIN = PreviewColours(
    ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)), (0.0, 0.0, 0.5)
)


def opened(preview: bytes) -> Image.Image:
    return Image.open(io.BytesIO(preview))


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 4, 16, 16), (128, 128)),
        ((2, 4, 16, 16), (256, 128)),
        ((3, 4, 16, 16), (256, 256)),
        ((4, 4, 12, 22), (470, 256)),
        ((1, 4, 96, 64), (128, 192)),
    ],
)
def test_pictures_lie_in_two_columns_and_are_large_enough_to_see(
    shape: tuple[int, ...], size: tuple[int, int]
):
    assert opened(draw_preview(torch.randn(shape), SD1_COLOURS)).size == size


def test_colours_are_the_matrix_and_the_bias():
    cell = torch.tensor([1.0, -1.0, 0.0, 9.0]).reshape(1, 4, 1, 1).expand(3, 4, 8, 8)
    picture = np.asarray(opened(draw_preview(cell, PLAIN)).convert("RGB")).astype(int)
    assert np.abs(picture[64, 64] - (255, 0, 191)).max() <= 6
    assert np.abs(picture[192, 192] - EMPTY).max() <= 6


def test_wild_values_and_half_precision_are_no_trouble():
    wild = torch.full((1, 4, 8, 8), 6e4, dtype=torch.float16)
    assert opened(draw_preview(wild, SD1_COLOURS)).size == (128, 128)

"""Canvases around pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from generation.architectures import ARCHITECTURES, SD1, SD3
from generation.editing.masks import read_mask
from generation.editing.outpaint import OVERLAP, extend, square, zoom_out
from generation.editing.sides import Sides, multiple_of
from generation.errors import InvalidRequest
from generation.request import SIDE
from tests.generation.editing.pictures import png

sides = st.integers(32, 160)
more = st.integers(0, 120)
families = st.sampled_from(sorted(ARCHITECTURES.values(), key=lambda one: one.name))


def gradient(width: int, height: int) -> Image.Image:
    across = np.linspace(0, 200, width)[None, :, None] + np.linspace(0, 55, height)[:, None, None]
    return Image.fromarray(np.broadcast_to(across, (height, width, 3)).astype(np.uint8))


@settings(deadline=None, max_examples=40)
@given(sides, sides, st.builds(Sides, more, more, more, more), families)
def test_a_canvas_holds_the_picture_and_can_be_drawn(width: int, height: int, added: Sides, family):
    picture = gradient(width, height)
    if not any(added):
        with pytest.raises(InvalidRequest, match="zoom must be more than the picture"):
            extend(picture, added, family)
        return
    canvas, mask, (left, top) = extend(picture, added, family)
    multiple = multiple_of(family)
    assert canvas.size == mask.size
    assert canvas.width % multiple == canvas.height % multiple == 0
    assert 0 <= canvas.width - width - added.left - added.right < multiple
    assert 0 <= canvas.height - height - added.top - added.bottom < multiple
    white = read_mask(png(np.asarray(mask)), *canvas.size)
    inside = np.asarray(canvas)[top : top + height, left : left + width]
    assert np.array_equal(inside, np.asarray(picture))
    outside = np.ones(white.shape, bool)
    outside[top : top + height, left : left + width] = False
    assert white[outside].all()
    assert white.sum() <= outside.sum() + OVERLAP * 2 * (width + height)
    assert not white[top + height // 2, left + width // 2]


@pytest.mark.parametrize("factor", [1.5, 2.0, 4.0])
def test_zooming_out_keeps_the_size_and_the_middle(factor: float):
    canvas, mask, _ = zoom_out(gradient(128, 96), factor, SD1)
    assert canvas.size == mask.size == (128, 96)
    white = np.asarray(mask) > 0
    kept = (~white).mean()
    assert 0.24 / factor**2 < kept <= 1 / factor**2
    assert (
        abs(int(np.asarray(canvas)[48, 64, 0]) - int(np.asarray(gradient(128, 96))[48, 64, 0])) < 4
    )


def test_what_is_filled_in_goes_on_from_the_edge_and_is_neither_flat_nor_dark():
    picture = Image.new("RGB", (96, 96), (180, 60, 30))
    canvas, _, _ = extend(picture, Sides(left=64), SD1)
    outside = np.asarray(canvas)[:, :64].astype(float)
    assert np.abs(outside.mean((0, 1)) - (180, 60, 30)).max() < 4
    assert outside[:, -1].std(axis=0).max() < outside[:, 0].std(axis=0).min(), (
        "noise grows outwards"
    )
    assert outside[:, 0].std(axis=0).min() > 5
    step = np.abs(np.asarray(canvas)[:, 63].astype(float) - np.asarray(canvas)[:, 64]).max()
    assert step < 4


def test_what_lies_beyond_the_bounds_is_said_in_one_line():
    for call, line in (
        (lambda: extend(gradient(64, 64), Sides(left=2048), SD1), "width must be 32 to 2048 px"),
        (lambda: extend(gradient(64, 64), Sides(top=2048), SD1), "height must be 32 to 2048 px"),
        (lambda: extend(gradient(64, 64), Sides(right=-8), SD1), "right must be 0 to 2048"),
        (lambda: zoom_out(gradient(64, 64), 0.5, SD1), "zoom must be 1.0 to 4.0"),
        (lambda: zoom_out(gradient(64, 64), float("nan"), SD1), "zoom must be 1.0 to 4.0"),
        (lambda: zoom_out(gradient(64, 64), 1.0, SD1), "zoom must be more than the picture"),
        (lambda: square(gradient(64, 64), SD1), "zoom must be more than the picture"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            call()
        assert str(refused.value).startswith(line)
        assert "\n" not in str(refused.value)


def test_a_square_has_the_picture_in_its_middle():
    canvas, mask, _ = square(gradient(128, 64), SD3)
    assert canvas.size == (128, 128)
    white = np.asarray(mask) > 0
    assert white[:32].all()
    assert white[-32:].all()
    assert not white[48:80].any()
    assert SIDE[0] <= canvas.width <= SIDE[1]

"""Control pictures made of any pictures: edges, rough lines, and places to make up."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generation.controls import PREPROCESSORS
from generation.preprocess import control_picture, is_lines


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture)


def drawing(size: int = 64, ground: int = 200, ink: int = 40) -> Image.Image:
    picture = Image.new("RGB", (size, size), (ground,) * 3)
    ImageDraw.Draw(picture).rectangle((16, 16, 47, 47), fill=(ink,) * 3)
    return picture


def test_canny_draws_a_thin_closed_line_around_a_square():
    edges = pixels(control_picture("canny", drawing(), None))
    assert set(np.unique(edges)) == {0, 255}
    assert edges.shape == (64, 64, 3)
    line = edges[..., 0] > 0
    # One pixel wide where it is straight, within a pixel of the square's edge, and nowhere else.
    assert (line[20:44].sum(1) == 2).all()
    assert (line[:, 20:44].sum(0) == 2).all()
    assert not line[19:45, 19:45].any()
    assert not line[:14].any()
    inside = Image.fromarray(line)
    ImageDraw.floodfill(inside, (32, 32), 1)
    assert not pixels(inside)[0, 0], "nothing leaks through it"


def test_weak_edges_stay_where_they_touch_strong_ones():
    grey = np.full((40, 40), 100, np.uint8)
    grey[:, 20:] = 130  # 30 levels: between both thresholds
    weak = Image.fromarray(np.stack([grey] * 3, -1))
    assert not pixels(control_picture("canny", weak, None)).any()
    grey[:5, 20:] = 180  # a strong piece at its upper end
    mixed = Image.fromarray(np.stack([grey] * 3, -1))
    line = pixels(control_picture("canny", mixed, None))[..., 0] > 0
    assert line[10:].any(1).all(), "all the way down"


def test_an_edge_as_long_as_a_picture_allows_is_followed_to_its_end():
    """A spiral, which a search from pixel to pixel would take for ever."""
    side = 256
    grey = np.full((side, side), 100, np.uint8)
    for turn in range(0, side // 2, 8):
        grey[turn : side - turn, turn : side - turn] = 130 if turn % 16 else 100
    grey[0:3, 0:3] = 255
    picture = Image.fromarray(np.stack([grey] * 3, -1))
    first = pixels(control_picture("canny", picture, None))
    assert np.array_equal(first, pixels(control_picture("canny", picture, None)))


def test_noise_of_the_largest_size_is_done():
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8).astype(np.uint8)
    edges = control_picture("canny", Image.fromarray(noise), None)
    assert 0.05 < (pixels(edges) > 0).mean() < 0.6


def test_scribble_makes_a_sketch_white_on_black():
    sketch = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(sketch).line((8, 8, 56, 56), fill="black", width=2)
    lines = pixels(control_picture("scribble", sketch, None))[..., 0]
    assert all(lines[at, at] == 255 for at in range(12, 52))
    assert not lines[50, 10]
    assert lines[lines > 0].size < 64 * 12


@pytest.mark.parametrize("name", ["canny", "scribble"])
def test_what_consists_of_lines_already_stays(name: str):
    lines = control_picture("canny", drawing(), None)
    assert is_lines(lines)
    assert np.array_equal(pixels(control_picture(name, lines, None)), pixels(lines))
    assert not is_lines(drawing())
    assert not is_lines(Image.new("RGB", (8, 8))), "black is no drawing"
    assert not is_lines(Image.new("RGB", (8, 8), "blue"))


def test_tile_and_control_pictures_stay_as_they_are():
    for name in ("tile", ""):
        assert np.array_equal(pixels(control_picture(name, drawing(), None)), pixels(drawing()))


def test_inpaint_opens_what_the_mask_says_in_any_size():
    mask = Image.new("L", (32, 32))
    mask.paste(255, (0, 0, 16, 32))
    opened = control_picture("inpaint", drawing(), mask)
    assert opened.mode == "RGBA"
    alpha = pixels(opened)[..., 3]
    assert not alpha[:, :31].any()
    assert (alpha[:, 33:] == 255).all()
    assert control_picture("inpaint", drawing(), None).mode == "RGB"


def test_every_name_is_known():
    for name in PREPROCESSORS:
        assert control_picture(name, drawing(16), None).size == (16, 16)

"""Masks, their soft edges, and pasting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.editing.masks import feathered, paste, read_mask
from generation.errors import InvalidRequest
from generation.request import FEATHER, IMAGE_BYTES
from tests.generation.editing.pictures import png

sides = st.integers(1, 40)


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(sides), draw(sides)
    white = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 4))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        white[top : top + draw(sides), left : left + draw(sides)] = True
    return white


@settings(deadline=None)
@given(masks())
def test_a_mask_is_read_or_refused_in_one_line(white: np.ndarray):
    height, width = white.shape
    file = png(white.astype(np.uint8) * 255)
    if white.any() and not white.all():
        assert np.array_equal(read_mask(file, width, height), white)
    else:
        with pytest.raises(InvalidRequest, match=r"mask must be (white|black) where") as refused:
            read_mask(file, width, height)
        assert "\n" not in str(refused.value)
    with pytest.raises(InvalidRequest, match="mask must be a greyscale PNG of") as refused:
        read_mask(file, width + 1, height)
    assert refused.value.field == "mask"


@settings(deadline=None)
@given(masks(), st.integers(*FEATHER))
def test_a_feather_lies_outside_and_ends(white: np.ndarray, feather: int):
    share = feathered(white, feather)
    assert ((share >= 0) & (share <= 1)).all()
    assert (share[white] == 1).all()
    if not white.any():
        assert not share.any()
        return
    places = np.dstack(np.indices(white.shape)).reshape(-1, 2)
    apart = places[:, None] - np.argwhere(white)[None]
    distances = np.sqrt((apart**2).sum(-1).min(1)).reshape(white.shape)
    assert ((share > 0) == (distances <= feather)).all()
    # The further out, the less.
    order = np.argsort(distances, axis=None)
    assert (np.diff(share.ravel()[order]) <= 1e-6).all()


@settings(deadline=None)
@given(masks(), st.integers(*FEATHER), st.integers(0, 2**32 - 1))
def test_what_is_pasted_lies_between_both(white: np.ndarray, feather: int, seed: int):
    rng = np.random.default_rng(seed)
    drawn, image = (rng.integers(0, 256, (*white.shape, 3)).astype(np.uint8) for _ in range(2))
    share = feathered(white, feather)
    mixed = paste(drawn, image, share)
    assert mixed.dtype == np.uint8
    assert np.array_equal(mixed[white], drawn[white])
    assert np.array_equal(mixed[share == 0], image[share == 0])
    assert (mixed >= np.minimum(drawn, image)).all()
    assert (mixed <= np.maximum(drawn, image)).all()


def test_a_file_that_is_too_large_says_so():
    with pytest.raises(InvalidRequest, match="mask must be at most 16 MiB"):
        read_mask(b"\0" * (IMAGE_BYTES + 1), 32, 32)


def test_a_wide_feather_reaches_further():
    white = np.zeros((512, 512), bool)
    white[::64, ::64] = True
    near, far = feathered(white, 4), feathered(white, 64)
    assert near.mean() < 0.05
    assert (far > 0).mean() > 0.9

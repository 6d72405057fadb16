import io

import numpy as np
import pytest
from PIL import Image

from bot.ui.delivery import shrinking
from bot.ui.delivery.shrinking import Upload, fit
from generation.metadata.infotext import Parameters
from generation.metadata.png import chunks, read


def noise(side: int) -> bytes:
    """A picture that compresses badly."""
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("limit", [40_000, 10_000, 2_000, 200])
def test_what_is_too_large_becomes_a_webp_within_the_limit(limit):
    small = Upload("b.png", b"small", "b")
    shrunk, kept = fit([Upload("a.v1.png", noise(128), "a"), small], limit)
    assert kept is small
    assert (shrunk.name, shrunk.alt) == ("a.v1.webp", "a")
    assert len(shrunk.content) <= limit
    with Image.open(io.BytesIO(shrunk.content)) as picture:
        assert picture.format == "WEBP"
        assert picture.width == picture.height


def test_nothing_is_touched_that_fits():
    uploads = [Upload("a.png", noise(16), "a")]
    assert fit(uploads, 10_000) == uploads


def test_files_that_fit_alone_also_fit_together(monkeypatch):
    monkeypatch.setattr(shrinking, "REQUEST_BYTES", 30_000)
    uploads = [Upload(f"{index}.png", noise(64), "") for index in range(4)]
    assert sum(len(upload.content) for upload in fit(uploads, 20_000)) <= 30_000


def test_a_smaller_file_still_says_how_the_picture_was_made():
    file = io.BytesIO()
    with Image.open(io.BytesIO(noise(128))) as picture:
        picture.save(file, "PNG", pnginfo=chunks(Parameters(prompt="a fox", seed=7, steps=20)))
    (shrunk,) = fit([Upload("a.png", file.getvalue(), "a")], 20_000)
    assert len(shrunk.content) <= 20_000
    found = read(shrunk.content)
    assert (found.prompt, found.seed) == ("a fox", 7)
    (tiny,) = fit([Upload("a.png", file.getvalue(), "a")], 300)
    assert len(tiny.content) <= 300

"""Uploaded files, honest and hostile."""

import contextlib
import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from generation.errors import InvalidRequest
from generation.metadata.png import read
from generation.request import IMAGE_BYTES, SIDE
from generation.source_image import (
    MAX_ASPECT,
    MAX_BYTES,
    MAX_PIXELS,
    MAX_SCANS,
    decode,
    prepare,
    whole,
)

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def halves(width: int, height: int) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def prepared(data: bytes, width: int = 64, height: int = 64) -> Image.Image:
    return decode(prepare(data, width, height)[0], width, height)


def close(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip(image.getpixel(at), colour, strict=True)) <= 12


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidRequest) as refused:
        prepare(data, 64, 64)
    assert refused.value.field == "image"
    return str(refused.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(64, 64), (300, 40), (30, 500), (1600, 1200)])
def test_the_middle_is_cropped_to_the_aspect_and_resized(kind: str, size: tuple[int, int]):
    image = prepared(encoded(halves(*size), kind), 96, 64)
    assert close(image, (8, 32), RED)
    assert close(image, (88, 32), BLUE)


def test_a_picture_of_the_right_size_keeps_its_pixels():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert np.array_equal(prepared(encoded(Image.fromarray(noise))), noise)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_is_turned_as_exif_says_and_keeps_no_metadata(kind: str):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise
    exif[0x010F] = "a camera's maker"
    noted = {"comment": b"secret"} if kind == "JPEG" else {"xmp": b"secret"}
    data = prepare(encoded(halves(80, 60), kind, exif=exif, **noted), 64, 64)[0]
    image = decode(data, 64, 64)
    assert close(image, (32, 8), RED)
    assert close(image, (32, 56), BLUE)
    assert image.info == {}
    assert not image.getexif()
    assert b"camera" not in data
    assert b"secret" not in data


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_becomes_white(mode: str, kind: str):
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 64, 32))
    drawn = prepared(encoded(image.convert(mode), kind, lossless=True))
    assert close(drawn, (32, 8), (0, 0, 0))
    assert close(drawn, (32, 56), WHITE)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_only_the_first_frame_is_taken(kind: str):
    frames = [Image.new("RGB", (64, 64), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    assert close(prepared(data), (32, 32), RED)


def test_grey_of_sixteen_bits_and_four_inks():
    grey = Image.fromarray(np.full((64, 64), 0x8000, np.uint16))
    assert close(prepared(encoded(grey)), (32, 32), (128, 128, 128))
    ink = Image.new("CMYK", (64, 64), (0, 255, 255, 0))
    assert close(prepared(encoded(ink, "JPEG")), (32, 32), RED)


@pytest.mark.parametrize(
    ("mode", "clear"), [("1", 0), ("L", 0), ("I;16", 0), ("RGB", (0, 0, 0)), ("P", 0)]
)
def test_one_colour_may_be_transparent(mode: str, clear: object):
    image = Image.new(mode, (64, 64), 0)
    image.paste(Image.new(mode, (64, 32), 0), (0, 0))
    assert close(prepared(encoded(image, transparency=clear)), (32, 32), WHITE)
    assert close(prepared(encoded(image)), (32, 32), (0, 0, 0))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_that_is_another_one_as_well_is_its_pixels_alone(kind: str):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as hidden:
        hidden.writestr("run.js", "alert(1)")
    polyglot = encoded(halves(64, 64), kind) + archive.getvalue()
    assert zipfile.is_zipfile(io.BytesIO(polyglot))
    for kept in (prepare(polyglot, 64, 64)[0], whole(polyglot)[0]):
        assert not zipfile.is_zipfile(io.BytesIO(kept))
        assert b"run.js" not in kept
    assert "PNG, JPEG, WebP, AVIF or HEIC" in refusal(encoded(halves(8, 8), "GIF") + polyglot)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_not_even_tried(kind: str):
    assert "PNG, JPEG, WebP, AVIF or HEIC" in refusal(encoded(halves(64, 64), kind))


def test_bytes_are_counted_first():
    assert "at most 10 MiB" in refusal(b"\0" * (MAX_BYTES + 1))


def chunk(kind: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + check


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises this many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


@pytest.mark.parametrize("side", [5001, 15_000, 60_000])
def test_pixels_are_counted_before_they_are_decoded(side: int):
    assert side**2 > MAX_PIXELS
    assert "at most 25 megapixels" in refusal(bomb(side, side))


def test_a_jpeg_has_few_scans():
    data = encoded(Image.new("L", (64, 64)), "JPEG", progressive=True)
    last, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    scan = data[last:end]
    some, many = (data[:end] + scan * count + data[end:] for count in (20, MAX_SCANS))
    assert prepared(some).size == (64, 64)
    assert f"at most {MAX_SCANS} scans" in refusal(many)


@pytest.mark.parametrize("after_the_pixels", [False, True])
@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_text_that_unpacks_to_much_is_not_unpacked(kind: bytes, after_the_pixels: bool):
    plain = encoded(halves(64, 64))
    head = {b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0"}[kind]
    text = chunk(kind, head + zlib.compress(b"a" * 2**27, 9))
    at = len(plain) - 12 if after_the_pixels else 33
    bombed = plain[:at] + text + plain[at:]
    tracemalloc.start()
    with contextlib.suppress(InvalidRequest):
        prepare(bombed, 64, 64)
    with contextlib.suppress(InvalidRequest):
        read(bombed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**25


def test_a_thread_has_no_middle_to_crop():
    assert f"at most {MAX_ASPECT} times" in refusal(encoded(halves(64 * MAX_ASPECT, 63)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_cut_and_corrupted_files_are_refused_or_drawn_but_nothing_else(kind: str):
    noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
    whole = bytearray(encoded(Image.fromarray(noise), kind))
    dice = np.random.default_rng(2)
    for cut in range(0, len(whole) - 20, max(1, len(whole) // 60)):
        assert "image must be" in refusal(bytes(whole[:cut]))
    for _ in range(150):
        broken = whole.copy()
        for place in dice.integers(0, len(whole), 4):
            broken[place] = dice.integers(0, 256)
        with contextlib.suppress(InvalidRequest):
            prepare(bytes(broken), 64, 64)


def _files() -> list[bytes]:
    """Real files of every kind that people may have."""
    frames = [halves(24, 16), Image.new("RGB", (24, 16), BLUE)]
    moving = {"save_all": True, "append_images": frames[1:]}
    exif = Image.Exif()
    exif[0x0112] = 8
    clear = Image.new("RGBA", (24, 16), (255, 0, 0, 100))
    grey = Image.fromarray(np.full((16, 24), 0x8000, np.uint16))
    return [
        encoded(frames[0], "PNG", exif=exif, icc_profile=b"profile" * 9),
        encoded(frames[0], "PNG", **moving),
        encoded(frames[0].quantize(4), "PNG", transparency=0),
        encoded(clear, "PNG"),
        encoded(grey, "PNG"),
        encoded(frames[0], "JPEG", exif=exif, progressive=True, comment=b"a"),
        encoded(frames[0].convert("CMYK"), "JPEG"),
        encoded(frames[0], "MPO", **moving),
        encoded(frames[0], "WEBP", exif=exif, xmp=b"a", icc_profile=b"profile"),
        encoded(frames[0], "WEBP", **moving),
        encoded(clear, "WEBP", lossless=True),
    ]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_of_any_broken_file_only_invalid_request_comes_out(data):
    broken = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(InvalidRequest):
        assert decode(prepare(bytes(broken), 64, 32)[0], 64, 32).size == (64, 32)
    with contextlib.suppress(InvalidRequest):
        png, width, height = whole(bytes(broken))
        assert decode(png, width, height).mode == "RGB"
    with contextlib.suppress(InvalidRequest):
        read(bytes(broken))


FILES = _files()


def test_a_request_s_png_is_exactly_as_large_as_its_pictures():
    plain = encoded(halves(64, 64))
    assert decode(plain, 64, 64).size == (64, 64)
    for data, width in [
        (plain, 72),
        (plain[:-40], 64),
        (encoded(halves(64, 64), "JPEG"), 64),
        (encoded(halves(64, 64).convert("L")), 64),
        (b"", 64),
        (b"\0" * (IMAGE_BYTES + 1), 64),
    ]:
        with pytest.raises(InvalidRequest, match="image must be"):
            decode(data, width, 64)


def test_noise_of_the_largest_size_fits_into_a_request():
    noise = np.random.default_rng(0).integers(0, 256, (256, SIDE[1], 3), np.uint8)
    assert len(encoded(Image.fromarray(noise))) * SIDE[1] / 256 < IMAGE_BYTES

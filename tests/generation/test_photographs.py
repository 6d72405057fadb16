"""Photographs of phones and cameras: colours, depth, transparency, and the formats of phones."""

import contextlib
import io
import struct
from collections.abc import Callable

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from generation.errors import InvalidRequest
from generation.source_image import decode, fit, prepare, whole

P3_RED, SRGB_RED = (200, 60, 40), (219, 37, 13)
# The columns of Display P3's matrix to XYZ, adapted to D50 (SMPTE EG 432-1).
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile of version 2.4 with these tags."""
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"Test\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249),
    } | tags
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        start = 128 + 4 + 12 * len(tags) + len(body)
        table += name + struct.pack(">II", start, len(content))
        body += content + bytes(-len(content) % 4)
    size = 128 + len(table) + len(body)
    head = struct.pack(">I", size) + bytes(4) + b"\2\x40\0\0mntr" + space + b"XYZ " + bytes(12)
    head += b"acsp" + bytes(28) + fixed(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + table + body


def curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def display_p3() -> bytes:
    tags = {name + b"TRC": curve(2.2) for name in (b"r", b"g", b"b")}
    for name, column in zip((b"r", b"g", b"b"), P3, strict=True):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*column)
    return profile(b"RGB ", tags)


ICC = display_p3()


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def heic(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=95, **options)
    return file.getvalue()


def middle(png: bytes) -> tuple[int, ...]:
    image = Image.open(io.BytesIO(png))
    return image.getpixel((image.width // 2, image.height // 2))


def near(colour: tuple[int, ...], wanted: tuple[int, ...], by: int = 2) -> bool:
    return max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) <= by


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.new("RGB", (64, 64), P3_RED), "PNG", icc_profile=ICC),
        encoded(Image.new("RGB", (64, 64), P3_RED), "JPEG", quality=98, icc_profile=ICC),
        encoded(Image.new("RGB", (64, 64), P3_RED), "WEBP", lossless=True, icc_profile=ICC),
        encoded(Image.new("RGB", (64, 64), P3_RED).quantize(4), "PNG", icc_profile=ICC),
        encoded(Image.new("RGBA", (64, 64), (*P3_RED, 255)), "PNG", icc_profile=ICC),
        encoded(Image.new("RGB", (64, 64), P3_RED), "AVIF", quality=95, icc_profile=ICC),
        heic(Image.new("RGB", (64, 64), P3_RED), icc_profile=ICC),
    ],
    ids=["png", "jpeg", "webp", "palette", "rgba", "avif", "heic"],
)
def test_a_phone_s_colours_become_srgb(data: bytes):
    png, clear = prepare(data, 64, 64)
    assert near(middle(png), SRGB_RED, 4)
    assert near(middle(whole(data)[0]), SRGB_RED, 4)
    assert not clear


def test_grey_of_another_gamma_becomes_srgb():
    grey = encoded(Image.new("L", (64, 64), 128), icc_profile=profile(b"GRAY", {b"kTRC": curve(1)}))
    assert near(middle(prepare(grey, 64, 64)[0]), (188, 188, 188))


@pytest.mark.parametrize(
    "icc", [b"profile" * 9, ICC[:200], bytes(200), profile(b"CMYK", {}), profile(b"GRAY", {})]
)
def test_a_profile_that_does_not_fit_says_nothing(icc: bytes):
    data = encoded(Image.new("RGB", (64, 64), P3_RED), icc_profile=icc)
    assert middle(prepare(data, 64, 64)[0]) == P3_RED


def test_srgb_keeps_its_values():
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), icc_profile=icc)
    assert np.array_equal(decode(prepare(data, 64, 64)[0], 64, 64), noise)


def test_four_inks_without_a_profile_are_read():
    data = encoded(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", quality=98)
    assert near(middle(prepare(data, 64, 64)[0]), (255, 0, 0), 12)
    assert near(middle(whole(data)[0]), (255, 0, 0), 12)


HALF = Image.new("RGBA", (64, 64), (255, 0, 0, 128))


@pytest.mark.parametrize(
    "data",
    [
        encoded(HALF),
        encoded(HALF, "WEBP", lossless=True),
        encoded(HALF, "AVIF", quality=95),
        encoded(HALF.quantize(4)),
        heic(HALF),
    ],
    ids=["png", "webp", "avif", "palette", "heic"],
)
def test_alpha_is_kept_whole_and_laid_on_white_to_start_from(data: bytes):
    kept, *_ = whole(data)
    assert near(middle(kept), (255, 0, 0, 128), 4)
    png, clear = prepare(data, 64, 64)
    assert near(middle(png), (255, 127, 127), 4)
    assert clear
    assert near(middle(fit(kept, 32, 32)), (255, 127, 127), 4)


def test_alpha_that_hides_nothing_is_none():
    data = encoded(Image.new("RGBA", (64, 64), (1, 2, 3, 255)))
    assert middle(whole(data)[0]) == (1, 2, 3)
    assert prepare(data, 64, 64)[1] is False


def test_a_phone_s_picture_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (80, 60), (255, 0, 0))
    image.paste((0, 0, 255), (40, 0, 80, 60))
    data = encoded(image, "AVIF", exif=exif, quality=95)
    upright, width, height = whole(data)
    assert (width, height) == (60, 80)
    assert near(Image.open(io.BytesIO(upright)).getpixel((30, 5)), (255, 0, 0), 12)
    fitted = Image.open(io.BytesIO(prepare(data, 64, 64)[0]))
    assert near(fitted.getpixel((32, 60)), (0, 0, 255), 12)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda image: encoded(image, "GIF"), "GIF"),
        (lambda image: encoded(image, "BMP"), "BMP"),
        (lambda image: encoded(image, "TIFF"), "TIFF"),
        (lambda image: encoded(image, "ICO"), "ICO"),
        (lambda _: b"\n<svg xmlns='x'/>", "SVG"),
        (lambda _: b"%PDF-1.7", "PDF"),
        (lambda _: b"\xff\x0a" + bytes(20), "JPEG XL"),
        (lambda _: bytes(3) + b"\x18ftypmp42" + bytes(20), "MP4"),
    ],
)
def test_another_format_is_named(make: Callable[[Image.Image], bytes], found: str):
    with pytest.raises(InvalidRequest) as refused:
        prepare(make(Image.new("RGB", (32, 32))), 64, 64)
    assert str(refused.value) == f"image must be a PNG, JPEG, WebP, AVIF or HEIC file, not {found}"


def test_cut_and_broken_files_of_phones_are_refused_or_drawn():
    dice = np.random.default_rng(3)
    noise = Image.fromarray(dice.integers(0, 256, (40, 40, 3), np.uint8))
    for data in (heic(noise), encoded(noise, "AVIF")):
        for _ in range(15):
            broken = bytearray(data[: dice.integers(20, len(data))])
            broken[dice.integers(0, len(broken))] = dice.integers(0, 256)
            with contextlib.suppress(InvalidRequest):
                prepare(bytes(broken), 64, 64)

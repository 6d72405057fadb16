"""Photographs of phones and cameras through the commands and the menu: what is drawn from."""

import io
import struct
import zlib
from types import SimpleNamespace

import discord
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from bot.texts import say
from bot.ui.interaction_context import is_picture
from generation.metadata.infotext import Parameters
from generation.metadata.png import chunks
from generation.request import GenerationRequest, UpscaleRequest
from tests.bot.conftest import House
from tests.generation.metadata.files import chunk
from tests.generation.test_photographs import (
    ICC,
    P3_RED,
    SRGB_RED,
    curve,
    encoded,
    heic,
    near,
    profile,
)

WHITE, CLEAR_RED, PINK = (255, 255, 255), (255, 0, 0, 128), (255, 127, 127)
HALF = Image.new("RGBA", (64, 64), CLEAR_RED)
SIXTEEN = np.full((64, 64), 0x8080, np.uint16)


def see_through() -> bytes:
    """A palette of two colours, of which one is not there."""
    image = Image.new("P", (64, 64), 1)
    image.putpalette([0, 255, 0, 255, 0, 0])
    return encoded(image, transparency=1)


def keyed() -> bytes:
    """One colour of RGB stands for nothing."""
    return encoded(Image.new("RGB", (64, 64), (1, 2, 3)), transparency=(1, 2, 3))


def deep() -> bytes:
    """HEIC with ten bits of each colour, as cameras write it."""
    pixels = np.empty((64, 64, 3), np.uint16)
    pixels[:] = np.array((200, 60, 40)) * 257
    file = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (64, 64), pixels.tobytes()).save(file, quality=95)
    return file.getvalue()


def deep_png() -> bytes:
    """A PNG with sixteen bits of each colour, which Pillow cannot write."""
    row = b"\0" + struct.pack(">3H", *(value * 257 for value in (200, 60, 40))) * 64
    head = struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(row * 64)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)


OPAQUE = {
    "iPhone, HEIC in Display P3": (
        heic(Image.new("RGB", (64, 64), P3_RED), icc_profile=ICC), SRGB_RED,
    ),
    "a JPEG in Display P3": (
        encoded(Image.new("RGB", (64, 64), P3_RED), "JPEG", quality=98, icc_profile=ICC), SRGB_RED,
    ),
    "AVIF in Display P3": (
        encoded(Image.new("RGB", (64, 64), P3_RED), "AVIF", quality=95, icc_profile=ICC), SRGB_RED,
    ),
    "a palette in Display P3": (
        encoded(Image.new("RGB", (64, 64), P3_RED).quantize(4), icc_profile=ICC), SRGB_RED,
    ),
    "four inks": (
        encoded(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", quality=98), (254, 0, 0),
    ),
    "sixteen bits of colour": (deep_png(), (200, 60, 40)),
    "sixteen bits of grey": (encoded(Image.fromarray(SIXTEEN)), (128, 128, 128)),
    "grey of a camera's own gamma": (
        encoded(Image.new("L", (64, 64), 128), icc_profile=profile(b"GRAY", {b"kTRC": curve(1)})),
        (188, 188, 188),
    ),
    "black and white": (encoded(Image.new("1", (64, 64), 1)), WHITE),
    "a screenshot that could be transparent": (
        encoded(Image.new("RGBA", (64, 64), (1, 2, 3, 255))), (1, 2, 3),
    ),
    "ten bits of HEIC": (
        deep(), (200, 60, 40),
    ),
}  # fmt: skip
TRANSPARENT = {
    "RGBA": (encoded(HALF), CLEAR_RED, PINK),
    "WebP": (encoded(HALF, "WEBP", lossless=True), CLEAR_RED, PINK),
    "AVIF": (encoded(HALF, "AVIF", quality=95), CLEAR_RED, PINK),
    "HEIC": (heic(HALF), CLEAR_RED, PINK),
    "a palette with half of it clear": (encoded(HALF.quantize(4)), CLEAR_RED, PINK),
    "a palette with a colour that is not there": (see_through(), (255, 0, 0, 0), WHITE),
    "a colour that stands for nothing": (keyed(), (1, 2, 3, 0), WHITE),
    "grey and clear": (
        encoded(Image.new("LA", (64, 64), (0, 128))), (0, 0, 0, 128), (127, 127, 127),
    ),
    "Display P3 and clear": (
        encoded(Image.new("RGBA", (64, 64), (*P3_RED, 128)), icc_profile=ICC),
        (*SRGB_RED, 128), (237, 146, 134),
    ),
}  # fmt: skip


def middle_of(request: GenerationRequest | UpscaleRequest) -> tuple[int, ...]:
    assert request.image is not None
    image = Image.open(io.BytesIO(request.image))
    assert not image.info.keys() - {"srgb"}, "what else the file said must not travel on"
    return image.getpixel((image.width // 2, image.height // 2))


async def ask(house: House, command: str, data: bytes, **options: object):
    result = await house.mia.slash(house.channel, command, image=("photo.heic", data), **options)
    await house.settle()
    return result


@pytest.mark.parametrize("kind", OPAQUE)
async def test_colours_are_those_that_were_seen(house: House, kind: str):
    data, colour = OPAQUE[kind]
    started = await ask(house, "imagine", data, prompt="a fox")
    await ask(house, "upscale", data)
    start, source = house.executor.requests
    assert near(middle_of(start), colour, 4)
    assert near(middle_of(source), colour, 4)
    assert say("left-out-transparency") not in started.response.content
    assert (await house.job(1)).left_out is None


@pytest.mark.parametrize("kind", TRANSPARENT)
async def test_what_is_clear_is_kept_by_upscale_and_laid_on_white_to_start_from(
    house: House, kind: str
):
    data, clear, on_white = TRANSPARENT[kind]
    started = await ask(house, "imagine", data, prompt="a fox")
    enlarged = await ask(house, "upscale", data)
    start, source = house.executor.requests
    assert near(middle_of(start), on_white, 4)
    assert near(middle_of(source), clear, 4)
    said = say("job-left-out", words=say("left-out-transparency").replace("(", "\\(")[:12])[:-12]
    assert said in started.response.content
    assert (await house.job(1)).left_out == say("left-out-transparency")
    assert said not in enlarged.response.content
    details = await house.mia.click(started.response, label=say("button-details"))
    (embed,) = details.response.embeds
    shown = {field.name: field.value for field in embed.fields}
    assert shown[say("details-left-out")].replace("\\", "") == say("left-out-transparency")


async def test_the_menu_lays_on_white_and_says_so_beside_what_was_typed(house: House):
    message = await house.max.send(house.channel, "look", attachments=[("a.png", encoded(HALF))])
    opened = await house.mia.context_menu(house.channel, say("menu-source"), message)
    answer = await house.mia.submit_modal(
        opened, {"prompt": "a fox, <hypernet:ink:1>", "negative_prompt": "", "strength": "0.5"}
    )
    await house.settle()
    assert near(middle_of(house.executor.requests[0]), PINK)
    left_out = f"<hypernet:ink:1>, {say('left-out-transparency')}"
    assert (await house.job(1)).left_out == left_out
    assert answer.response.content.replace("\\", "").endswith(left_out)


def turned(kind: str, orientation: int) -> bytes:
    image = Image.new("RGB", (80, 60), (255, 0, 0))
    image.paste((0, 0, 255), (40, 0, 80, 60))
    image.paste((0, 255, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind != "HEIC":
        return encoded(image, kind, exif=exif, **({} if kind == "PNG" else {"quality": 95}))
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=95, exif=exif.tobytes())
    return file.getvalue()


# Which colour is in the corners, row by row: what a camera saw turned as it says (Exif 2.3, 4.6.4).
CORNERS = {1: "GBRB", 2: "BGBR", 3: "BRBG", 4: "RBGB", 5: "GRBB", 6: "RGBB", 7: "BBRG", 8: "BBGR"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
async def test_pictures_stand_as_the_camera_was_held(house: House, kind: str):
    for orientation, corners in CORNERS.items():
        await ask(house, "upscale", turned(kind, orientation))
        await house.env.advance_time(60)
        request = house.executor.requests[-1]
        image = Image.open(io.BytesIO(request.image)).convert("RGB")
        assert image.size == ((80, 60) if orientation < 5 else (60, 80))
        places = [(x, y) for y in (5, image.height - 6) for x in (5, image.width - 6)]
        seen = [image.getpixel(place) for place in places]
        assert "".join("RGB"[pixel.index(max(pixel))] for pixel in seen) == corners
    await ask(house, "imagine", turned(kind, 6), prompt="a fox", aspect="portrait")
    start = Image.open(io.BytesIO(house.executor.requests[-1].image))
    assert start.height > start.width
    assert start.getpixel((start.width - 4, 4))[1] > 200, "the green corner, on the right now"


async def test_what_a_phone_s_file_says_is_not_read_where_it_is_drawn_from(house: House):
    info = chunks(Parameters(prompt="a secret", seed=5))
    await ask(house, "imagine", encoded(Image.new("RGB", (64, 64)), pnginfo=info), prompt="a fox")
    assert b"secret" not in house.executor.requests[0].image


@pytest.mark.parametrize(
    ("name", "kind", "picture"),
    [
        ("IMG_1.HEIC", None, True),
        ("photo.avif", "application/octet-stream", True),
        ("photo.avif", "image/avif", True),
        ("notes.txt", None, False),
        ("notes.heic", "text/plain", False),
    ],
)
def test_formats_of_phones_that_discord_does_not_know_are_known_by_name(
    name: str, kind: str | None, picture: bool
):
    data = {"id": 1, "size": 1, "url": "", "proxy_url": "", "filename": name}
    if kind is not None:
        data["content_type"] = kind
    assert is_picture(discord.Attachment(data=data, state=SimpleNamespace(http=None))) is picture

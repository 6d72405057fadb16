"""Drawing the people's portraits and the bot's: flat, small, and made on the spot."""

import functools
import io
import math
import zlib

from PIL import Image, ImageDraw, ImageFont

SIZE = 256
_SCALE = 4
"""Drawn larger and scaled down, because Pillow's shapes have hard edges."""

_PAINTS = (
    ((126, 87, 194), (81, 45, 168)),
    ((38, 166, 154), (0, 105, 92)),
    ((239, 132, 84), (191, 73, 45)),
    ((66, 135, 245), (33, 84, 173)),
    ((214, 94, 138), (150, 43, 90)),
)


@functools.cache
def person(name: str) -> bytes:
    """Draw a person's initial, where our font has it, on a coloured ground, as PNG."""
    top, bottom = _PAINTS[zlib.crc32(name.encode()) % len(_PAINTS)]
    picture = _gradient(top, bottom)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=SIZE * _SCALE * 0.5)
    middle = SIZE * _SCALE / 2
    initial = next((letter for letter in name if letter.isalnum() and letter < "\u0250"), "")
    draw.text((middle, middle), initial.upper(), fill=(255, 255, 255), font=font, anchor="mm")
    return _png(picture)


@functools.cache
def bot() -> bytes:
    """Draw the bot's portrait, a lens with its aperture blades under a safelight, as PNG."""
    picture = _gradient((74, 20, 24), (28, 8, 12))
    draw = ImageDraw.Draw(picture)
    middle = SIZE * _SCALE / 2
    radius = middle * 0.72
    _disc(draw, middle, radius * 1.1, (255, 214, 170))
    _disc(draw, middle, radius, (232, 74, 58))
    for blade in range(6):
        angle = math.tau * blade / 6
        points = [
            _on_circle(middle, radius, angle),
            _on_circle(middle, radius, angle + math.tau / 6),
            _on_circle(middle, radius * 0.42, angle + math.tau / 6 + 0.52),
        ]
        draw.polygon(points, fill=(176 - 9 * (blade % 2), 38, 34), outline=(255, 214, 170))
        draw.line(points[::2], fill=(255, 214, 170), width=3 * _SCALE)
    opening = [_on_circle(middle, radius * 0.42, math.tau * i / 6 + 0.52) for i in range(6)]
    draw.polygon(opening, fill=(30, 8, 12))
    _disc(draw, middle - radius * 0.1, radius * 0.1, (255, 236, 214))
    return _png(picture)


def _gradient(top: tuple[int, ...], bottom: tuple[int, ...]) -> Image.Image:
    picture = Image.new("RGB", (1, 2))
    picture.putpixel((0, 0), top)
    picture.putpixel((0, 1), bottom)
    return picture.resize((SIZE * _SCALE, SIZE * _SCALE), Image.Resampling.BILINEAR)


def _disc(draw: ImageDraw.ImageDraw, middle: float, radius: float, paint: tuple[int, ...]) -> None:
    draw.ellipse((middle - radius, middle - radius, middle + radius, middle + radius), fill=paint)


def _on_circle(middle: float, radius: float, angle: float) -> tuple[float, float]:
    return middle + radius * math.cos(angle), middle + radius * math.sin(angle)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(buffer, "PNG")
    return buffer.getvalue()

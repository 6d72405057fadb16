"""Painted backgrounds for scenes, randomized every time.

Each painter works on a canvas of twice the side, which is downscaled at the end to smooth edges.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from generation.embedded.recipe.scenes.brushes import (
    Rgb,
    cactus,
    disc,
    down,
    drift,
    fir,
    gradient,
    hills,
    lighter,
    mix,
    near,
    palm,
    peak,
    pick,
    puff,
    roof,
    signs,
    stars,
    towers,
    two_neons,
    waves,
    weed,
)

CENTRE = 0.95  # the lowest point of floating or hanging objects may be here


@dataclass(frozen=True)
class Backdrop:
    """A picture uint8 [side, side, 3], and the height at which objects stand, as a share.

    ``front`` is RGBA [side, side, 4], drawn over the subjects, if a place has a foreground.
    """

    picture: np.ndarray
    ground: float
    front: np.ndarray | None = None


Painter = Callable[[np.random.Generator, int], Backdrop]
PLAIN: dict[str, Rgb] = {
    "red": (222, 60, 62),
    "orange": (247, 148, 60),
    "yellow": (252, 214, 70),
    "green": (84, 180, 92),
    "blue": (66, 130, 226),
    "purple": (140, 90, 205),
    "pink": (250, 150, 195),
    "gray": (150, 154, 160),
    "black": (24, 24, 28),
}
"""Plain backgrounds beside white."""


def plain(word: str) -> Painter:
    """Return the painter of a plain background in a colour of ``PLAIN``."""

    def paint(rng: np.random.Generator, side: int) -> Backdrop:
        colour = near(PLAIN[word], rng, 10)
        return Backdrop(down(gradient(side, lighter(colour, 1.06), colour)), CENTRE)

    return paint


def white(_rng: np.random.Generator, side: int) -> Backdrop:
    """Return white, the background of bare names."""
    return Backdrop(np.full((side, side, 3), 255, np.uint8), CENTRE)


def clouds(rng: np.random.Generator, side: int) -> Backdrop:
    """Return a blue sky full of clouds, with a few in front of the subjects' feet."""
    top, bottom = near((70, 150, 235), rng, 18), near((170, 215, 250), rng, 12)
    canvas = gradient(side, top, bottom)
    canvas = drift(canvas, rng, (255, 255, 255), 0.9)
    for _ in range(int(rng.integers(3, 6))):
        puff(canvas, rng, rng.uniform(0, 1), rng.uniform(0.05, 0.95), rng.uniform(0.1, 0.2))
    front = Image.new("RGBA", canvas.size, (255, 255, 255, 0))
    for across in np.linspace(0.05, 0.95, 6):
        x, y = across + rng.normal(0, 0.04), rng.uniform(0.9, 0.99)
        puff(front, rng, x, y, rng.uniform(0.1, 0.17))
    return Backdrop(down(canvas), 0.92, down(front))


def sunset(rng: np.random.Generator, side: int) -> Backdrop:
    """Return a red and golden sky above a dark land, with a low sun."""
    high, low = near((110, 60, 150), rng, 22), near((255, 150, 70), rng, 18)
    canvas = gradient(side, high, low)
    canvas = drift(canvas, rng, (255, 120, 110), 0.5)
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.72, 0.8)
    disc(draw, side, rng.uniform(0.15, 0.85), level - 0.03, rng.uniform(0.1, 0.16), (255, 226, 120))
    hills(draw, rng, side, level, near((70, 36, 80), rng, 12), 0.03)
    return Backdrop(down(canvas), level + 0.14)


def night(rng: np.random.Generator, side: int) -> Backdrop:
    """Return a dark blue sky with stars and a moon above dark hills."""
    canvas = gradient(side, near((10, 14, 46), rng, 8), near((40, 52, 110), rng, 12))
    draw = ImageDraw.Draw(canvas)
    stars(draw, rng, side, 46)
    x, y = rng.uniform((0.1, 0.1), (0.9, 0.25))
    disc(draw, side, x, y, rng.uniform(0.06, 0.1), (250, 240, 205))
    level = rng.uniform(0.76, 0.84)
    hills(draw, rng, side, level, near((16, 22, 44), rng, 6), 0.03)
    return Backdrop(down(canvas), level + 0.1)


def space(rng: np.random.Generator, side: int) -> Backdrop:
    """Return black space with stars, a nebula and a planet."""
    canvas = gradient(side, (6, 6, 16), (12, 8, 30))
    canvas = drift(canvas, rng, pick(rng, ((110, 40, 160), (40, 70, 180), (170, 40, 110))), 0.75)
    draw = ImageDraw.Draw(canvas)
    stars(draw, rng, side, 80)
    colour = pick(rng, ((226, 140, 80), (120, 190, 230), (200, 110, 190), (150, 200, 130)))
    x, y, size = *rng.uniform((0.05, 0.05), (0.95, 0.3)), rng.uniform(0.08, 0.15)
    disc(draw, side, x, y, size, colour)
    disc(draw, side, x - size * 0.2, y - size * 0.2, size * 0.6, lighter(colour, 1.15))
    return Backdrop(down(canvas), CENTRE)


def skyline(rng: np.random.Generator, side: int) -> Backdrop:
    """Return a city's towers by day, with a street in front."""
    canvas = gradient(side, near((120, 185, 240), rng, 14), near((215, 232, 246), rng, 8))
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.78, 0.84)
    towers(draw, rng, side, level, (150, 165, 190), (190, 206, 226), 0.3)
    towers(draw, rng, side, level, (96, 112, 146), (222, 232, 240), 0.45)
    draw.rectangle((0, level * 2 * side, 2 * side, 2 * side), fill=near((112, 114, 122), rng, 8))
    return Backdrop(down(canvas), level + 0.11)


def neon_city(rng: np.random.Generator, side: int) -> Backdrop:
    """Return towers at night with lit windows and signs, reflected on a wet street."""
    first, second = two_neons(rng)
    canvas = gradient(side, (14, 8, 38), mix((50, 16, 84), first, 0.25))
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.78, 0.84)
    towers(draw, rng, side, level, (40, 24, 78), mix(second, (40, 24, 78), 0.4), 0.3)
    towers(draw, rng, side, level, (18, 12, 42), first, 0.5)
    signs(draw, rng, side, level, (first, second))
    draw.rectangle((0, level * 2 * side, 2 * side, 2 * side), fill=(20, 12, 40))
    for _ in range(7):
        x, width = rng.uniform(0, 2 * side), rng.uniform(0.02, 0.06) * 2 * side
        shine = mix(pick(rng, (first, second)), (20, 12, 40), 0.5)
        draw.rectangle((x, (level + 0.02) * 2 * side, x + width, 2 * side), fill=shine)
    return Backdrop(down(canvas), level + 0.12)


def rooftop(rng: np.random.Generator, side: int) -> Backdrop:
    """Return a flat roof by day, with other houses behind it."""
    canvas = gradient(side, near((110, 180, 240), rng, 16), near((212, 230, 246), rng, 8))
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.74, 0.8)
    towers(draw, rng, side, level + 0.02, (158, 170, 192), (200, 214, 230), 0.28)
    roof(draw, rng, side, level, near((176, 96, 74), rng, 14))
    return Backdrop(down(canvas), level + 0.08)


def neon_rooftop(rng: np.random.Generator, side: int) -> Backdrop:
    """Return a flat roof at night with a neon edge, with a lit city behind it."""
    first, second = two_neons(rng)
    canvas = gradient(side, (12, 8, 36), mix((56, 18, 92), second, 0.25))
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.74, 0.8)
    towers(draw, rng, side, level + 0.02, (26, 16, 56), second, 0.36)
    signs(draw, rng, side, level, (first, second))
    roof(draw, rng, side, level, (52, 34, 74))
    edge = level * 2 * side
    draw.rectangle((0, edge - 0.012 * side, 2 * side, edge + 0.045 * side), fill=first)
    draw.rectangle(
        (0, edge + 0.008 * side, 2 * side, edge + 0.024 * side), fill=lighter(first, 1.6)
    )
    return Backdrop(down(canvas), level + 0.08)


def forest(rng: np.random.Generator, side: int) -> Backdrop:
    """Return rows of firs, darker the nearer they are, and a green ground."""
    canvas = gradient(side, near((150, 205, 215), rng, 14), near((206, 232, 206), rng, 8))
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.76, 0.84)
    for height, colour in ((0.62, (112, 168, 128)), (0.5, (62, 128, 82)), (0.36, (32, 92, 56))):
        for across in np.arange(-0.05, 1.05, height * 0.26):
            tall = height * rng.uniform(0.8, 1.2)
            fir(draw, side, across + rng.normal(0, 0.03), level + 0.02, tall, near(colour, rng, 8))
    hills(draw, rng, side, level, near((72, 140, 66), rng, 10), 0.015)
    return Backdrop(down(canvas), level + 0.1)


def meadow(rng: np.random.Generator, side: int) -> Backdrop:
    """Return green hills with flowers under a blue sky."""
    canvas = gradient(side, near((110, 185, 245), rng, 14), near((205, 232, 250), rng, 8))
    for _ in range(2):
        puff(canvas, rng, rng.uniform(0.1, 0.9), rng.uniform(0.08, 0.3), rng.uniform(0.05, 0.09))
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.6, 0.72)
    hills(draw, rng, side, level - 0.08, near((140, 200, 100), rng, 10), 0.05)
    hills(draw, rng, side, level, near((104, 182, 72), rng, 10), 0.04)
    for _ in range(26):
        x, y = rng.uniform((0, level + 0.08), (1, 1))
        colour = pick(rng, ((255, 255, 255), (255, 214, 70), (250, 120, 170), (220, 70, 80)))
        disc(draw, side, x, y, 0.014, colour)
    return Backdrop(down(canvas), rng.uniform(0.86, 0.93))


def sea(rng: np.random.Generator, side: int) -> Backdrop:
    """Return open water with waves up to the horizon."""
    canvas = gradient(side, near((130, 200, 248), rng, 14), near((220, 240, 252), rng, 8))
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.5, 0.62)
    shallow, deep = near((60, 160, 215), rng, 12), near((18, 84, 160), rng, 10)
    front = Image.new("RGBA", canvas.size, (255, 255, 255, 0))
    for at in np.arange(level, 1.02, 0.055):
        colour = mix(shallow, deep, (at - level) / (1 - level))
        waves(draw, rng, side, at, colour)
        if at > 0.88:
            waves(ImageDraw.Draw(front), rng, side, at + 0.01, colour)
    return Backdrop(down(canvas), 0.93, down(front))


def beach(rng: np.random.Generator, side: int) -> Backdrop:
    """Return yellow sand, with the sea behind it and sometimes a palm."""
    canvas = gradient(side, near((110, 195, 248), rng, 14), near((214, 240, 252), rng, 8))
    draw = ImageDraw.Draw(canvas)
    horizon, shore = rng.uniform(0.42, 0.5), rng.uniform(0.62, 0.7)
    draw.rectangle((0, horizon * 2 * side, 2 * side, 2 * side), fill=near((44, 160, 205), rng, 12))
    waves(draw, rng, side, shore - 0.03, (236, 250, 252))
    waves(draw, rng, side, shore, near((246, 220, 160), rng, 8))
    if rng.random() < 0.6:
        palm(draw, side, pick(rng, (0.1, 0.9)), shore + 0.06, rng.uniform(0.5, 0.6))
    return Backdrop(down(canvas), rng.uniform(0.86, 0.93))


def snow(rng: np.random.Generator, side: int) -> Backdrop:
    """Return white hills with white firs, and falling flakes."""
    canvas = gradient(side, near((150, 185, 220), rng, 12), near((214, 228, 242), rng, 6))
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.66, 0.74)
    for across in np.arange(0.0, 1.05, 0.17):
        tall = rng.uniform(0.2, 0.34)
        fir(draw, side, across + rng.normal(0, 0.04), level + 0.03, tall, (120, 156, 176))
    hills(draw, rng, side, level, (232, 240, 250), 0.03)
    hills(draw, rng, side, level + 0.12, (246, 250, 255), 0.02)
    for _ in range(40):
        x, y = rng.uniform(0, 1, 2)
        disc(draw, side, x, y, rng.uniform(0.006, 0.013), (255, 255, 255))
    return Backdrop(down(canvas), rng.uniform(0.88, 0.94))


def desert(rng: np.random.Generator, side: int) -> Backdrop:
    """Return dunes under a hot sky, with cacti."""
    canvas = gradient(side, near((250, 190, 110), rng, 12), near((255, 232, 180), rng, 8))
    draw = ImageDraw.Draw(canvas)
    disc(draw, side, rng.uniform(0.1, 0.9), rng.uniform(0.12, 0.22), 0.09, (255, 250, 215))
    level = rng.uniform(0.6, 0.68)
    hills(draw, rng, side, level - 0.05, near((228, 164, 92), rng, 8), 0.06)
    for _ in range(int(rng.integers(1, 3))):
        cactus(draw, side, pick(rng, (0.08, 0.92)) + rng.normal(0, 0.03), level + 0.1)
    hills(draw, rng, side, level + 0.05, near((240, 186, 112), rng, 8), 0.05)
    return Backdrop(down(canvas), rng.uniform(0.87, 0.94))


def mountains(rng: np.random.Generator, side: int) -> Backdrop:
    """Return peaks with snow behind a green ground."""
    canvas = gradient(side, near((120, 180, 235), rng, 12), near((222, 236, 248), rng, 6))
    draw = ImageDraw.Draw(canvas)
    level = rng.uniform(0.72, 0.8)
    for across in (0.05, 0.95, 0.5, 0.25, 0.75):
        colour = near((104, 114, 140), rng, 12)
        peak(draw, side, across + rng.normal(0, 0.05), level, rng.uniform(0.4, 0.6), colour)
    hills(draw, rng, side, level, near((98, 160, 88), rng, 10), 0.02)
    return Backdrop(down(canvas), level + 0.13)


def room(rng: np.random.Generator, side: int) -> Backdrop:
    """Return a wall with a window or a picture, and a floor of boards."""
    wall = near(pick(rng, ((240, 216, 180), (196, 216, 226), (226, 200, 210))), rng, 8)
    canvas = gradient(side, wall, lighter(wall, 0.94))
    draw = ImageDraw.Draw(canvas)
    level, full = rng.uniform(0.74, 0.8), 2 * side
    left, top, wide = rng.uniform(0.06, 0.6), rng.uniform(0.08, 0.16), 0.32
    frame = (left * full, top * full, (left + wide) * full, (top + wide) * full)
    draw.rectangle(frame, fill=(150, 205, 245), outline=(255, 255, 255), width=side // 20)
    middle = (left + wide / 2) * full
    draw.line((middle, frame[1], middle, frame[3]), fill=(255, 255, 255), width=side // 32)
    board = near((168, 112, 66), rng, 12)
    draw.rectangle((0, level * full, full, full), fill=board)
    for at in np.arange(level + 0.06, 1, 0.07):
        draw.line((0, at * full, full, at * full), fill=lighter(board, 0.84), width=side // 50)
    draw.rectangle((0, (level - 0.02) * full, full, level * full), fill=(250, 246, 240))
    return Backdrop(down(canvas), level + 0.12)


def under_water(rng: np.random.Generator, side: int) -> Backdrop:
    """Return deep blue water with bubbles, weed and sand below."""
    canvas = gradient(side, near((64, 186, 220), rng, 12), near((10, 64, 130), rng, 8))
    draw = ImageDraw.Draw(canvas)
    hills(draw, rng, side, 0.9, near((196, 176, 124), rng, 10), 0.02)
    for across in (*rng.uniform(0.0, 0.25, 3), *rng.uniform(0.75, 1, 3)):
        colour = pick(rng, ((40, 150, 96), (226, 92, 110), (30, 120, 90)))
        weed(draw, rng, side, across, 0.95, rng.uniform(0.15, 0.35), colour)
    for _ in range(16):
        x, y, size = *rng.uniform(0, 1, 2) * 2 * side, rng.uniform(0.012, 0.03) * 2 * side
        draw.ellipse((x, y, x + size, y + size), outline=(210, 240, 250), width=side // 60)
    return Backdrop(down(canvas), 0.9)


PAINTERS: dict[str, Painter] = {
    "white": white,
    **{f"plain {word}": plain(word) for word in PLAIN},
    **{
        painter.__name__: painter
        for painter in (
            *(clouds, sunset, night, space, skyline, neon_city, rooftop, neon_rooftop, forest),
            *(meadow, sea, beach, snow, desert, mountains, room, under_water),
        )
    },
}
"""Every background by its name."""

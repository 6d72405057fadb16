"""The elements of painted backgrounds. Positions and sizes are shares of the side.

Canvases have twice the side: ``down`` halves them at the end, which smooths every edge.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]
T = TypeVar("T")


def near(colour: Rgb, rng: np.random.Generator, spread: float) -> Rgb:
    """Return a colour within about ``spread`` (of 255) of the given one."""
    red, green, blue = np.clip(np.array(colour) + rng.normal(0, spread, 3), 0, 255).astype(int)
    return int(red), int(green), int(blue)


def lighter(colour: Rgb, factor: float) -> Rgb:
    """Return the colour times a factor, which may be below 1."""
    red, green, blue = (min(255, int(part * factor)) for part in colour)
    return red, green, blue


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Return a mixture of two colours: 0 is the first, 1 the second."""
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def pick(rng: np.random.Generator, things: Sequence[T]) -> T:
    """Return one of the items at random."""
    return things[int(rng.integers(len(things)))]


def down(canvas: Image.Image) -> np.ndarray:
    """Return the canvas at half its size: uint8 [side, side, channels]."""
    return np.asarray(canvas.reduce(2))


def gradient(side: int, top: Rgb, bottom: Rgb) -> Image.Image:
    """Return a new canvas with a gradient between two colours."""
    rows = np.linspace(np.array(top), np.array(bottom), 2 * side).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(np.repeat(rows[:, None], 2 * side, axis=1)))


def noise(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return smooth noise of three octaves, 0…1: float32 [2 side, 2 side]."""
    total = np.zeros((2 * side, 2 * side), np.float32)
    for octave, cells in enumerate((3, 6, 12)):
        grid = Image.fromarray(rng.random((cells, cells), dtype=np.float32))
        total += np.asarray(grid.resize(total.shape, Image.Resampling.BICUBIC)) / 2**octave
    low, high = total.min(), total.max()
    return (total - low) / (high - low)


def drift(canvas: Image.Image, rng: np.random.Generator, colour: Rgb, most: float) -> Image.Image:
    """Return the canvas under drifting cloud of a colour, at most ``most`` opaque."""
    thick = np.clip(noise(rng, canvas.width // 2) * 2.2 - 1.1, 0, 1) * most
    mask = Image.fromarray((thick * 255).astype(np.uint8))
    return Image.composite(Image.new("RGB", canvas.size, colour), canvas, mask)


def disc(
    draw: ImageDraw.ImageDraw, side: int, x: float, y: float, radius: float, fill: Rgb
) -> None:
    """Draw a disc."""
    x, y, radius = x * 2 * side, y * 2 * side, radius * 2 * side
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def puff(canvas: Image.Image, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    """Draw one white cloud of half-width ``size``, shaded below."""
    side, draw = canvas.width // 2, ImageDraw.Draw(canvas)
    balls = [(-0.62, 0.12, 0.4), (0.62, 0.12, 0.4), (-0.2, -0.16, 0.5), (0.26, -0.06, 0.46)]
    balls = [(a + rng.normal(0, 0.06), b + rng.normal(0, 0.05), r) for a, b, r in balls]
    for shift, colour in ((0.1, (206, 222, 242)), (0.0, (255, 255, 255))):
        for across, below, radius in balls:
            disc(draw, side, x + across * size, y + (below + shift) * size, radius * size, colour)


def hills(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    side: int,
    level: float,
    colour: Rgb,
    height: float,
) -> None:
    """Draw rolling land from ``level`` down."""
    across = np.linspace(0, 1, 33)
    waves = np.sin(across * rng.uniform(4, 9) + rng.uniform(0, 6)) + 0.5 * np.sin(
        across * rng.uniform(9, 15) + rng.uniform(0, 6)
    )
    points = np.stack([across, level + height * waves], axis=1) * 2 * side
    full = 2.0 * side
    draw.polygon([*map(tuple, points), (full, full), (0.0, full)], fill=colour)


def waves(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, side: int, level: float, colour: Rgb
) -> None:
    """Draw water from ``level`` down, its edge a row of small waves with light crests."""
    across, full = np.linspace(0, 1, 65), 2.0 * side
    edge = level + 0.012 * np.sin(across * rng.uniform(30, 42) + rng.uniform(0, 6))
    points = [tuple(point) for point in np.stack([across, edge], axis=1) * full]
    draw.polygon([*points, (full, full), (0.0, full)], fill=colour)
    draw.line(points, fill=mix(colour, (255, 255, 255), 0.45), width=max(1, side // 50))


def stars(draw: ImageDraw.ImageDraw, rng: np.random.Generator, side: int, count: int) -> None:
    """Draw stars of several sizes."""
    for x, y, size in rng.random((count, 3)):
        disc(draw, side, x, y, 0.004 + 0.01 * size**3, (255, 250, 225))


def towers(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    side: int,
    level: float,
    wall: Rgb,
    light: Rgb,
    most: float,
) -> None:
    """Draw a row of towers standing at ``level``, up to ``most`` above its middle height."""
    full, x = 2 * side, rng.uniform(-0.1, 0.0)
    while x < 1:
        width, height = rng.uniform(0.1, 0.2), most * rng.uniform(0.55, 1.45)
        colour = near(wall, rng, 8)
        top = level - height
        draw.rectangle((x * full, top * full, (x + width) * full, level * full), fill=colour)
        if rng.random() < 0.3:
            middle = (x + width / 2) * full
            draw.line(
                (middle, (top - 0.08) * full, middle, top * full), fill=colour, width=side // 32
            )
        for row in np.arange(top + 0.03, level - 0.03, 0.055):
            for column in np.arange(x + 0.02, x + width - 0.025, 0.045):
                if rng.random() < 0.6:
                    place = (column, row, column + 0.026, row + 0.03)
                    draw.rectangle([part * full for part in place], fill=light)
        x += width + rng.uniform(-0.01, 0.03)


NEON: tuple[Rgb, ...] = ((255, 60, 190), (0, 225, 255), (170, 80, 255), (255, 170, 40))


def two_neons(rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    """Return two colours of neon light, mostly pink and cyan."""
    if rng.random() < 0.6:
        return (NEON[0], NEON[1]) if rng.random() < 0.5 else (NEON[1], NEON[0])
    first, second = rng.choice(len(NEON), 2, replace=False)
    return NEON[first], NEON[second]


def signs(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    side: int,
    level: float,
    colours: Sequence[Rgb],
) -> None:
    """Draw upright neon signs above ``level``."""
    full = 2 * side
    for _ in range(int(rng.integers(3, 6))):
        x, y, tall = rng.uniform(0, 0.95), rng.uniform(0.2, level - 0.25), rng.uniform(0.1, 0.2)
        colour = pick(rng, colours)
        place = [part * full for part in (x, y, x + 0.045, y + tall)]
        draw.rectangle(place, fill=lighter(colour, 1.2), outline=colour, width=side // 40)


def roof(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, side: int, level: float, colour: Rgb
) -> None:
    """Draw a flat roof from ``level`` down: a parapet, bricks and sometimes a chimney."""
    full = 2 * side
    if rng.random() < 0.7:
        x = pick(rng, (0.04, 0.82)) + rng.normal(0, 0.02)
        place = (x, level - 0.16, x + 0.13, level)
        draw.rectangle([part * full for part in place], fill=lighter(colour, 0.8))
        cap = (x - 0.015, level - 0.18, x + 0.145, level - 0.14)
        draw.rectangle([part * full for part in cap], fill=lighter(colour, 0.66))
    draw.rectangle((0, level * full, full, full), fill=colour)
    draw.rectangle((0, level * full, full, (level + 0.035) * full), fill=lighter(colour, 1.25))
    mortar = lighter(colour, 0.8)
    for row, y in enumerate(np.arange(level + 0.075, 1, 0.06)):
        draw.line((0, y * full, full, y * full), fill=mortar, width=side // 60)
        for x in np.arange(0.06 * (row % 2), 1, 0.12):
            draw.line(
                (x * full, y * full, x * full, (y + 0.06) * full), fill=mortar, width=side // 60
            )


def fir(
    draw: ImageDraw.ImageDraw, side: int, x: float, foot: float, tall: float, colour: Rgb
) -> None:
    """Draw a conifer: a trunk and three triangles."""
    full = 2 * side
    trunk = (x - 0.05 * tall, foot - 0.15 * tall, x + 0.05 * tall, foot)
    draw.rectangle([part * full for part in trunk], fill=(92, 66, 44))
    for top, bottom, half in ((0.4, 0.1, 0.26), (0.7, 0.3, 0.21), (1.0, 0.55, 0.15)):
        edge = foot - bottom * tall
        corners = ((x, foot - top * tall), (x - half * tall, edge), (x + half * tall, edge))
        points = [(a * full, b * full) for a, b in corners]
        draw.polygon(points, fill=lighter(colour, 0.8 + top / 4))


def palm(draw: ImageDraw.ImageDraw, side: int, x: float, foot: float, tall: float) -> None:
    """Draw a palm tree."""
    full, top = 2 * side, foot - tall
    line = [(x * full, foot * full), ((x + 0.02) * full, top * full)]
    draw.line(line, fill=(140, 96, 56), width=side // 16)
    for angle in (-2.9, -2.4, -1.9, -1.2, -0.7, -0.2, 0.3, 2.8):
        tip = (x + 0.02 + 0.2 * np.cos(angle), top + 0.13 * np.sin(angle) + 0.05)
        middle = (x + 0.02 + 0.11 * np.cos(angle), top + 0.13 * np.sin(angle) - 0.02)
        leaf = [((x + 0.02) * full, top * full), *((a * full, b * full) for a, b in (middle, tip))]
        draw.line(leaf, fill=(52, 150, 70), width=side // 14, joint="curve")


def cactus(draw: ImageDraw.ImageDraw, side: int, x: float, foot: float) -> None:
    """Draw a cactus with two arms."""
    full, colour = 2 * side, (66, 140, 76)
    for place in (
        (x - 0.03, foot - 0.3, x + 0.03, foot),
        (x - 0.1, foot - 0.16, x, foot - 0.12),
        (x - 0.1, foot - 0.22, x - 0.06, foot - 0.12),
        (x, foot - 0.2, x + 0.1, foot - 0.16),
        (x + 0.06, foot - 0.26, x + 0.1, foot - 0.16),
    ):
        draw.rounded_rectangle([part * full for part in place], side // 26, fill=colour)


def peak(
    draw: ImageDraw.ImageDraw, side: int, x: float, foot: float, tall: float, fill: Rgb
) -> None:
    """Draw a mountain with snow on its top and one side in shade."""
    full, half = 2 * side, tall * 0.62
    corners = ((x, foot - tall), (x - half, foot), (x + half, foot))
    draw.polygon([(a * full, b * full) for a, b in corners], fill=fill)
    shade = ((x, foot - tall), (x + half * 0.25, foot), (x + half, foot))
    draw.polygon([(a * full, b * full) for a, b in shade], fill=lighter(fill, 0.84))
    cut, edge = 0.3 * tall, 0.3 * half
    snow = ((0, 0), (-edge, cut), (-edge / 3, cut * 0.75), (edge / 4, cut * 1.05), (edge, cut))
    draw.polygon(
        [((x + a) * full, (foot - tall + b) * full) for a, b in snow], fill=(246, 249, 255)
    )


def weed(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    side: int,
    x: float,
    foot: float,
    tall: float,
    colour: Rgb,
) -> None:
    """Draw one wavy water plant."""
    up = np.linspace(0, 1, 9)
    bend = x + 0.02 * np.sin(up * 9 + rng.uniform(0, 6))
    points = [(a * 2 * side, (foot - b * tall) * 2 * side) for a, b in zip(bend, up, strict=True)]
    draw.line(points, fill=colour, width=side // 20, joint="curve")

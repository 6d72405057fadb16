"""The city that stands in scenes, painted: no emoji shows one without a frame around it."""

from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageDraw

from generation.embedded.recipe.scenes.brushes import Rgb, lighter

CELLS = 14  # the city's width and height, in latent cells of a scene where it stands alone
UNIT = 16  # px: side of a cell in the painted city
PANE: Rgb = (150, 236, 255)
TOWERS: tuple[tuple[int, int, int, Rgb, str], ...] = (
    (0, 3, 6, (96, 122, 196), "flat"),
    (3, 3, 11, (200, 210, 228), "spire"),
    (6, 2, 5, (150, 110, 206), "flat"),
    (8, 3, 9, (58, 168, 190), "dome"),
    (11, 3, 7, (240, 158, 110), "slope"),
)
"""Each tower's left edge, width and height in cells, its colour and its top."""


@lru_cache(maxsize=1)
def city() -> Image.Image:
    """Return five towers side by side, each with another top: RGBA."""
    canvas = Image.new("RGBA", (CELLS * UNIT, CELLS * UNIT))
    draw = ImageDraw.Draw(canvas)
    for left, width, height, wall, top in TOWERS:
        _TOPS[top](draw, left, width, CELLS - height, wall)
        _box(draw, left, CELLS - height, left + width, CELLS, wall)
        _box(draw, left + width - 0.4, CELLS - height, left + width, CELLS, lighter(wall, 0.76))
        for row in range(CELLS - height, CELLS):
            _box(draw, left + 0.35, row + 0.3, left + width - 0.7, row + 0.7, PANE)
    return canvas


def _box(
    draw: ImageDraw.ImageDraw, left: float, top: float, right: float, bottom: float, fill: Rgb
) -> None:
    draw.rectangle(
        [left * UNIT, top * UNIT, right * UNIT - 1, bottom * UNIT - 1], fill=(*fill, 255)
    )


def _spire(draw: ImageDraw.ImageDraw, left: int, width: int, top: int, wall: Rgb) -> None:
    middle = left + width / 2
    _box(draw, left + 0.5, top - 1, left + width - 0.5, top, lighter(wall, 0.88))
    _box(draw, middle - 0.2, top - 3, middle + 0.2, top - 1, lighter(wall, 0.7))


def _dome(draw: ImageDraw.ImageDraw, left: int, width: int, top: int, wall: Rgb) -> None:
    ball = (left, top - width / 2, left + width, top + width / 2)
    draw.ellipse([part * UNIT for part in ball], fill=(*lighter(wall, 1.15), 255))


def _slope(draw: ImageDraw.ImageDraw, left: int, width: int, top: int, wall: Rgb) -> None:
    corners = ((left, top), (left + width, top), (left + width, top - 2))
    draw.polygon([(x * UNIT, y * UNIT) for x, y in corners], fill=(*lighter(wall, 0.88), 255))


def _flat(draw: ImageDraw.ImageDraw, left: int, width: int, top: int, wall: Rgb) -> None:
    _box(draw, left - 0.1, top, left + width + 0.1, top + 0.2, lighter(wall, 1.2))


_TOPS: dict[str, Callable[[ImageDraw.ImageDraw, int, int, int, Rgb], None]] = {
    "flat": _flat,
    "spire": _spire,
    "dome": _dome,
    "slope": _slope,
}

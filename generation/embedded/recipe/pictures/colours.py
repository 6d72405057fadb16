"""Recolouring pictures, and measuring a picture's colour."""

from dataclasses import dataclass

import numpy as np

HUES = {
    "red": 0,
    "orange": 28,
    "yellow": 52,
    "green": 120,
    "blue": 215,
    "purple": 275,
    "pink": 330,
}
"""Colour words and their hues in degrees."""

NEAR = 60  # degrees: hues this close turn with the main one; a leaf on an apple stays green
COLOURED = 0.15  # chroma (0…1) from which a pixel counts as coloured
MOSTLY = 0.25  # a smaller share of dark or coloured pixels counts as grey


@dataclass(frozen=True, slots=True)
class Colour:
    """A picture's colour: its mean hue in degrees, and the share of it that is coloured."""

    hue: float
    share: float

    @property
    def word(self) -> str:
        """The colour word whose hue is nearest."""
        return min(HUES, key=lambda word: abs(hue_difference(HUES[word], self.hue)))


def hue_difference(first: float, second: float) -> float:
    """Return first - second in degrees, -180…180."""
    return (first - second + 180) % 360 - 180


def measure(picture: np.ndarray) -> Colour:
    """Return the mean hue, weighted by chroma, of a picture uint8 [height, width, 3] on white."""
    hue, chroma, top = _split(picture)
    weight = np.where(chroma > COLOURED, chroma, 0)
    angles = np.radians(hue)
    mean = np.arctan2((np.sin(angles) * weight).sum(), (np.cos(angles) * weight).sum())
    drawn = ((top - chroma) < 0.9).sum()  # non-white pixels
    share = float((weight > 0).sum() / max(1, drawn))
    return Colour(float(np.degrees(mean)) % 360, share)


def recolour(picture: np.ndarray, word: str) -> np.ndarray:
    """Return the picture, uint8 [height, width, 3] on white, in the colour of ``word``.

    The main hue and those near it are turned to the word's; a grey picture is tinted instead.
    """
    hue, chroma, top = _split(picture)
    colour = measure(picture)
    saturation = chroma / np.maximum(top, 1e-6)
    drawn = np.clip((1 - (top - chroma)) * 8, 0, 1)  # 0 on white, 1 a little way into the object
    if colour.share < MOSTLY:
        turned = np.ones_like(hue)
        saturation = np.maximum(saturation, 0.75 * drawn)
        top = np.maximum(top, 0.45 * drawn)
    else:
        away = np.abs((hue - colour.hue + 180) % 360 - 180)
        turned = np.clip((NEAR + 20 - away) / 20, 0, 1)
    target = HUES[word]
    if word == "yellow":  # a dark yellow looks brown
        top = top + (np.sqrt(top) - top) * turned * drawn
    if word == "pink":
        saturation = saturation * (1 - 0.45 * turned)
        top = top + (1 - top) * 0.6 * turned * drawn
    shifted = _join(np.full_like(hue, target), saturation, top)
    kept = picture.astype(np.float32) / 255
    weight = (turned * (saturation > 0))[..., None]
    return ((kept + (shifted - kept) * weight) * 255).round().astype(np.uint8)


def _split(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hue (degrees), chroma and value (0…1) of every pixel."""
    rgb = picture.astype(np.float32) / 255
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    top = rgb.max(axis=-1)
    chroma = top - rgb.min(axis=-1)
    safe = np.maximum(chroma, 1e-6)
    sector = np.select(
        [top == red, top == green],
        [(green - blue) / safe % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    return sector * 60, chroma, top


def _join(hue: np.ndarray, saturation: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Return RGB (0…1) of hue (degrees), saturation and value: HSV's definition."""
    sixths = (np.array([5, 3, 1]) + hue[..., None] / 60) % 6
    falls = np.clip(np.minimum(sixths, 4 - sixths), 0, 1)
    return top[..., None] * (1 - saturation[..., None] * falls)

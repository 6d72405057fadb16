"""Rendering scenes: subjects in their places and light, with random variation.

Subjects are moved by whole latent cells, and have few sizes and angles: the latents of each are
then the same everywhere in a picture, to be learned once.
"""

import re
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from generation.embedded.recipe.pictures.arrays import compose, on_white
from generation.embedded.recipe.pictures.colours import recolour
from generation.embedded.recipe.pictures.dataset import Concept, load_flat, load_sprite
from generation.embedded.recipe.scenes.backgrounds import PAINTERS, Backdrop
from generation.embedded.recipe.scenes.brushes import NEON, Rgb, pick
from generation.embedded.recipe.scenes.city import city
from generation.embedded.recipe.scenes.composition import (
    Actor,
    Light,
    Relation,
    Scene,
    Size,
    Style,
)

CELL = 8  # px: side of what a latent cell stands for
SPRITE = 144  # px: size of cached sprites, slightly above the largest drawn
ONE_WAY = re.compile(r"left|right|clock|crescent|quarter|gibbous|letter|calendar|number")
"""Concepts that mirrored would be another, or wrong."""
MIRRORED = 0.25  # share of names drawn the other way round
ANGLES = (0, 0, 0, -7, 7)  # degrees, of names
ALONE, CITY_ALONE = 0.8, 0.875  # sizes of a subject that is alone, as shares of the side
NAMES = (ALONE, ALONE, 1.0)  # those of a name
IN_COMPANY = 0.46  # that of each of several, and of a small one
BORDER = CELL  # px: that of a sticker, with the line around it
SIZES: dict[Size, float] = {Size.SMALL: IN_COMPANY / ALONE, Size.BIG: 1.2, Size.USUAL: 1.0}
FLOATING = ("clouds", "space", "under_water", "plain", "white")
TINT: dict[Light, tuple[float, float, float]] = {
    Light.NIGHT: (0.55, 0.6, 0.86),
    Light.GOLDEN: (1.06, 0.92, 0.7),
    Light.NEON: (0.72, 0.66, 0.86),
}
"""What a light does to the colours of subjects, as factors."""
ROOM_FOR: dict[Relation, tuple[tuple[float, float], ...]] = {
    Relation.TWO: ((0.27, 0.0), (0.73, 0.0)),
    Relation.THREE: ((0.5, 0.42), (0.27, 0.0), (0.73, 0.0)),
    Relation.NEXT_TO: ((0.27, 0.0), (0.73, 0.0)),
    Relation.ON: ((0.5, 0.42), (0.5, 0.0)),
    Relation.UNDER: ((0.5, 0.0), (0.5, 0.42)),
}
"""Where each of several subjects is: its middle across, its foot above the ground."""


def draw_scene(
    scene: Scene, rng: np.random.Generator, width: int, height: int | None = None
) -> np.ndarray:
    """Return a scene in layers, uint8 [3, height, width, 3], square if no height is given.

    Other shapes are crops of a square at its ground, in which the subjects are smaller.
    """
    height = height or width
    side = max(width, height)
    backdrop = _lit_backdrop(PAINTERS[scene.place](rng, side), scene)
    canvas = Image.new("RGBA", (side, side))
    actors, places, size = scene.actors, ROOM_FOR.get(scene.relation), IN_COMPANY
    if places is None:
        places, size = (_alone(scene, rng),), ALONE if actors[0].subject.concept else CITY_ALONE
    if scene.relation in (Relation.TWO, Relation.THREE):
        actors = actors * len(places)
    scale = SIZES[scene.size] * min(width, height) / side
    left = (side - width) // 2
    for actor, (across, above) in zip(actors, places, strict=True):
        sprite = _resize(_shade(_sprite(actor, scene.style), rng), size * scale * side)
        if scene.style is Style.STICKER:
            sprite = _bordered(sprite)
        sprite = _lit(sprite, scene.light, NEON[0], NEON[1])
        foot = backdrop.ground - above * scale
        x = left + _to_cell(across * side - sprite.width / 2 - left)
        y = max(_to_cell(foot * side - sprite.height), 0)
        stand = Image.new("RGBA", canvas.size)
        stand.paste(sprite, (x, y))
        canvas.alpha_composite(stand)
    behind = Image.fromarray(backdrop.picture)
    if backdrop.front is not None:
        front = Image.fromarray(backdrop.front)
        behind.paste(front, (0, 0), front)
        canvas.putalpha(ImageChops.subtract(canvas.getchannel("A"), front.getchannel("A")))
    return compose(canvas, behind)[:, side - height :, left : left + width]


def draw_name(
    concept: Concept, rng: np.random.Generator, width: int, height: int, colour: str = ""
) -> np.ndarray:
    """Return one concept on white, mirrored, rotated, moved or shrunk.

    It is in layers, uint8 [3, height, width, 3].
    """
    side = min(width, height)
    picture = tinted_sprite(concept, colour) if colour else kept_sprite(concept)
    if rng.random() < MIRRORED and not ONE_WAY.search(concept.name):
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if angle := pick(rng, ANGLES):
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    sprite = _resize(_shade(picture, rng), pick(rng, NAMES) * side)
    canvas = Image.new("RGB", (width, height), (255, 255, 255))
    free = (width - sprite.width, height - sprite.height)
    x, y = (_to_cell(part * rng.uniform()) for part in free)
    canvas.paste(sprite, (x, y), sprite)
    return on_white(np.asarray(canvas))


@lru_cache(maxsize=1500)
def kept_sprite(concept: Concept) -> Image.Image:
    """Return a concept's cached picture, RGBA of ``SPRITE``² px."""
    return load_sprite(concept, SPRITE)


@lru_cache(maxsize=1500)
def flat_sprite(concept: Concept) -> Image.Image:
    """Return a concept's flat drawing, RGBA of ``SPRITE``² px."""
    return load_flat(concept.flat, SPRITE) if concept.flat else kept_sprite(concept)


@lru_cache(maxsize=1500)
def tinted_sprite(concept: Concept, colour: str, *, flat: bool = False) -> Image.Image:
    """Return a concept's picture in a colour word's colour, RGBA of ``SPRITE``² px."""
    pixels = np.array(flat_sprite(concept) if flat else kept_sprite(concept))
    seen = np.where(pixels[..., 3:] > 0, pixels[..., :3], 255).astype(np.uint8)
    pixels[..., :3] = recolour(seen, colour)
    return Image.fromarray(pixels)


def _sprite(actor: Actor, style: Style) -> Image.Image:
    concept, flat = actor.subject.concept, style is not Style.ROUND
    if concept is None:
        return city()
    if actor.colour:
        return tinted_sprite(concept, actor.colour, flat=flat)
    return flat_sprite(concept) if flat else kept_sprite(concept)


def _bordered(sprite: Image.Image) -> Image.Image:
    """Return the sprite as a sticker: with a white border, and a grey line around that."""
    wide = Image.new("RGBA", (sprite.width + 2 * BORDER, sprite.height + 2 * BORDER))
    wide.paste(sprite, (BORDER, BORDER))
    near = wide.getchannel("A").filter(ImageFilter.GaussianBlur(BORDER / 2))
    sticker = Image.new("RGBA", wide.size)
    for least, colour in ((6, (140, 140, 156)), (24, (255, 255, 255))):  # of 255
        layer = Image.new("RGBA", wide.size, colour)
        layer.putalpha(near.point([min(max(v - least, 0) * 16, 255) for v in range(256)]))
        sticker.alpha_composite(layer)
    sticker.alpha_composite(wide)
    return sticker


def _shade(sprite: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the sprite cropped to its content, in slightly other colours."""
    sprite = sprite.crop(sprite.getbbox(alpha_only=True))
    pixels = np.asarray(sprite).astype(np.float32)
    rgb = pixels[..., :3]
    grey = rgb.mean(axis=-1, keepdims=True)
    rgb = grey + (rgb - grey) * rng.uniform(0.88, 1.14)
    rgb = rgb * rng.uniform(0.92, 1.07) * rng.normal(1, 0.025, 3)
    varied = np.concatenate([rgb.clip(0, 255), pixels[..., 3:]], axis=-1)
    return Image.fromarray(varied.astype(np.uint8))


def _to_cell(pixels: float) -> int:
    """Return the nearest whole number of cells, in pixels."""
    return round(pixels / CELL) * CELL


def _resize(sprite: Image.Image, longest: float) -> Image.Image:
    factor = longest / max(sprite.size)
    width, height = (max(1, round(part * factor)) for part in sprite.size)
    return sprite.resize((width, height), Image.Resampling.LANCZOS)


def _alone(scene: Scene, rng: np.random.Generator) -> tuple[float, float]:
    """Return the position of a single subject; floating ones are sometimes higher up."""
    above = rng.uniform(0.0, 0.12) if scene.place.startswith(FLOATING) else 0.0
    return rng.uniform(0.42, 0.58), above


def _lit_backdrop(backdrop: Backdrop, scene: Scene) -> Backdrop:
    """Return the background in a light other than its default."""
    own = scene.place in ("night", "sunset", "neon_city", "neon_rooftop")
    factors = TINT.get(scene.light)
    if own or factors is None:
        return backdrop
    if scene.light is not Light.GOLDEN:
        factors = (factors[0] * 0.62, factors[1] * 0.6, factors[2] * 0.72)
    picture = (backdrop.picture * np.array(factors)).clip(0, 255).astype(np.uint8)
    front = backdrop.front
    if front is not None:
        front = (front * np.array([*factors, 1])).clip(0, 255).astype(np.uint8)
    return Backdrop(picture, backdrop.ground, front)


def _lit(sprite: Image.Image, light: Light, left: Rgb, right: Rgb) -> Image.Image:
    """Return the sprite in a light; neon shines on it from both sides in two colours."""
    if light not in TINT:
        return sprite
    pixels = np.asarray(sprite).astype(np.float32)
    rgb = pixels[..., :3] * np.array(TINT[light], np.float32)
    if light is Light.NEON:
        across = np.linspace(-1, 1, sprite.width, dtype=np.float32)[None, :, None]
        alpha = Image.fromarray(np.asarray(sprite)[..., 3]).filter(ImageFilter.GaussianBlur(5))
        edge = 1 - np.asarray(alpha, np.float32)[..., None] / 255
        for colour, share in ((left, (-across).clip(0)), (right, across.clip(0))):
            strength = (0.22 + 0.7 * edge) * share
            rgb = rgb + (np.array(colour, np.float32) - rgb) * strength.clip(0, 0.8)
    lit = np.concatenate([rgb.clip(0, 255), pixels[..., 3:]], axis=-1)
    return Image.fromarray(lit.astype(np.uint8))

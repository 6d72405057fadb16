"""A handful of drawn things to train on, and parts of toy size."""

from pathlib import Path

from PIL import Image, ImageDraw

from generation.embedded.recipe.models import Sizes
from generation.embedded.recipe.pictures.dataset import Concept

TINY = Sizes(
    picture=32,
    vae_blocks=(8, 8),
    vae_steps=3,
    vae_batch=2,
    layered_steps=2,
    sharpen_steps=3,
    unet_blocks=(32, 32),
    text_width=16,
    text_layers=1,
    vocabulary=60,
    reading_steps=2,
    reading_batch=4,
    steps=4,
    batch=4,
    painted=4,
    shaped=3,
    pool=6,
    fresh=2,
    classifier_examples=8,
    classifier_steps=2,
    look_every=100,
)


def draw_concepts(folder: Path, names: dict[str, tuple[str, tuple[str, ...]]]) -> list[Concept]:
    """Return concepts by name, each an ellipse of a colour, with other names."""
    found = []
    for index, (name, (colour, others)) in enumerate(names.items()):
        picture = Image.new("RGBA", (48, 48))
        ImageDraw.Draw(picture).ellipse((4, 4 + 3 * index, 44, 40), fill=colour)
        picture.save(folder / f"{index}.webp", lossless=True)
        found.append(Concept(name, others, "tool", folder / f"{index}.webp"))
    return found

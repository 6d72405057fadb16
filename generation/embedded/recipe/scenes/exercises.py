"""The contents of the pool: scenes, and varied single objects on white."""

from functools import partial
from pathlib import Path

import numpy as np

from generation.embedded.recipe.pictures.captions import Narrator
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.pictures.subjects import asked_for, subjects
from generation.embedded.recipe.scenes.brushes import pick
from generation.embedded.recipe.scenes.composition import Playwright, tell
from generation.embedded.recipe.scenes.stage import draw_name, draw_scene
from generation.embedded.recipe.training.lessons import tell_tint, tints
from generation.embedded.recipe.training.pool import Exercise, Maker

SCENES, TINTED, ASKED = 0.56, 0.08, 0.2  # shares; the rest are concepts of any kind
"""``ASKED`` are the subjects of scenes, alone on white."""


def playwright_of(concepts: list[Concept]) -> Playwright:
    """Return the generator of scenes with these concepts."""
    taught, _ = tints(concepts)
    return Playwright(subjects(concepts), taught)


def exercises(concepts: list[Concept]) -> Maker:
    """Return a function that makes a random exercise."""
    taught, _ = tints(concepts)
    playwright = Playwright(subjects(concepts), taught)
    asked = asked_for(concepts)
    narrator = Narrator(concepts)

    def make(rng: np.random.Generator) -> Exercise:
        kind = rng.random()
        seed = int(rng.integers(2**32))
        if kind < SCENES and len(playwright.subjects) > 1:  # one may be held out
            scene = playwright.scene(rng)
            return Exercise(
                lambda width, height: draw_scene(scene, np.random.default_rng(seed), width, height),
                partial(tell, scene),
            )
        if kind < SCENES + TINTED and taught:
            tint = pick(rng, taught)
            return Exercise(partial(_paint, tint.concept, tint.word, seed), tell_tint(tint))
        often = kind < SCENES + TINTED + ASKED and asked
        concept = pick(rng, asked if often else concepts)
        return Exercise(partial(_paint, concept, "", seed), narrator.teller(concept))

    return make


def paint(make: Maker, count: int, side: int, kept: Path) -> np.ndarray:
    """Return the pictures of this many exercises in layers: uint8 [count, 3, side, side, 3].

    They are cached in a file: painting them takes minutes.
    """
    if not kept.exists():
        made = (make(np.random.default_rng([9, number])) for number in range(count))
        np.save(kept, np.stack([exercise.paint(side, side) for exercise in made]))
    return np.asarray(np.load(kept))


def _paint(concept: Concept, colour: str, seed: int, width: int, height: int) -> np.ndarray:
    return draw_name(concept, np.random.default_rng(seed), width, height, colour)

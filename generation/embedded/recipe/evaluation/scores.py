"""How well scenes are drawn, by the recipe's own classifiers, and how sharp and varied they are.

Every scene is captioned with randomly chosen words; drawn scenes are compared with the recipe's
renderings of the same scenes.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from diffusers import StableDiffusionPipeline

from generation.embedded.recipe.evaluation.classifier import Classifier, recognise
from generation.embedded.recipe.evaluation.evaluate import draw, side_of
from generation.embedded.recipe.pictures.arrays import WHOLE
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.scenes.composition import Playwright, Scene, tell
from generation.embedded.recipe.scenes.stage import draw_name, draw_scene

SEEDS = 4  # pictures per caption whose distances are measured
SMALL = 32  # px: size at which distances are measured, so that noise counts for little


@dataclass(frozen=True, slots=True)
class Drawn:
    """Pictures drawn for scenes: uint8 [n, side, side, 3]."""

    scenes: list[Scene]
    pictures: np.ndarray


@dataclass(frozen=True, slots=True)
class Recognised:
    """Shares (0…1) of drawn scenes in which the classifiers find what was asked for."""

    subject: float
    place: float


@dataclass(frozen=True, slots=True)
class SceneFigures:
    """Shares and ratios that measure how well scenes are drawn, by their names in the benchmark."""

    scene_subject_top1: float
    scene_background_top1: float
    unseen_pairs_top1: float
    diversity_ratio: float
    edge_ratio: float


def judge_scenes(
    pipeline: StableDiffusionPipeline, playwright: Playwright, model: Classifier, scale: float = 1
) -> SceneFigures:
    """Draw 512 taught scenes, 256 of held-out pairs, and 48 captions four times, or a share."""
    taught = some(playwright.pairs(held=False), round(512 * scale), seed=6000)
    unseen = some(playwright.pairs(held=True), round(256 * scale), seed=6001)
    drawn = draw_scenes(pipeline, taught, seed=6000)
    seen = recognised(model, playwright, drawn)
    others = recognised(model, playwright, draw_scenes(pipeline, unseen, seed=6001))
    return SceneFigures(
        scene_subject_top1=round(seen.subject, 4),
        scene_background_top1=round(seen.place, 4),
        unseen_pairs_top1=round(others.subject, 4),
        diversity_ratio=round(diversity_ratio(pipeline, taught[: round(48 * scale)]), 4),
        edge_ratio=round(edge_ratio(drawn), 4),
    )


def some(scenes: list[Scene], count: int, seed: int) -> list[Scene]:
    """Return ``count`` of the scenes, or all, in random order."""
    return [scenes[i] for i in np.random.default_rng(seed).permutation(len(scenes))[:count]]


def draw_scenes(pipeline: StableDiffusionPipeline, scenes: list[Scene], seed: int) -> Drawn:
    """Caption scenes, one wording each, and draw them."""
    said = [tell(scene, np.random.default_rng([seed, i])) for i, scene in enumerate(scenes)]
    return Drawn(scenes, draw(pipeline, said, seed))


def recognised(model: Classifier, playwright: Playwright, drawn: Drawn) -> Recognised:
    """Return how often the classifiers recognize the scenes' subjects and places."""
    subjects, places = recognise(model, drawn.pictures)
    pairs = list(zip(drawn.scenes, subjects, places, strict=True))
    return Recognised(
        subject=_share(
            [playwright.subjects[s] == scene.actors[0].subject for scene, s, _ in pairs]
        ),
        place=_share([playwright.places[p] == scene.place for scene, _, p in pairs]),
    )


def diversity_ratio(
    pipeline: StableDiffusionPipeline, scenes: list[Scene], seed: int = 7000
) -> float:
    """Return the distance between four seeds of a caption, relative to that of four renderings."""
    said = [tell(scene, np.random.default_rng([seed, i])) for i, scene in enumerate(scenes)]
    words = [one for one in said for _ in range(SEEDS)]
    made = compose([scene for scene in scenes for _ in range(SEEDS)], side_of(pipeline), seed)
    return _apart(draw(pipeline, words, seed)) / _apart(made)


def name_diversity(
    pipeline: StableDiffusionPipeline, concepts: list[Concept], names: int = 32, seed: int = 7500
) -> float:
    """Return the same ratio for bare names, spread over the set."""
    asked = np.unique(np.linspace(0, len(concepts) - 1, names).round().astype(int))
    every = [concepts[i] for i in asked for _ in range(SEEDS)]
    side = side_of(pipeline)
    chances = (np.random.default_rng([seed, i]) for i in range(len(every)))
    made = [draw_name(one, rng, side, side)[WHOLE] for one, rng in zip(every, chances, strict=True)]
    drawn = draw(pipeline, [concept.name for concept in every], seed)
    return _apart(drawn) / _apart(np.stack(made))


def edge_ratio(drawn: Drawn, seed: int = 8000) -> float:
    """Return the drawn scenes' edge energy, relative to renderings of the same scenes."""
    made = compose(drawn.scenes, drawn.pictures.shape[1], seed)
    return edge_energy(drawn.pictures) / edge_energy(made)


def compose(scenes: list[Scene], side: int, seed: int) -> np.ndarray:
    """Return scenes rendered by the recipe: uint8 [n, side, side, 3]."""
    chances = (np.random.default_rng([seed, i]) for i in range(len(scenes)))
    return np.stack(
        [draw_scene(scene, rng, side)[WHOLE] for scene, rng in zip(scenes, chances, strict=True)]
    )


def edge_energy(pictures: np.ndarray) -> float:
    """Return the mean squared difference between neighbouring pixels, of values 0…1."""
    grey = pictures.astype(np.float32).mean(axis=-1) / 255
    down, across = np.diff(grey, axis=1), np.diff(grey, axis=2)
    return float(np.square(down).mean() + np.square(across).mean())


def _apart(pictures: np.ndarray) -> float:
    """Return the mean distance between pictures within each group of ``SEEDS``."""
    factor = pictures.shape[1] // SMALL
    cells = pictures.reshape(-1, SEEDS, SMALL, factor, SMALL, factor, 3).astype(np.float32)
    small = cells.mean(axis=(3, 5)) / 255
    distances = [
        np.sqrt(np.square(small[:, a] - small[:, b]).mean(axis=(1, 2, 3)))
        for a, b in combinations(range(SEEDS), 2)
    ]
    return float(np.mean(distances))


def _share(right: list[bool]) -> float:
    return sum(right) / len(right)

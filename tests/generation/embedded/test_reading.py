"""Learning to read the sentences of scenes, before anything is drawn for them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from generation.embedded.recipe.models import build_text_encoder, build_unet
from generation.embedded.recipe.pictures.captions import Narrator
from generation.embedded.recipe.scenes.composition import Actor, Relation, Scene, tell
from generation.embedded.recipe.scenes.exercises import playwright_of
from generation.embedded.recipe.training.reading import Summary, learn_to_read, meaning
from generation.embedded.recipe.training.tokenizer import train_tokenizer
from tests.generation.embedded.toys import TINY, draw_concepts

ANIMALS = {"cat": ("gray", ()), "dog": ("brown", ()), "owl": ("tan", ()), "crab": ("red", ())}
SIZES = replace(TINY, vocabulary=300, reading_steps=400, reading_batch=32, reading_rate=3e-3)


def test_a_sentence_comes_to_mean_its_subject(tmp_path: Path):
    torch.manual_seed(0)
    concepts = draw_concepts(tmp_path, ANIMALS)
    playwright = playwright_of(concepts)
    scenes = playwright.pairs(held=False)
    rng = np.random.default_rng(0)
    told = [tell(scene, rng) for scene in scenes for _ in range(3)]
    tokenizer = train_tokenizer(told, SIZES.vocabulary)
    text = build_text_encoder(SIZES, tokenizer)
    summary = Summary(build_unet(SIZES), text, tokenizer)
    names = [Narrator(concepts).teller(concept) for concept in concepts]
    subjects = [one.name for one in playwright.subjects]
    with torch.no_grad():
        known = summary.of(summary.ids(subjects))[0]
    before = _understood(summary, known, playwright.pairs(held=True), subjects)
    learn_to_read(SIZES, summary, playwright, names, tmp_path, "cpu")
    after = _understood(summary, known, playwright.pairs(held=True), subjects)
    assert after > max(0.55, before), "on backgrounds that it was never told of with them"
    with torch.no_grad():
        again = summary.of(summary.ids(subjects))[0]
    assert torch.cdist(again, known).argmin(1).tolist() == list(range(len(subjects)))


@torch.no_grad()
def _understood(
    summary: Summary, known: torch.Tensor, scenes: list[Scene], subjects: list[str]
) -> float:
    """Return the share of sentences whose summary is nearest to that of their subject's name."""
    rng = np.random.default_rng(1)
    scenes = scenes * 8
    found = summary.of(summary.ids([tell(scene, rng) for scene in scenes]))[0]
    wanted = torch.tensor([subjects.index(scene.actors[0].subject.name) for scene in scenes])
    return (torch.cdist(found, known).argmin(1) == wanted).float().mean().item()


def test_what_is_told_of_subjects_is_said_as_names_are(tmp_path: Path):
    cat, dog = playwright_of(draw_concepts(tmp_path, ANIMALS)).subjects[1:3]
    said = [
        meaning(Scene((Actor(cat, "blue"),), "night")),
        meaning(Scene((Actor(cat),), "white", relation=Relation.TWO)),
        meaning(Scene((Actor(cat), Actor(dog)), "night", relation=Relation.ON)),
    ]
    assert said == ["blue cat", "two cats", "a cat and a dog"]

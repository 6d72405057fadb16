"""What the recipe measures, and with what."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from generation.embedded.recipe.evaluation import classifier
from generation.embedded.recipe.evaluation.classifier import recognise, shrink, train_classifier
from generation.embedded.recipe.evaluation.evaluate import frame
from generation.embedded.recipe.evaluation.scores import (
    Drawn,
    compose,
    edge_energy,
    recognised,
    some,
)
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.scenes.exercises import playwright_of
from generation.embedded.recipe.training.progress import Progress


def test_a_blurred_picture_has_less_edge_energy():
    picture = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(picture).ellipse((10, 10, 50, 50), fill="navy")
    sharp = np.asarray(picture)[None]
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(2)))[None]
    assert edge_energy(np.full_like(sharp, 40)) == 0
    assert edge_energy(soft) < 0.6 * edge_energy(sharp)


def test_things_are_compared_wherever_they_lie_in_their_frames():
    large, small = Image.new("RGB", (64, 64), "white"), Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(large).rectangle((4, 4, 59, 43), fill="navy")
    ImageDraw.Draw(small).rectangle((20, 30, 47, 49), fill="navy")
    one, other = frame(np.asarray(large)), frame(np.asarray(small))
    assert np.abs(one.astype(int) - other).mean() < 6
    assert (frame(np.full((8, 8, 3), 255, np.uint8)) == 255).all()


def test_the_classifier_goes_on_after_a_stop_as_if_there_had_been_none(
    concepts: list[Concept], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Progress, "every", 1)
    playwright = playwright_of(concepts)
    states = []
    for name, steps in (("straight", (3,)), ("stopped", (3, 3))):
        folder = tmp_path / name
        folder.mkdir()
        for run, count in enumerate(steps):
            with monkeypatch.context() as patch:
                if run + 1 < len(steps):
                    begun = iter(range(9))
                    shift = classifier._shift

                    def dies(batch: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
                        if next(begun) == 1:  # noqa: B023
                            raise KeyboardInterrupt
                        return shift(batch, rng)  # noqa: B023

                    patch.setattr(classifier, "_shift", dies)
                    with pytest.raises(KeyboardInterrupt):
                        train_classifier(playwright, folder, examples=6, steps=count, batch=4)
                else:
                    model = train_classifier(playwright, folder, examples=6, steps=count, batch=4)
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_what_is_recognised_is_counted(concepts: list[Concept], tmp_path: Path):
    playwright = playwright_of(concepts)
    model = train_classifier(playwright, tmp_path, examples=6, steps=1, batch=4)
    scenes = some(playwright.pairs(held=False), 12, seed=0)
    assert len(scenes) == 12
    pictures = compose(scenes, 128, seed=1)
    subjects, places = recognise(model, pictures)
    right = [
        playwright.subjects[s] == x.actors[0].subject for s, x in zip(subjects, scenes, strict=True)
    ]
    found = recognised(model, playwright, Drawn(scenes, pictures))
    assert found.subject == sum(right) / 12
    assert (
        found.place
        == sum(playwright.places[p] == x.place for p, x in zip(places, scenes, strict=True)) / 12
    )
    assert shrink(pictures[0]).shape == (classifier.SIDE, classifier.SIDE, 3)

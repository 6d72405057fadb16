"""The training recipe, whole, on a handful of pictures and with parts of toy size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from generation.embedded.recipe.evaluation.evaluate import accuracy, colour_share, rank, vae_psnr
from generation.embedded.recipe.evaluation.scores import name_diversity
from generation.embedded.recipe.pictures.captions import Narrator, misspell, plural
from generation.embedded.recipe.pictures.colours import HUES, hue_difference, measure, recolour
from generation.embedded.recipe.pictures.dataset import Concept, load_picture, merge_alike
from generation.embedded.recipe.scenes.exercises import exercises
from generation.embedded.recipe.stages import train
from generation.embedded.recipe.training import denoiser
from generation.embedded.recipe.training.gradients import Parts
from generation.embedded.recipe.training.lessons import build_lessons, tell_tint, tints
from generation.embedded.recipe.training.muon import Muon, orthogonalize
from generation.embedded.recipe.training.progress import LOWEST, Progress, set_rate
from tests.generation.embedded.toys import TINY, draw_concepts


def weights(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*.safetensors")}


def test_the_recipe_goes_on_after_a_stop_as_if_there_had_been_none(
    concepts: list[Concept], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Progress, "every", 1)
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    for folder in (straight, stopped):
        folder.mkdir()
    train(TINY, concepts, straight, straight / "out")

    timesteps = denoiser._timesteps
    begun = iter(range(3))

    def dies_at_the_third_step(count: int, device: str) -> torch.Tensor:
        if next(begun) == 2:
            raise KeyboardInterrupt
        return timesteps(count, device)

    with monkeypatch.context() as patch:
        patch.setattr(denoiser, "_timesteps", dies_at_the_third_step)
        with pytest.raises(KeyboardInterrupt):
            train(TINY, concepts, stopped, stopped / "out")
    train(TINY, concepts, stopped, stopped / "out")
    assert weights(stopped / "out") == weights(straight / "out")
    assert len(weights(straight / "out")) == 3

    further = tmp_path / "further"
    further.mkdir()
    train(TINY, concepts, further, further / "out", start=straight / "out")
    changed = {
        name.split("/")[0]
        for name, written in weights(further / "out").items()
        if written != weights(straight / "out")[name]
    }
    assert changed == {"text_encoder", "unet"}
    assert str(tmp_path) not in (further / "out" / "vae" / "config.json").read_text("utf-8")

    pipeline = StableDiffusionPipeline.from_pretrained(straight / "out", dtype=torch.float32)
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert accuracy(pipeline, concepts, names=3, steps=2).names == 3
    assert name_diversity(pipeline, concepts, names=2) > 0
    share, pictures = colour_share(pipeline, concepts)
    assert 0 <= share <= 1
    assert len(pictures) == len(tints(concepts)[1])
    assert 0 < vae_psnr(pipeline.vae, np.stack([load_picture(c, 32, 32) for c in concepts])) < 40


def test_muon_moves_as_far_in_every_direction():
    matrix = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    for one in (matrix, matrix.T, matrix.T.contiguous()):
        values = torch.linalg.svdvals(orthogonalize(one))
        assert (values > 0.6).all()
        assert (values < 1.3).all()
    weight = torch.nn.Parameter(torch.zeros(8, 3, 2, 2))
    muon = Muon([weight], lambda function, things: [function(thing) for thing in things])
    muon.param_groups[0]["lr"] = 0.1
    weight.grad = torch.randn(8, 3, 2, 2) * 1e-4
    muon.step()
    moved = weight.detach().square().mean().sqrt().item()
    assert moved == pytest.approx(0.1 * 0.2, rel=0.3), "however small the gradient was"


def test_parts_of_a_batch_give_its_gradient():
    layer = torch.nn.Linear(3, 1)
    rows = torch.randn(5, 3)
    parts = Parts("cpu")
    try:
        loss = parts.backward(lambda rows: layer(rows).square().mean(), rows)
    finally:
        parts.close()
    found = layer.weight.grad.clone()
    layer.zero_grad()
    whole = layer(rows).square().mean()
    whole.backward()
    assert loss == pytest.approx(whole.item())
    assert torch.allclose(found, layer.weight.grad)


def test_every_colour_word_gives_its_colour(concepts: list[Concept]):
    for concept in concepts:
        for word in HUES:
            assert measure(recolour(load_picture(concept, 32, 32), word)).word == word
    white = np.full((8, 8, 3), 255, np.uint8)
    assert np.array_equal(recolour(white, "blue"), white)
    assert [hue_difference(350, 10), hue_difference(10, 350)] == [-20, 20]


def test_what_is_held_out_is_never_taught(concepts: list[Concept]):
    taught, held = tints(concepts)
    assert held
    assert not {tint.caption for tint in taught} & {tint.caption for tint in held}
    assert {tint.spoken for tint in held} <= {tint.spoken for tint in taught}
    rng = np.random.default_rng(0)
    make = exercises(concepts)
    made = [make(np.random.default_rng(seed)) for seed in range(400)]
    said = {exercise.caption(rng) for exercise in made}
    said |= {caption(rng) for lesson in build_lessons(concepts, 32) for caption in lesson.captions}
    assert said & {tell_tint(tint)(rng) for tint in taught for _ in range(20)}
    assert not said & {tint.caption for tint in held}


def test_concepts_with_the_same_picture_are_one_of_several_names(tmp_path: Path):
    names = {"male farmer": ("red", ()), "farmer": ("red", ("rancher",)), "tree": ("green", ())}
    same, *others = draw_concepts(tmp_path, names)
    same = replace(same, name="man farmer")
    twin = replace(others[0], picture=same.picture)
    assert merge_alike([same, twin, others[1]]) == [
        replace(twin, other_names=("rancher", "man farmer")),
        others[1],
    ]
    assert merge_alike([same, others[1]]) == [same, others[1]]


def test_captions_mean_one_concept(concepts: list[Concept]):
    narrator = Narrator(concepts)
    rng = np.random.default_rng(0)
    for concept in concepts[3:5]:
        told = {narrator.tell(concept, rng) for _ in range(300)}
        number = concept.name.split()[-1]
        assert len(told) > 20
        assert not any({"clock", "face"} == set(words.split()) for words in told)
        assert sum(number in words for words in told) > len(told) / 2
    assert "automobile" in {narrator.tell(concepts[1], rng) for _ in range(50)}
    plurals = {"cat": "cats", "cherry": "cherries", "fox": "foxes", "grey wolf": "grey wolves"}
    assert {word: plural(word) for word in plurals} == plurals
    assert plural("glasses") == "glasses"
    assert all(abs(len(misspell("orange", rng)) - 6) <= 1 for _ in range(20))


def test_rank_counts_the_nearest():
    training = np.full((7, 48, 48, 3), 255, np.uint8)
    for index, picture in enumerate(training):
        picture[8:40, 4:24] = 20
        picture[8:40, 24:44] = 30 * index
    moved = np.full((3, 64, 64, 3), 255, np.uint8)
    moved[0, 30:62, 20:60] = training[0, 8:40, 4:44]
    moved[1, 2:34, 20:60] = training[1, 8:40, 4:44][:, ::-1]
    moved[2, 2:34, 20:60] = training[2, 8:40, 4:44]
    found = rank(moved, training, np.array([0, 1, 3]))
    assert (found.top1, found.top5, found.names) == (pytest.approx(2 / 3), 1, 3)
    turned = np.asarray(Image.fromarray(training[4]).rotate(7, fillcolor="white"))[None]
    assert rank(turned, training, np.array([4])).top1 == 1


def test_the_rate_falls_to_its_end_however_many_steps_there_are():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    rates = []
    for step, steps in ((0, 1000), (49, 1000), (500, 1000), (500, 600), (1000, 1000)):
        set_rate(optimizer, 2.0, step, steps)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[0] < 0.1
    assert rates[1] > 1.9
    assert rates[2] > rates[3] > rates[4] == pytest.approx(2 * LOWEST)

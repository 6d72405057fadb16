"""The VAE whose latents hold a picture's two layers, and the critic of its decoder."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from generation.embedded.recipe.models import LAYER, build_vae
from generation.embedded.recipe.pictures.arrays import BEHIND, THINGS, WHOLE, to_tensor
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.scenes.exercises import exercises
from generation.embedded.recipe.training.autoencoder import (
    distance,
    encode,
    encode_layers,
    strengths_apart,
    train_vae,
    without_things,
)
from generation.embedded.recipe.training.sharpen import Critic, sharpen
from tests.generation.embedded.toys import TINY


@pytest.fixture
def layers(concepts: list[Concept]) -> np.ndarray:
    make = exercises(concepts)
    return np.stack([make(np.random.default_rng([9, i])).paint(32, 32) for i in range(6)])


def test_it_takes_whole_pictures_apart_and_puts_the_layers_together(
    layers: np.ndarray, tmp_path: Path
):
    torch.manual_seed(1)
    whole = to_tensor(layers[:, WHOLE])
    found = []
    for vae in (
        build_vae(TINY).eval(),
        train_vae(replace(TINY, vae_steps=300, vae_batch=6), layers, tmp_path, "cpu"),
    ):
        apart = encode_layers(vae, layers)
        assert apart.shape == (6, 2 * LAYER, 16, 16)
        with torch.no_grad():
            drawn = vae.decode(apart).sample
        taken = (encode(vae, layers[:, WHOLE]) - apart).square().mean() / apart.var()
        found.append((float(distance(drawn, whole)), float(taken)))
    assert found[1][0] < 0.6 * found[0][0], found
    assert found[1][1] < 0.6 * found[0][1], found
    assert encode_layers(vae, layers).std() * vae.config.scaling_factor == pytest.approx(1, rel=0.1)


def test_some_pictures_are_shown_without_their_things():
    torch.manual_seed(0)
    layers = torch.randint(0, 200, (400, 3, 4, 4, 3), dtype=torch.uint8)
    layers[300:, BEHIND] = 255
    bare = without_things(layers)
    alone = (bare[:, THINGS] == 255).flatten(1).all(1)
    assert 0.05 < alone[:300].float().mean() < 0.2
    assert not alone[300:].any(), "on white there would be nothing"
    assert torch.equal(bare[alone, WHOLE], layers[alone, BEHIND])
    assert torch.equal(bare[~alone], layers[~alone])


def test_sharpening_teaches_the_decoder_alone(layers: np.ndarray, tmp_path: Path):
    vae = build_vae(TINY).eval()
    before = {name: value.clone() for name, value in vae.state_dict().items()}
    as_painted = layers.copy()
    sharpen(TINY, layers, vae, tmp_path, "cpu")
    moved = {
        name.split(".")[0]
        for name, value in vae.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert moved == {"decoder", "post_quant_conv"}
    assert np.array_equal(layers, as_painted)


def test_what_the_critic_finds_changes_the_decoder(
    layers: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    torch.manual_seed(0)
    first = build_vae(TINY).eval()
    taught = {}
    for weight in (0.0, 0.0, 1.0):
        monkeypatch.setattr("generation.embedded.recipe.training.sharpen.CRITICAL", weight)
        work = tmp_path / f"{len(taught)}{weight}"
        work.mkdir()
        vae = sharpen(TINY, layers, deepcopy(first), work, "cpu")
        last = vae.decoder.conv_out.weight
        assert torch.equal(taught.setdefault(weight, last), last)  # of one weight, always the same
    assert not torch.equal(taught[0.0], taught[1.0])


def test_the_critic_judges_each_cell():
    critic = Critic(2 * LAYER, depth=3)
    assert critic(torch.zeros(2, 3, 64, 96), torch.zeros(2, 2 * LAYER, 8, 12)).shape == (
        2,
        1,
        8,
        12,
    )


def test_a_moved_edge_is_as_strong_and_a_soft_one_is_not():
    across = torch.arange(17.0)
    sharp, moved, soft = (
        edge.expand(1, 3, 17, 17)
        for edge in ((across > 5).float(), (across > 6).float(), (across / 6 - 0.5).clamp(0, 1))
    )
    assert strengths_apart(moved, sharp) < 0.2 * strengths_apart(soft, sharp)

"""The VAE whose latents hold a picture's two layers, and the critic of its decoder."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from generation.embedded.recipe.models import LAYER, build_vae
from generation.embedded.recipe.pictures.arrays import WHOLE, to_tensor
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.scenes.exercises import exercises, paint
from generation.embedded.recipe.training.autoencoder import (
    distance,
    encode_layers,
    strengths_apart,
)
from generation.embedded.recipe.training.layered import join_layers, widen
from generation.embedded.recipe.training.sharpen import Critic, sharpen
from tests.generation.embedded.toys import TINY


@torch.no_grad()
def test_it_begins_with_what_a_vae_of_one_layer_knows():
    torch.manual_seed(0)
    single = build_vae(TINY).eval()
    layered = widen(single, build_vae(TINY, 2 * LAYER)).eval()
    picture = torch.rand(2, 3, 32, 32) * 2 - 1
    alone, both = (vae.encode(picture).latent_dist for vae in (single, layered))
    assert torch.allclose(both.mean, torch.cat([alone.mean] * 2, dim=1), atol=1e-5)
    assert torch.allclose(both.logvar, torch.cat([alone.logvar] * 2, dim=1), atol=1e-5)
    things, behind = torch.randn(2, 2, LAYER, 16, 16)
    drawn = layered.decode(torch.cat([things, behind], dim=1)).sample
    assert torch.allclose(drawn, single.decode(things).sample, atol=1e-4)


def test_joining_learns_to_put_the_layers_together(concepts: list[Concept], tmp_path: Path):
    torch.manual_seed(0)
    single = build_vae(TINY).eval()
    before = {name: value.clone() for name, value in single.state_dict().items()}
    layers = paint(exercises(concepts), 6, 32, tmp_path / "painted.npy")
    first = widen(single, build_vae(TINY, 2 * LAYER)).eval()
    layered = join_layers(replace(TINY, layered_steps=150), layers, single, tmp_path, "cpu")
    assert all(torch.equal(value, before[name]) for name, value in single.state_dict().items())
    assert layered.config.latent_channels == 2 * LAYER
    latents = encode_layers(single, layers, "cpu")
    assert latents.shape == (6, 2 * LAYER, 16, 16)
    whole = to_tensor(layers[:, WHOLE])
    with torch.no_grad():
        apart = [float(distance(vae.decode(latents).sample, whole)) for vae in (first, layered)]
    assert apart[1] < 0.7 * apart[0], apart


def test_sharpening_teaches_the_decoder_alone(concepts: list[Concept], tmp_path: Path):
    single, layered = build_vae(TINY).eval(), build_vae(TINY, 2 * LAYER).eval()
    before = {name: value.clone() for name, value in layered.state_dict().items()}
    layers = paint(exercises(concepts), 6, 32, tmp_path / "painted.npy")
    as_painted = layers.copy()
    sharpen(TINY, layers, single, layered, tmp_path, "cpu")
    moved = {
        name.split(".")[0]
        for name, value in layered.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert moved == {"decoder", "post_quant_conv"}
    assert np.array_equal(layers, as_painted)


def test_what_the_critic_finds_changes_the_decoder(
    concepts: list[Concept], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    torch.manual_seed(0)
    single, layered = build_vae(TINY).eval(), build_vae(TINY, 2 * LAYER).eval()
    layers = paint(exercises(concepts), 6, 32, tmp_path / "painted.npy")
    taught = {}
    for weight in (0.0, 0.0, 1.0):
        monkeypatch.setattr("generation.embedded.recipe.training.sharpen.CRITICAL", weight)
        work = tmp_path / f"{len(taught)}{weight}"
        work.mkdir()
        vae = sharpen(TINY, layers, single, deepcopy(layered), work, "cpu")
        last = vae.decoder.conv_out.weight
        assert torch.equal(taught.setdefault(weight, last), last)  # of one weight, always the same
    assert not torch.equal(taught[0.0], taught[1.0])


def test_the_critic_judges_each_cell():
    critic = Critic(2 * LAYER, depth=3)
    assert critic(torch.zeros(2, 3, 64, 96), torch.zeros(2, 8, 8, 12)).shape == (2, 1, 8, 12)


def test_a_moved_edge_is_as_strong_and_a_soft_one_is_not():
    across = torch.arange(17.0)
    sharp, moved, soft = (
        edge.expand(1, 3, 17, 17)
        for edge in ((across > 5).float(), (across > 6).float(), (across / 6 - 0.5).clamp(0, 1))
    )
    assert strengths_apart(moved, sharp) < 0.2 * strengths_apart(soft, sharp)

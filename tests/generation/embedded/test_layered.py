"""The VAE whose latents hold a picture's two layers."""

from pathlib import Path

import numpy as np
import torch

from generation.embedded.recipe.models import LAYER, build_vae
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.scenes.exercises import exercises, paint
from generation.embedded.recipe.training.autoencoder import encode_layers, strengths_apart
from generation.embedded.recipe.training.layered import join_layers, widen
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


def test_joining_leaves_the_single_one_as_it_is(concepts: list[Concept], tmp_path: Path):
    single = build_vae(TINY).eval()
    before = {name: value.clone() for name, value in single.state_dict().items()}
    layers = paint(exercises(concepts), 6, 32, tmp_path / "painted.npy")
    layered = join_layers(TINY, layers, single, tmp_path, "cpu")
    assert all(torch.equal(value, before[name]) for name, value in single.state_dict().items())
    assert layered.config.latent_channels == 2 * LAYER
    for vae in (single, layered):
        assert encode_layers(vae, layers, "cpu").shape == (6, 2 * LAYER, 16, 16)
    assert np.isfinite(layered.decode(torch.zeros(1, 8, 16, 16)).sample.detach().numpy()).all()


def test_a_moved_edge_is_as_strong_and_a_soft_one_is_not():
    across = torch.arange(17.0)
    sharp, moved, soft = (
        edge.expand(1, 3, 17, 17)
        for edge in ((across > 5).float(), (across > 6).float(), (across / 6 - 0.5).clamp(0, 1))
    )
    assert strengths_apart(moved, sharp) < 0.2 * strengths_apart(soft, sharp)

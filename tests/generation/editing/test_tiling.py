"""Pictures whose opposite edges continue each other."""

import io
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image

from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.deltas import Change, LowRank
from generation.conditions.adapters.row_adapters import NO_ADAPTERS, AdapterSet, RowAdapters
from generation.conditions.tiling import Tiling
from generation.engine.engine import Engine
from generation.errors import InvalidRequest
from generation.hires import Hires
from generation.request import Sampler
from tests.generation.conftest import TINY, MakeRequest, draw_source, pixels, run
from tests.generation.families.reference import Draw, diffusers_own


@pytest.fixture(scope="session")
def around(tiny_folder: Path) -> Draw:
    """Diffusers' own pipeline, all of whose convolutions wrap around."""
    with pytest.MonkeyPatch.context() as patch:
        real = StableDiffusionPipeline.from_pretrained

        def from_pretrained(*args: object, **kwargs: object) -> StableDiffusionPipeline:
            pipeline = real(*args, **kwargs)
            for model in (pipeline.unet, pipeline.vae.decoder):
                for layer in model.modules():
                    if isinstance(layer, torch.nn.Conv2d):
                        layer.padding_mode = "circular"
            return pipeline

        patch.setattr(StableDiffusionPipeline, "from_pretrained", from_pretrained)
        return diffusers_own(tiny_folder)


@pytest.mark.parametrize("guidance", [1.0, 6.0], ids=["unguided", "guided"])
@pytest.mark.parametrize("sampler", [Sampler.EULER_A, Sampler.DPMPP_2M_KARRAS, Sampler.HEUN])
def test_pixels_are_those_of_diffusers_with_circular_padding(
    engine: Engine, around: Draw, make_request: MakeRequest, sampler: Sampler, guidance: float
):
    request = make_request(
        tiling=True, sampler=sampler, guidance_scale=guidance, width=56, height=40, num_images=1
    )
    drawn = pixels(run(engine, request))
    assert np.array_equal(drawn, around(request))
    assert not np.array_equal(drawn, pixels(run(engine, replace(request, tiling=False))))


def steps(picture: np.ndarray, axis: int) -> tuple[float, float]:
    """Return how much values change from edge to opposite edge, and from place to place inside."""
    values = np.moveaxis(picture.astype(float), axis, 0)
    inside = np.abs(np.diff(values, axis=0)).mean((1, 2))
    return float(np.abs(values[0] - values[-1]).mean()), float(inside.max())


@pytest.mark.parametrize("hires", [None, Hires(2.0, 0.6)], ids=["one pass", "two"])
def test_opposite_edges_continue_each_other(
    engine: Engine, make_request: MakeRequest, hires: Hires | None
):
    drawn = pixels(run(engine, make_request(tiling=True, num_images=4, hires=hires)))
    for picture in drawn:
        for axis in (0, 1):
            across, inside = steps(picture, axis)
            assert across <= 1.1 * inside


def test_where_a_picture_begins_makes_no_difference(
    engine: Engine, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    """Rolled noise gives the rolled picture, as if there were no edges; otherwise it does not."""
    real = torch.randn
    drawn = {}
    for tiling in (False, True):
        request = make_request(tiling=tiling, sampler=Sampler.DDIM, width=48)
        (here,) = pixels(run(engine, request))
        with monkeypatch.context() as patch:
            patch.setattr(torch, "randn", lambda *a, **k: real(*a, **k).roll((2, 4), (2, 3)))
            (there,) = pixels(run(engine, request))
        drawn[tiling] = np.abs(np.roll(here.astype(int), (8, 16), (0, 1)) - there)
    assert drawn[True].max() <= 1
    assert drawn[False].max() > 32


def test_a_picture_to_start_from_wraps_around_too(
    engine: Engine, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    """What a VAE makes of a picture moves along with it, also past its edges."""
    monkeypatch.setattr(
        DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mean
    )
    pipeline = engine.cache.take(TINY, lambda *_: None)
    picture = Image.open(io.BytesIO(draw_source(32, 32)))
    rolled = Image.fromarray(np.roll(np.asarray(picture), (8, 16), (0, 1)))
    apart = {}
    for tiling in (False, True):
        request = make_request(strength=0.5, image=draw_source(32, 32), tiling=tiling)
        here, there = (
            pipeline.start(request, one).picture(torch.Generator()) for one in (picture, rolled)
        )
        assert here.shape == (1, 4, 8, 8)
        apart[tiling] = float((here.roll((2, 4), (2, 3)) - there).abs().mean())
    assert apart[True] < apart[False] / 10


def test_a_decode_in_tiles_wraps_around_nearly_as_a_whole_one(
    engine: Engine, make_request: MakeRequest
):
    vae = engine.cache.take(TINY, lambda *_: None)._autoencoder
    latents = torch.randn(1, 4, 24, 24, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        whole = vae.decode(latents, tiled=True)
        room, vae._room = vae._room, 0
        try:
            parts = vae.decode(latents, tiled=True)
            assert vae._vae.use_tiling
        finally:
            vae._room = room
        vae.decode(latents)  # and back
    assert parts.shape == whole.shape
    # Its tiles' norms differ, and so do colours; but there is no more of a seam than inside.
    across, inside = steps(parts.numpy(), 0)
    assert across <= 1.1 * inside
    assert steps(parts.numpy(), 1)[0] <= 1.1 * steps(parts.numpy(), 1)[1]


def test_rows_beside_it_change_no_bit():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(4, 8, 3, padding=1),
        torch.nn.Conv2d(8, 8, 3, stride=2, padding=1),
        torch.nn.Conv2d(8, 4, 1),
    )
    rows = torch.randn(4, 4, 8, 6)
    tiling = Tiling(model)
    with torch.inference_mode():
        plain = model(rows)
        for fixed in (False, True):
            with tiling.applied([False, True, False, True], fixed=fixed):
                mixed = model(rows)
            assert mixed[[0, 2]].equal(plain[[0, 2]])
            assert not torch.allclose(mixed[1], plain[1])
            with tiling.applied([True], fixed=fixed):
                alone = model(rows[1:2])
                rolled = model(rows[1:2].roll((2, 4), (2, 3)))
            assert torch.allclose(alone, mixed[1:2], atol=1e-6)
            assert torch.allclose(rolled, alone.roll((1, 2), (2, 3)), atol=1e-6)
        assert model(rows).equal(plain), "nothing is left behind"


def test_a_lora_of_a_convolution_wraps_around_with_it():
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(4, 8, 3, padding=1)
    model = torch.nn.Sequential(layer)
    change = Change(LowRank(torch.randn(2, 4, 3, 3), torch.randn(8, 2)))
    loaded = Mock(changes={Part.DENOISER: {"0": change}})
    one = AdapterSet(Part.DENOISER, ((loaded, 0.5),))
    merged = torch.nn.Conv2d(4, 8, 3, padding=1)
    wrapped = torch.nn.Conv2d(4, 8, 3, padding=1, padding_mode="circular")
    for whole in (merged, wrapped):
        whole.load_state_dict(
            {"weight": layer.weight + 0.5 * change.delta.dense(), "bias": layer.bias}
        )
    rows = torch.randn(3, 4, 8, 6)
    adapters, tiling = RowAdapters(model), Tiling(model)
    with torch.inference_mode():
        for fixed in (False, True):
            with adapters.applied([one, one, NO_ADAPTERS], fixed=fixed):
                plain = model(rows)
                with tiling.applied([False, True, True], fixed=fixed):
                    drawn = model(rows)
            assert drawn[0].equal(plain[0]), "others are as they were, to the bit"
            assert torch.allclose(drawn[0], merged(rows)[0], atol=1e-5)
            assert torch.allclose(drawn[1], wrapped(rows)[1], atol=1e-5)
            assert not torch.allclose(drawn[1], merged(rows)[1], atol=1e-2)


def test_a_transformer_s_pictures_have_edges(make_request: MakeRequest):
    with pytest.raises(InvalidRequest, match="tiling must be left out with Flux"):
        make_request(family="flux", tiling=True)

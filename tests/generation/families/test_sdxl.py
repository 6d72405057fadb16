"""What Stable Diffusion XL has that Stable Diffusion 1 has not."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPTextModelWithProjection

from generation.catalog import Catalog, Checkpoint
from generation.engine.engine import Engine
from generation.families.sdxl import StableDiffusionXL
from generation.families.stable_diffusion import StableDiffusion
from generation.loading.model_loader import find_files, load, load_parts
from generation.request import GenerationRequest, Progress, Sampler
from tests.generation.conftest import CPU, PLAIN, MakeRequest, draw_source, pixels, run, save_tiny
from tests.generation.families.reference import Draw, diffusers_own
from tests.generation.families.tiny import save_tiny_xl

XL = "XL"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_xl(tmp_path_factory.mktemp("tiny") / "xl")


def checkpoint(folder: Path) -> Checkpoint:
    return Checkpoint(name=XL, source=folder, family="sdxl", size=64)


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> StableDiffusionXL:
    loaded = load(checkpoint(folder), CPU)
    assert isinstance(loaded, StableDiffusionXL)
    return loaded


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    return Engine(Catalog({XL: checkpoint(folder)}, XL), CPU, options=PLAIN)


@pytest.fixture(scope="module")
def reference(folder: Path) -> Draw:
    return diffusers_own(folder, "sdxl")


def wish(make_request: MakeRequest, **changes: object) -> GenerationRequest:
    return make_request(**{"checkpoint": XL, "family": "sdxl", **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"negative_prompt": ""},
        {"negative_prompt": "a cat"},
        {"guidance_scale": 0.0},
        {"width": 56, "height": 40, "num_images": 3},
        {"guidance_rescale": 0.7},
        {"guidance_rescale": 0.7, "strength": 0.65, "image": draw_source(32, 32)},
    ],
)
def test_pixels_are_those_of_diffusers(
    engine: Engine, reference: Draw, make_request: MakeRequest, changes: dict
):
    request = wish(make_request, **changes)
    assert np.array_equal(pixels(run(engine, request)), reference(request))


def test_an_empty_negative_prompt_is_zeros_where_it_was_trained_so(
    tmp_path: Path, pipeline: StableDiffusionXL, make_request: MakeRequest
):
    encoded = load(checkpoint(save_tiny_xl(tmp_path / "xl", empty_is_zero=False)), CPU)
    for empty in ("", "  "):
        request = wish(make_request, negative_prompt=empty)
        zeros, words = pipeline.encode(request), encoded.encode(request)
        assert zeros.negative is not None
        assert words.negative is not None
        for name in ("prompt", "pooled"):
            assert not zeros.negative[0][1][name].any()
            assert words.negative[0][1][name].any()
        assert torch.equal(zeros.negative[0][1]["sizes"], zeros.positive[0][1]["sizes"])
    negative = pipeline.encode(wish(make_request, negative_prompt="a cat")).negative
    assert negative is not None
    assert negative[0][1]["prompt"].any()


def test_both_encoders_read_long_prompts_and_weights(
    pipeline: StableDiffusionXL, make_request: MakeRequest
):
    def read(prompt: str) -> tuple[torch.Tensor, torch.Tensor]:
        conditioning = pipeline.encode(wish(make_request, prompt=prompt)).positive[0][1]
        return conditioning["prompt"], conditioning["pooled"]

    plain, pooled = read("a red apple")
    assert (plain.shape, pooled.shape) == ((1, 77, 24 + 40), (1, 40))
    weighted, same = read("a (red:1.4) apple")
    assert torch.equal(same, pooled)
    for encoder in (slice(0, 24), slice(24, None)):
        apart = (weighted - plain)[0, :, encoder].abs().amax(1)
        assert (apart > 1e-4).any(), "both weigh it"
    long, first = read("a red apple BREAK two boats")
    assert long.shape == (1, 2 * 77, 24 + 40)
    assert torch.equal(long[:, :77], read("a red apple")[0]), "chunks are read apart"
    assert torch.equal(first, pooled), "what is pooled is the first chunk's"
    prompts = pipeline.encode(wish(make_request, prompt="boats " * 300, negative_prompt="a"))
    assert prompts.cut.endswith("boats")
    assert prompts.negative is not None
    shapes = {name: value.shape for name, value in prompts.negative[0][1].items()}
    assert shapes == {name: value.shape for name, value in prompts.positive[0][1].items()}


def test_a_row_knows_its_picture_s_size(pipeline: StableDiffusionXL, make_request: MakeRequest):
    request = wish(make_request, width=56, height=40)
    sizes = pipeline.encode(request).positive[0][1]["sizes"]
    assert sizes.tolist() == [[40, 56, 0, 0, 40, 56]]


def test_people_with_prompts_of_one_length_share_a_bucket(
    pipeline: StableDiffusionXL, make_request: MakeRequest
):
    def shapes(**changes: object) -> object:
        return pipeline.encode(wish(make_request, **changes)).shapes

    assert shapes() == shapes(prompt="two boats", guidance_scale=1.0, width=56)
    assert shapes() != shapes(prompt="two boats BREAK a cat")


@pytest.mark.parametrize("upcast", [True, False])
def test_a_vae_that_overflows_in_fp16_is_in_fp32(
    folder: Path, make_request: MakeRequest, upcast: bool
):
    parts = load_parts(find_files(checkpoint(folder)), torch.float16)
    parts.components["vae"].register_to_config(force_upcast=upcast)
    half = StableDiffusionXL(parts, CPU)
    assert half.unet.dtype == torch.float16
    assert half.vae.dtype == (torch.float32 if upcast else torch.float16)
    latents = half.latents(64, 64)
    assert latents.dtype == torch.float16
    assert half.decode(latents).shape == (64, 64, 3)
    request = wish(make_request, width=64, height=64, strength=0.5)
    start = half.start(request, Image.new("RGB", (64, 64), "red"))
    assert start.picture is not None
    assert start.picture(torch.Generator()).dtype == torch.float16


def test_previews_have_its_colours(engine: Engine, make_request: MakeRequest):
    told = run(engine, wish(make_request))
    preview = next(one.preview for one in told if isinstance(one, Progress) and one.preview)
    assert Image.open(io.BytesIO(preview)).size == (128, 128)
    assert engine.cache._pipelines[XL].preview_colours is StableDiffusionXL.colours
    assert StableDiffusionXL.colours is not StableDiffusion.colours


def test_its_second_encoder_projects(pipeline: StableDiffusionXL):
    assert pipeline.models["text_encoder_2"] is CLIPTextModelWithProjection
    assert pipeline.architecture.name == "sdxl"


@pytest.mark.parametrize("guidance", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("sampler", [Sampler.LCM, Sampler.TCD, Sampler.EULER])
@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_a_latent_consistency_model_takes_guidance_as_an_input(
    tmp_path: Path, make_request: MakeRequest, family: str, sampler: Sampler, guidance: float
):
    save = {"sd1": save_tiny, "sdxl": save_tiny_xl}[family]
    folder = save(tmp_path / "lcm", unet={"time_cond_proj_dim": 9})
    fast = Checkpoint(name=XL, source=folder, family=family, size=64, lcm=True)
    engine = Engine(Catalog({XL: fast}, XL), CPU, options=PLAIN)
    rows: list[int] = []
    assert engine.warm_up() is None
    engine.cache._pipelines[XL].unet.register_forward_pre_hook(
        lambda _unet, inputs: rows.append(len(inputs[0]))
    )
    request = make_request(
        checkpoint=XL,
        family=family,
        sampler=sampler,
        guidance_scale=guidance,
        num_inference_steps=2,
        num_images=2,
    )
    assert np.array_equal(pixels(run(engine, request)), diffusers_own(folder, family)(request))
    assert {*rows} == {2}, "no second row for guidance"

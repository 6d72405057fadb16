"""A tiny checkpoint with random weights in diffusers' folder format, and requests for it."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel

from generation.catalog import Catalog, Checkpoint
from generation.embedded.recipe.training.tokenizer import train_tokenizer
from generation.engine.engine import Engine
from generation.options import EngineOptions
from generation.request import Event, GenerationRequest, Picture, Sampler

TINY = "Tiny"
CPU = torch.device("cpu")
PLAIN = EngineOptions(rows=16)  # instead of measuring how many pay
MakeRequest = Callable[..., GenerationRequest]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other over such small pictures cost fifty times the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built like Stable Diffusion 1."""
    return save_tiny(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture(scope="session")
def tiny_2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built like Stable Diffusion 2.1, which predicts v."""
    return save_tiny(
        tmp_path_factory.mktemp("checkpoint") / "tiny 2",
        unet={"attention_head_dim": [2, 4], "use_linear_projection": True},
        text_encoder={"hidden_act": "gelu"},
        scheduler=DDIMScheduler(
            **BETAS, clip_sample=False, set_alpha_to_one=False, prediction_type="v_prediction"
        ),
    )


BETAS = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}


def save_tiny(
    folder: Path,
    unet: Mapping[str, object] | None = None,
    text_encoder: Mapping[str, object] | None = None,
    scheduler: SchedulerMixin | None = None,
) -> Path:
    """Save half a million random weights; pictures are 4 px a latent cell."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer(["a red apple", "a sleeping cat", "two boats at sea"], 30)
    encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            projection_dim=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            **text_encoder or {},
        )
    )
    model = {
        "sample_size": 8,
        "block_out_channels": (32, 64),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "layers_per_block": 1,
        "cross_attention_dim": 32,
        "attention_head_dim": 8,
        "norm_num_groups": 16,
    }
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(16, 16, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=32,
    )
    StableDiffusionPipeline(
        vae=vae,
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(**{**model, **(unet or {})}),
        scheduler=scheduler or PNDMScheduler(**BETAS, skip_prk_steps=True),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder, safe_serialization=True)
    matrix = [[0.3, 0.0, 0.0], [0.0, 0.3, 0.0], [0.0, 0.0, 0.3], [0.1, 0.1, 0.1]]
    (folder / "preview.json").write_text(json.dumps({"matrix": matrix, "bias": [0.1, 0.0, -0.1]}))
    return folder


@pytest.fixture
def catalog(tiny_folder: Path) -> Catalog:
    return Catalog({TINY: Checkpoint(name=TINY, source=tiny_folder, size=32, lcm=True)}, TINY)


@pytest.fixture
def make_request() -> MakeRequest:
    """Make a request for the tiny checkpoint, with what differs from a plain one."""

    def make(**changes: object) -> GenerationRequest:
        plain = {
            "prompt": "a red apple",
            "checkpoint": TINY,
            "width": 32,
            "height": 32,
            "num_inference_steps": 4,
            "guidance_scale": 5.0,
            "sampler": Sampler.DPMPP_2M_KARRAS,
            "seed": 7,
        }
        return GenerationRequest(**{**plain, **changes})

    return make


def run(engine: Engine, request: GenerationRequest, key: int = 1) -> list[Event]:
    """Add a request and step until it has ended."""
    engine.add(key, request)
    events = []
    while not engine.idle:
        events += [event for _, event in engine.step()]
    return events


def pixels(events: list[Event]) -> np.ndarray:
    """Return the pictures among the events: uint8 [n, height, width, 3]."""
    pictures = [event for event in events if isinstance(event, Picture)]
    return np.stack([np.asarray(Image.open(io.BytesIO(picture.png))) for picture in pictures])


def assert_alike(
    drawn: np.ndarray, wanted: np.ndarray, what: object = "", share: float = 0.001
) -> None:
    """One level apart in at most a share of the values, as pictures drawn in company may be.

    On some CPUs the last bit of a product of one to three rows is another than among more rows,
    and diffusers calls some models for a prompt and its negative in turn, the engine at once.
    """
    apart = np.abs(drawn.astype(int) - wanted)
    assert apart.max() <= 1, what
    assert (apart > 0).mean() <= share, what


def draw_source(width: int, height: int) -> bytes:
    """Return a picture to start from, a PNG of noise over a slope."""
    noise = np.random.default_rng(0).integers(0, 128, (height, width, 3))
    slope = np.linspace(0, 127, width)[None, :, None]
    file = io.BytesIO()
    Image.fromarray((noise + slope).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()

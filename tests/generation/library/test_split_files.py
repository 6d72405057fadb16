"""Models in parts, as ComfyUI's folders have them: each finds the parts that it lacks."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from generation.library.offers import Looker
from generation.loading.detect import inspect_file
from tests.generation.loading import layouts
from tests.generation.loading.full_size import full_models
from tests.generation.loading.layouts import Weights

UNKEPT = Path("no such folder")  # in which what was read would be kept


def wider(weights: Weights, names: Mapping[str, tuple[int, ...]]) -> Weights:
    """Return weights of which some have other shapes, or are new."""
    with torch.device("meta"):
        return weights | {
            name: torch.empty(shape, dtype=torch.float16) for name, shape in names.items()
        }


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder as people have it: three families' parts, and encoders of models not drawn here."""
    flux, z_image, sd1 = (full_models(size) for size in ("flux_dev", "z_image", "sd1"))
    t5 = layouts.t5(flux["text_encoder_2"])
    qwen = layouts.qwen(z_image["text_encoder"])
    pruned = layouts.whole("sd1", sd1)
    files = {
        "diffusion_models/flux1-dev": layouts.flux(flux["transformer"]),
        "diffusion_models/z_image_turbo": layouts.z_image(z_image["transformer"]),
        "vae/ae": layouts.vae(flux["vae"]),
        "vae/vae-ft-mse-840000": layouts.vae(sd1["vae"]),
        "text_encoders/clip_l": layouts.clip(flux["text_encoder"]),
        "text_encoders/t5xxl_fp16": t5,
        "text_encoders/umt5_xxl_fp16": wider(
            t5,
            {
                "shared.weight": (256_384, 4096),
                "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight": (32, 64),
            },
        ),
        "text_encoders/qwen_3_4b": qwen,
        "text_encoders/qwen_2.5_vl_7b": wider(
            qwen,
            {
                "model.embed_tokens.weight": (152_064, 3584),
                "model.layers.0.self_attn.q_proj.weight": (3584, 3584),
            },
        ),
        "checkpoints/pruned": {
            key: one for key, one in pruned.items() if not key.startswith("first_stage_model.")
        },
    }
    for name, weights in files.items():
        layouts.sparse(weights, tmp_path / f"{name}.safetensors")
    return tmp_path


def test_each_model_finds_the_parts_that_it_lacks(models: Path):
    offers = Looker([models], UNKEPT, None, None)()
    found = {
        name: {part.stem for part in one.parts}
        for name, one in offers.catalog.checkpoints.items()
        if name != "Emoji"
    }
    assert found == {
        "flux1-dev": {"ae", "clip_l", "t5xxl_fp16"},
        "z_image_turbo": {"ae", "qwen_3_4b"},
        "pruned": {"vae-ft-mse-840000"},
    }
    assert offers.notes == ()


def test_a_vae_tells_how_many_channels_its_latents_have(models: Path):
    channels = {
        name: inspect_file(models / "vae" / f"{name}.safetensors").in_channels
        for name in ("ae", "vae-ft-mse-840000")
    }
    assert channels == {"ae": 16, "vae-ft-mse-840000": 4}

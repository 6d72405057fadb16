"""Tiny models of every family, built like the full-size ones, with widths that files tell."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from generation.loading.layouts.components import empty_model
from generation.loading.layouts.composition import ASSETS, COMPONENTS, shipped_config
from generation.loading.layouts.tokenizers import load_tokenizers
from tests.generation.loading import layouts
from tests.generation.loading.layouts import Weights

CLIP = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": 300}
CLIP |= {"num_attention_heads": 1, "projection_dim": 64}
CLIP_2 = CLIP | {"hidden_size": 128, "num_attention_heads": 2, "projection_dim": 128}
CLIP_2 |= {"num_hidden_layers": 11}
UNET = {"block_out_channels": [32, 64], "layers_per_block": 1, "cross_attention_dim": 64}
UNET |= {
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}
VAE = {"block_out_channels": [32, 32, 64, 64], "layers_per_block": 1}
T5 = {"d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 2, "num_heads": 4, "vocab_size": 300}
QWEN = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "vocab_size": 300}
QWEN |= {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}

# What differs from a family's configurations, by diffusers' names.
TINY: dict[str, dict[str, dict[str, Any]]] = {
    "sd1": {"unet": UNET, "vae": VAE, "text_encoder": CLIP},
    "sd2": {
        "unet": UNET | {"block_out_channels": [64, 128], "attention_head_dim": [1, 2]},
        "vae": VAE,
        "text_encoder": CLIP,
    },
    "sdxl": {
        "unet": UNET
        | {
            "block_out_channels": [64, 128],
            "attention_head_dim": [1, 2],
            "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
            "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
            "transformer_layers_per_block": [1, 2],
            "cross_attention_dim": 192,
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 128 + 6 * 8,
        },
        "vae": VAE,
        "text_encoder": CLIP,
        "text_encoder_2": CLIP_2,
    },
    "sd3": {
        "transformer": {
            "num_layers": 3,
            "num_attention_heads": 2,
            "caption_projection_dim": 128,
            "joint_attention_dim": 64,
            "pooled_projection_dim": 192,
            "pos_embed_max_size": 16,
            "qk_norm": "rms_norm",
            "dual_attention_layers": [0],
        },
        "vae": VAE,
        "text_encoder": CLIP,
        "text_encoder_2": CLIP_2,
        "text_encoder_3": T5,
    },
    "flux": {
        "transformer": {
            "num_layers": 2,
            "num_single_layers": 3,
            "attention_head_dim": 16,
            "num_attention_heads": 2,
            "joint_attention_dim": 64,
            "pooled_projection_dim": 64,
            "axes_dims_rope": [4, 6, 6],
        },
        "vae": VAE,
        "text_encoder": CLIP,
        "text_encoder_2": T5,
    },
    "z_image": {
        "transformer": {
            "dim": 64,
            "n_layers": 2,
            "n_refiner_layers": 1,
            "n_heads": 4,
            "n_kv_heads": 4,
            "cap_feat_dim": 64,
            "axes_dims": [4, 6, 6],
        },
        "vae": VAE,
        "text_encoder": QWEN,
    },
}
Models = dict[str, Weights]


def tiny_config(family: str, name: str) -> dict[str, Any]:
    return {**shipped_config(family, name), **TINY[family][name]}


def tiny_models(family: str, *, vocabulary: bool = False) -> Models:
    """Return random weights of every model of a family, by diffusers' names.

    With its real ``vocabulary``, megabytes, a checkpoint needs no configuration to be drawn with.
    """
    torch.manual_seed(0)
    models = {}
    for name in COMPONENTS[family]:
        config = tiny_config(family, name)
        if vocabulary and "vocab_size" in config:
            config["vocab_size"] = shipped_config(family, name)["vocab_size"]
        empty = empty_model(config)
        models[name] = {
            key: torch.randn(value.shape) / 8 for key, value in empty.state_dict().items()
        }
        if name == "text_encoder_3" or (family, name) == ("flux", "text_encoder_2"):
            models[name]["encoder.embed_tokens.weight"] = models[name]["shared.weight"]
        if family == "z_image" and name == "text_encoder":
            models[name]["lm_head.weight"] = models[name]["model.embed_tokens.weight"]
    return models


def save_tiny(family: str, file: Path, dtype: torch.dtype = torch.float16) -> Path:
    """Write a checkpoint of random weights that is drawn with as it is, as people share it."""
    weights = layouts.whole(family, tiny_models(family, vocabulary=True))
    return layouts.save(
        {key: one.to(dtype) if one.is_floating_point() else one for key, one in weights.items()},
        file,
    )


def save_folder(family: str, folder: Path) -> Path:
    """Write the same checkpoint as a diffusers folder."""
    for name, weights in tiny_models(family, vocabulary=True).items():
        config = tiny_config(family, name)
        stem = "diffusion_pytorch_model"
        if "vocab_size" in config:
            config["vocab_size"], stem = shipped_config(family, name)["vocab_size"], "model"
        half = {key: one.half() for key, one in weights.items()}
        layouts.save(half, folder / name / f"{stem}.safetensors", {"format": "pt"})
        (folder / name / "config.json").write_text(json.dumps(config))
    for name, tokenizer in load_tokenizers(family).items():
        tokenizer.save_pretrained(folder / name)
    shutil.copytree(ASSETS / family / "scheduler", folder / "scheduler")
    shutil.copy(ASSETS / family / "model_index.json", folder)
    return folder

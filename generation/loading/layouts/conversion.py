"""Renames a part's weights from the layouts that people share to diffusers' names.

Most of it diffusers does itself; Flux's does so for its own width only, and knows no others.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
    convert_sd3_transformer_checkpoint_to_diffusers,
    convert_z_image_transformer_checkpoint_to_diffusers,
)
from torch import nn

from generation.loading.key_rules import DENOISER

Weights = dict[str, torch.Tensor]


def convert(model: nn.Module, config: Mapping[str, Any], weights: Weights) -> Weights:
    """Return a part's weights under the names of ``model``, whose configuration is ``config``.

    ``weights`` have no checkpoint's prefix; tensors on the meta device are converted as well. Those
    with diffusers' names stay as they are. Raises KeyError if some that belong together are not.
    """
    for marker, conversion in _CONVERSIONS.get(type(model).__name__, {}).items():
        if marker in weights:
            return conversion(model, config, weights)
    return weights


def _unet(_model: nn.Module, config: Mapping[str, Any], weights: Weights) -> Weights:
    named = {f"{DENOISER}{key}": one for key, one in weights.items()}
    converted = convert_ldm_unet_checkpoint(named, config)
    if "time_embed.cond_proj.weight" in weights:  # of a latent consistency model
        guidance = weights["time_embed.cond_proj.weight"]
        converted["time_embedding.cond_proj.weight"] = guidance
    return converted


def _vae(_model: nn.Module, config: Mapping[str, Any], weights: Weights) -> Weights:
    return convert_ldm_vae_checkpoint(weights, config)


def _clip(model: nn.Module, config: Mapping[str, Any], weights: Weights) -> Weights:
    """Add or remove ``text_model.``, which transformers has had in its names, or not."""
    inner = "text_model." if hasattr(model, "text_model") else ""
    converted = {}
    for key, one in weights.items():
        bare = key.removeprefix("text_model.")
        outer = bare.startswith(("text_projection.", "logit_scale"))
        converted[bare if outer else inner + bare] = one
    projects = "text_projection.weight" in model.state_dict()
    if projects and "text_projection.weight" not in converted:
        # SD 3's files leave out CLIP-L's, which pools without one.
        device = next(iter(weights.values())).device
        converted["text_projection.weight"] = torch.eye(config["projection_dim"], device=device)
    return converted


def _open_clip(model: nn.Module, config: Mapping[str, Any], weights: Weights) -> Weights:
    inner = getattr(model, "text_model", model)
    converted = convert_open_clip_checkpoint(inner, weights, prefix="")
    last = config["num_hidden_layers"]
    kept = {
        key: one
        for key, one in converted.items()
        if not (found := re.search(r"encoder\.layers\.(\d+)\.", key)) or int(found[1]) < last
    }
    return _clip(model, config, kept)


def _sd3(_model: nn.Module, _config: Mapping[str, Any], weights: Weights) -> Weights:
    return convert_sd3_transformer_checkpoint_to_diffusers(dict(weights))


def _z_image(_model: nn.Module, _config: Mapping[str, Any], weights: Weights) -> Weights:
    return convert_z_image_transformer_checkpoint_to_diffusers(dict(weights))


# Flux's names beside diffusers'; those with several are one matrix of rows for each.
_FLUX = (
    ("time_in.in_layer", "time_text_embed.timestep_embedder.linear_1"),
    ("time_in.out_layer", "time_text_embed.timestep_embedder.linear_2"),
    ("vector_in.in_layer", "time_text_embed.text_embedder.linear_1"),
    ("vector_in.out_layer", "time_text_embed.text_embedder.linear_2"),
    ("guidance_in.in_layer", "time_text_embed.guidance_embedder.linear_1"),
    ("guidance_in.out_layer", "time_text_embed.guidance_embedder.linear_2"),
    ("txt_in", "context_embedder"),
    ("img_in", "x_embedder"),
    ("final_layer.linear", "proj_out"),
    ("final_layer.adaLN_modulation.1", "norm_out.linear"),
)
_FLUX_DOUBLE = (
    ("img_mod.lin", "norm1.linear"),
    ("txt_mod.lin", "norm1_context.linear"),
    ("img_attn.qkv", "attn.to_q attn.to_k attn.to_v"),
    ("txt_attn.qkv", "attn.add_q_proj attn.add_k_proj attn.add_v_proj"),
    ("img_attn.norm.query_norm", "attn.norm_q"),
    ("img_attn.norm.key_norm", "attn.norm_k"),
    ("txt_attn.norm.query_norm", "attn.norm_added_q"),
    ("txt_attn.norm.key_norm", "attn.norm_added_k"),
    ("img_attn.proj", "attn.to_out.0"),
    ("txt_attn.proj", "attn.to_add_out"),
    ("img_mlp.0", "ff.net.0.proj"),
    ("img_mlp.2", "ff.net.2"),
    ("txt_mlp.0", "ff_context.net.0.proj"),
    ("txt_mlp.2", "ff_context.net.2"),
)
_FLUX_SINGLE = (
    ("modulation.lin", "norm.linear"),
    ("linear1", "attn.to_q attn.to_k attn.to_v proj_mlp"),
    ("linear2", "proj_out"),
    ("norm.query_norm", "attn.norm_q"),
    ("norm.key_norm", "attn.norm_k"),
)
_FLUX_NAMES = dict(_FLUX)
_FLUX_BLOCKS = {
    "double_blocks": ("transformer_blocks", dict(_FLUX_DOUBLE)),
    "single_blocks": ("single_transformer_blocks", dict(_FLUX_SINGLE)),
}


def _flux(_model: nn.Module, config: Mapping[str, Any], weights: Weights) -> Weights:
    width = config["num_attention_heads"] * config["attention_head_dim"]
    converted: Weights = {}
    for key, one in weights.items():
        name, _, ending = key.rpartition(".")
        ending = "weight" if ending == "scale" else ending
        block = re.fullmatch(r"(double_blocks|single_blocks)\.(\d+)\.(.+)", name)
        names, root = _FLUX_NAMES, ""
        if block:
            family, names = _FLUX_BLOCKS[block[1]]
            root, name = f"{family}.{block[2]}.", block[3]
        if name not in names:
            converted[key] = one
            continue
        targets = names[name].split()
        if names[name] == "norm_out.linear":  # shift and scale, which diffusers has the other way
            one = torch.cat(one.chunk(2)[::-1])
        rows = [width] * (len(targets) - 1)
        pieces = one.split([*rows, len(one) - sum(rows)]) if rows else (one,)
        for target, piece in zip(targets, pieces, strict=True):
            converted[f"{root}{target}.{ending}"] = piece.clone() if rows else piece
    return converted


Conversion = Callable[[nn.Module, Mapping[str, Any], Weights], Weights]
# By the model's class, and a name that only that layout has.
_CLIP_LAYOUTS: dict[str, Conversion] = {
    "ln_final.weight": _open_clip,
    "text_model.final_layer_norm.weight": _clip,
    "final_layer_norm.weight": _clip,
}
_CONVERSIONS: dict[str, dict[str, Conversion]] = {
    "UNet2DConditionModel": {"input_blocks.0.0.weight": _unet},
    "AutoencoderKL": {"decoder.mid.block_1.conv1.weight": _vae},
    "CLIPTextModel": _CLIP_LAYOUTS,
    "CLIPTextModelWithProjection": _CLIP_LAYOUTS,
    "SD3Transformer2DModel": {"x_embedder.proj.weight": _sd3},
    "FluxTransformer2DModel": {"img_in.weight": _flux},
    "ZImageTransformer2DModel": {"x_embedder.weight": _z_image},
}

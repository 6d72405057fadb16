"""Makes control nets of files: lllyasviel's layout, or diffusers'; and CLIP's image encoders.

A control net is a copy of its checkpoint's encoder. So what shapes do not tell of how it is built
is as in the checkpoint's UNet; of a configuration beside it only what no shape tells is believed.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, ControlNetUnionModel
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
from torch import nn

from generation.json_text import loads
from generation.loading.layouts.components import empty_model, fill, read_weights
from generation.loading.layouts.conversion import Weights
from generation.loading.layouts.fitting import Config, Shapes
from generation.loading.safetensors_file import Tensor, open_header
from generation.phrases import Phrase

PREFIX = "control_model."
MOST_BYTES = 2**20  # of a configuration
CONDITION = "controlnet_cond_embedding."
# What a configuration may say, as its values are checked by diffusers.
_NET_SAYS = ("controlnet_conditioning_channel_order", "global_pool_conditions")
_ENCODER_SAYS = ("hidden_act", "num_attention_heads", "layer_norm_eps")
HEADS = {768: 12, 1024: 16, 1280: 16, 1664: 16}  # of CLIP's image encoders, by their widths
HEAD = 64
QUICK = (768, 1024)  # widths of OpenAI's, which have another activation than OpenCLIP's


def load_control_net(
    file: Path, said: Path | None, unet: Mapping[str, Any], dtype: torch.dtype
) -> nn.Module:
    """Return the control net in a file, on the CPU, for UNets of a configuration.

    ``said`` is the configuration beside it. Raises ValueError, saying what does not fit, or
    SafetensorError.
    """
    header = open_header(file)
    if header.problem is not None:
        raise ValueError(header.problem)
    names = {key.removeprefix(PREFIX): key for key in header.tensors}
    shapes = _diffusers_shapes(header.tensors, names)
    config = net_config(unet, shapes)
    _check_fits(file, config, unet)
    config |= _said(said, _NET_SAYS)
    weights = _renamed(read_weights(file, names, dtype))
    model = empty_model(config)
    fill(model, config, weights, file.name)
    return model


def net_config(unet: Mapping[str, Any], shapes: Shapes) -> Config:
    """Return the configuration of a net with these shapes, by diffusers' names.

    Raises KeyError, IndexError or StopIteration if what none can be without is missing.
    """
    union = "task_embedding" in shapes
    kind = ControlNetUnionModel if union else ControlNetModel
    known = inspect.signature(kind.__init__).parameters
    levels = _count(shapes, r"down_blocks\.(\d+)\.")
    channels = [shapes[f"down_blocks.{one}.resnets.0.conv2.weight"][0] for one in range(levels)]
    depths = [
        _count(shapes, rf"down_blocks\.{one}\.attentions\.0\.transformer_blocks\.(\d+)\.")
        for one in range(levels)
    ]
    middle = _count(shapes, r"mid_block\.attentions\.0\.transformer_blocks\.(\d+)\.")
    blocks = _count(shapes, rf"{re.escape(CONDITION)}blocks\.(\d+)\.")
    first = [shapes[f"{CONDITION}conv_in.weight"][0]]
    fitted: Config = {
        "_class_name": kind.__name__,
        "in_channels": shapes["conv_in.weight"][1],
        "conditioning_channels": shapes[f"{CONDITION}conv_in.weight"][1],
        "conditioning_embedding_out_channels": first
        + [shapes[f"{CONDITION}blocks.{one}.weight"][0] for one in range(1, blocks, 2)],
        "block_out_channels": channels,
        "layers_per_block": _count(shapes, r"down_blocks\.0\.resnets\.(\d+)\."),
        "down_block_types": ["CrossAttnDownBlock2D" if one else "DownBlock2D" for one in depths],
        "transformer_layers_per_block": [*(one or 1 for one in depths[:-1]), middle or 1],
        "controlnet_conditioning_channel_order": "rgb",
        "global_pool_conditions": False,
    }
    contexts = (one for key, one in shapes.items() if key.endswith("attn2.to_k.weight"))
    if (context := next(contexts, None)) is not None:
        fitted["cross_attention_dim"] = context[1]
    if (added := shapes.get("add_embedding.linear_1.weight")) is not None:
        fitted["projection_class_embeddings_input_dim"] = added[1]
    if union:
        modes, width = shapes["task_embedding"]
        fitted["num_control_type"] = modes
        fitted["num_trans_channel"] = width
        fitted["num_trans_layer"] = _count(shapes, r"transformer_layes\.(\d+)\.")
        fitted["num_proj_channel"] = shapes["spatial_ch_projs.weight"][0]
        fitted["addition_time_embed_dim"] = (
            shapes["control_add_embedding.linear_1.weight"][1] // modes
        )
    else:
        fitted["mid_block_type"] = "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D"
    return {**{key: one for key, one in unet.items() if key in known}, **fitted}


def load_image_encoder(file: Path, said: Path | None, dtype: torch.dtype) -> nn.Module:
    """Return CLIP's image encoder in a file, on the CPU; raises as `load_control_net` does."""
    header = open_header(file)
    if header.problem is not None:
        raise ValueError(header.problem)
    shapes = {key: one.shape for key, one in header.tensors.items()}
    config = {**_encoder_config(shapes), **_said(said, _ENCODER_SAYS)}
    names = {key: key for key in header.tensors}
    model = empty_model(config)
    fill(model, config, read_weights(file, names, dtype), file.name)
    return model


def _encoder_config(shapes: Shapes) -> Config:
    root = "vision_model."
    (width,) = shapes[f"{root}embeddings.class_embedding"]
    patch = shapes[f"{root}embeddings.patch_embedding.weight"][-1]
    cells = shapes[f"{root}embeddings.position_embedding.weight"][0] - 1
    return {
        "architectures": ["CLIPVisionModelWithProjection"],
        "hidden_size": width,
        "intermediate_size": shapes[f"{root}encoder.layers.0.mlp.fc1.weight"][0],
        "projection_dim": shapes["visual_projection.weight"][0],
        "num_hidden_layers": _count(shapes, r"vision_model\.encoder\.layers\.(\d+)\."),
        "num_attention_heads": HEADS.get(width, max(1, width // HEAD)),
        "image_size": patch * round(cells**0.5),
        "patch_size": patch,
        "hidden_act": "quick_gelu" if width in QUICK else "gelu",
    }


def _check_fits(file: Path, net: Config, unet: Mapping[str, Any]) -> None:
    """Raise ValueError unless what a net makes can be added to what the UNet has there."""
    for name in ("block_out_channels", "layers_per_block", "cross_attention_dim"):
        found, wanted = (
            list(one) if isinstance(one := config.get(name), list | tuple) else one
            for config in (net, unet)
        )
        if found != wanted:
            refused = Phrase(
                "control-does-not-fit",
                file=file.name,
                name=name,
                found=str(found),
                wanted=str(wanted),
            )
            raise ValueError(refused)


def _said(config: Path | None, names: tuple[str, ...]) -> Config:
    """Return what a configuration says of these; a damaged one says nothing."""
    if config is None:
        return {}
    try:
        with config.open("rb") as opened:
            said = loads(opened.read(MOST_BYTES).decode("utf-8-sig"))
        return {name: said[name] for name in names if type(said[name]) in (bool, int, float, str)}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _diffusers_shapes(tensors: Mapping[str, Tensor], names: Mapping[str, str]) -> Shapes:
    empty = {name: torch.empty(tensors[key].shape, device="meta") for name, key in names.items()}
    return {name: tuple(one.shape) for name, one in _renamed(empty).items()}


def _renamed(weights: Weights) -> Weights:
    """Return weights by diffusers' names; raises ValueError for what is no net."""
    if "input_blocks.0.0.weight" not in weights:
        return weights
    blocks = _count(weights, r"input_blocks\.(\d+)\.")
    levels = 1 + sum(
        bool(re.fullmatch(r"input_blocks\.\d+\.0\.op\.weight", key)) for key in weights
    )
    layers = blocks // levels - 1
    try:
        named = convert_controlnet_checkpoint(dict(weights), {"layers_per_block": layers})
    except KeyError as error:
        lost = str(error.args[0])
        raise ValueError(Phrase("checkpoint-lacks-weights", count=1, first=lost)) from error
    for place, ours in ((0, "linear_1"), (2, "linear_2")):
        for ending in ("weight", "bias"):
            if (one := weights.get(f"label_emb.0.{place}.{ending}")) is not None:
                named[f"add_embedding.{ours}.{ending}"] = one
    return {key: one for key, one in named.items() if one is not None}


def _count(named: Mapping[str, object], pattern: str) -> int:
    """Return one more than the highest number that a pattern finds at names' beginnings."""
    find: Callable[[str], re.Match[str] | None] = re.compile(pattern).match
    return 1 + max((int(found[1]) for key in named if (found := find(key))), default=-1)

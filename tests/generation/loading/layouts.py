"""Writes checkpoints in diffusers' format as the files that people share, in any layout.

Names are made from diffusers' own, in the other direction than the product's. Works on meta tensors
too: `sparse` writes a header over a hole, so that full-size files take kilobytes.
"""

import json
import re
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tests.generation.loading.transformer_layouts import (
    Names,
    Weights,
    flux,
    prefixed,
    qwen,
    sd3,
    t5,
    z_image,
)

UNET_RESNET = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
)
UNET_OUTER = (
    ("time_embedding.linear_1", "time_embed.0"),
    ("time_embedding.linear_2", "time_embed.2"),
    ("time_embedding.cond_proj", "time_embed.cond_proj"),
    ("add_embedding.linear_1", "label_emb.0.0"),
    ("add_embedding.linear_2", "label_emb.0.2"),
    ("conv_in", "input_blocks.0.0"),
    ("conv_norm_out", "out.0"),
    ("conv_out", "out.2"),
    ("mid_block.resnets.0", "middle_block.0"),
    ("mid_block.attentions.0", "middle_block.1"),
    ("mid_block.resnets.1", "middle_block.2"),
)
OPEN_CLIP = (
    (r"^embeddings\.token_embedding", "token_embedding"),
    (r"^embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"^final_layer_norm", "ln_final"),
    (r"^encoder\.layers", "transformer.resblocks"),
    (r"layer_norm(\d)", r"ln_\1"),
    (r"self_attn", "attn"),
    (r"mlp\.fc1", "mlp.c_fc"),
    (r"mlp\.fc2", "mlp.c_proj"),
)
VAE = (
    (r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2"),
    (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"mid_block\.attentions\.0", "mid.attn_1"),
    (r"group_norm", "norm"),
    (r"to_out\.0", "proj_out"),
    (r"to_([qkv])\b", r"\1"),
    (r"conv_norm_out", "norm_out"),
    (r"conv_shortcut", "nin_shortcut"),
)


def substitute(weights: Weights, names: Names) -> Weights:
    """Rename by regular expressions, one after another."""

    def rename(key: str) -> str:
        for pattern, name in names:
            key = re.sub(pattern, name, key)
        return key

    return {rename(key): weight for key, weight in weights.items()}


def unet(weights: Weights) -> Weights:
    """CompVis' names of a UNet: blocks numbered from the input to the output."""
    levels = 1 + max(int(key.split(".")[1]) for key in weights if key.startswith("down_blocks."))
    layers = 1 + max(
        int(key.split(".")[3]) for key in weights if key.startswith("down_blocks.0.resnets.")
    )
    roots = dict(UNET_OUTER)
    for level in range(levels):
        for layer in range(layers):
            block = 1 + level * (layers + 1) + layer
            roots[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{block}.0"
            roots[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{block}.1"
        last = (level + 1) * (layers + 1)
        roots[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{last}.0.op"
        for layer in range(layers + 1):
            block = level * (layers + 1) + layer
            roots[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{block}.0"
            roots[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{block}.1"
        attends = any(key.startswith(f"up_blocks.{level}.attentions.") for key in weights)
        place = f"output_blocks.{level * (layers + 1) + layers}.{2 if attends else 1}"
        roots[f"up_blocks.{level}.upsamplers.0.conv"] = f"{place}.conv"

    def rename(key: str) -> str:
        root = max((one for one in roots if key.startswith(f"{one}.")), key=len)
        rest = key[len(root) + 1 :]
        if ".resnets." in root:
            part, _, ending = rest.partition(".")
            rest = f"{dict(UNET_RESNET)[part]}.{ending}"
        return f"{roots[root]}.{rest}"

    return {rename(key): weight for key, weight in weights.items()}


def vae(weights: Weights) -> Weights:
    """CompVis' names of a VAE, whose attention is a convolution over one cell."""
    levels = 1 + max(
        int(key.split(".")[2]) for key in weights if key.startswith("decoder.up_blocks.")
    )

    def upwards(key: str) -> str:
        def turn(found: re.Match[str]) -> str:
            return f"up.{levels - 1 - int(found[1])}"

        key = re.sub(r"up_blocks\.(\d)", turn, key)
        key = re.sub(r"(up\.\d)\.resnets\.(\d)", r"\1.block.\2", key)
        return re.sub(r"(up\.\d)\.upsamplers\.0", r"\1.upsample", key)

    named = substitute({upwards(key): weight for key, weight in weights.items()}, VAE)
    return {
        key: weight[:, :, None, None]
        if ".attn_1." in key and key.endswith(".weight") and ".norm." not in key
        else weight
        for key, weight in named.items()
    }


def bare_clip(weights: Weights) -> Weights:
    """CLIP without ``text_model.``, as transformers names it by now and old trainers did."""
    return {key.removeprefix("text_model."): weight for key, weight in weights.items()}


def clip(weights: Weights) -> Weights:
    """CLIP as transformers named it when most files were made, positions included."""
    named = {
        key if key.startswith("text_projection.") else f"text_model.{key}": weight
        for key, weight in bare_clip(weights).items()
    }
    positions = named["text_model.embeddings.position_embedding.weight"].shape[0]
    return {**named, "text_model.embeddings.position_ids": torch.arange(positions)[None]}


def open_clip(weights: Weights, *, unused_layer: bool = False) -> Weights:
    """OpenCLIP's names: query, key and value are one matrix.

    Files of Stable Diffusion 2 have a last layer that is not used, and a projection.
    """
    bare = bare_clip(weights)
    projection = bare.pop("text_projection.weight", None)
    named = substitute(bare, OPEN_CLIP)
    for kind in ("weight", "bias"):
        for key in [key for key in named if f"attn.q_proj.{kind}" in key]:
            rows = [named.pop(key.replace("q_proj", f"{part}_proj")) for part in "qkv"]
            named[key.replace(f"q_proj.{kind}", f"in_proj_{kind}")] = torch.cat(rows)
    layers = {int(key.split(".")[2]) for key in named if key.startswith("transformer.resblocks.")}
    last, width = max(layers), named["ln_final.weight"].shape[0]
    if unused_layer:
        for key in [key for key in named if f".resblocks.{last}." in key]:
            new = key.replace(f".resblocks.{last}.", f".resblocks.{last + 1}.")
            named[new] = torch.zeros_like(named[key])
        projection = torch.zeros(width, width)
    if projection is not None:
        named["text_projection"] = projection.T
    return {**named, "logit_scale": torch.zeros(())}


Layout = Callable[[Weights], Weights]
DENOISERS: Mapping[str, Layout] = {
    "sd1": unet,
    "sd2": unet,
    "sdxl": unet,
    "sd3": sd3,
    "flux": flux,
    "z_image": z_image,
}
# Where the text encoders' tensors begin in a whole checkpoint, and their layout there.
ENCODERS: Mapping[str, Mapping[str, tuple[str, Layout]]] = {
    "sd1": {"text_encoder": ("cond_stage_model.transformer.", clip)},
    "sd2": {
        "text_encoder": (
            "cond_stage_model.model.",
            lambda weights: open_clip(weights, unused_layer=True),
        )
    },
    "sdxl": {
        "text_encoder": ("conditioner.embedders.0.transformer.", clip),
        "text_encoder_2": ("conditioner.embedders.1.model.", open_clip),
    },
    "sd3": {
        "text_encoder": ("text_encoders.clip_l.transformer.", clip),
        "text_encoder_2": ("text_encoders.clip_g.transformer.", clip),
        "text_encoder_3": ("text_encoders.t5xxl.transformer.", t5),
    },
    "flux": {
        "text_encoder": ("text_encoders.clip_l.transformer.", clip),
        "text_encoder_2": ("text_encoders.t5xxl.transformer.", t5),
    },
    "z_image": {"text_encoder": ("text_encoders.qwen3_4b.transformer.", qwen)},
}


def whole(family: str, models: Mapping[str, Weights]) -> Weights:
    """Return a whole checkpoint of a family's models, by diffusers' names, in its usual layout."""
    denoiser = models.get("unet") or models["transformer"]
    weights = prefixed(DENOISERS[family](denoiser), "model.diffusion_model.")
    first = "vae." if family in ("flux", "z_image") else "first_stage_model."
    weights |= prefixed(vae(models["vae"]), first)
    for name, (prefix, layout) in ENCODERS[family].items():
        if name in models:
            weights |= prefixed(layout(models[name]), prefix)
    return weights


def read_folder(folder: Path) -> dict[str, Weights]:
    """Return the models' weights of a diffusers folder by their folders' names."""
    return {file.parent.name: load_file(file) for file in sorted(folder.glob("*/*.safetensors"))}


def save(weights: Weights, file: Path, metadata: Mapping[str, str] | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    separate = {key: weight.clone().contiguous() for key, weight in weights.items()}
    save_file(separate, file, dict(metadata or {}))
    return file


NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}


def sparse(weights: Weights, file: Path, metadata: Mapping[str, str] | None = None) -> Path:
    """Write a header over a hole: the file has its whole length and takes kilobytes."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for key, weight in weights.items():
        start, end = end, end + weight.numel() * weight.element_size()
        place = {"shape": list(weight.shape), "data_offsets": [start, end]}
        header[key] = {"dtype": NAMES[weight.dtype], **place}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.write(struct.pack("<Q", len(text)) + text)
        opened.truncate(8 + len(text) + end)
    return file

"""Tiny control nets, IP-Adapters and image encoders with random weights, in files."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel, ControlNetUnionModel
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from generation.catalog.controls import ControlModel, ReferenceModel
from generation.conditions.steering.ip_adapter import attentions_of

ENCODER_WIDTH, PROJECTED = 64, 48
WEIGHTS = "diffusion_pytorch_model.safetensors"


def randomize(model: nn.Module, seed: int, size: float = 0.2) -> nn.Module:
    """Give every weight a value, also those that training starts from at zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight.copy_(weight + size * noise / max(1, weight[0].numel()) ** 0.5)
    return model.eval()


def save_net(
    folder: Path, unet: nn.Module, family: str, seed: int, **config: object
) -> ControlModel:
    """Save a net as diffusers does; its pictures are 4 px a latent cell."""
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(16, 16, 32))
    net = ControlNetModel.from_config({**net.config, **config})
    randomize(net, seed).save_pretrained(folder)
    return ControlModel(
        name=folder.name, path=folder / WEIGHTS, family=family, config=folder / "config.json"
    )


def save_union(folder: Path, unet: Any, family: str, seed: int) -> list[ControlModel]:
    """Save a net for six purposes; return it as each of them."""
    plain = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(16, 16, 32))
    known = {
        name: one
        for name, one in plain.config.items()
        if name in ControlNetUnionModel._get_init_keys(ControlNetUnionModel)
    }
    width = unet.config.block_out_channels[0]
    net = ControlNetUnionModel(
        **known | {"conditioning_embedding_out_channels": (16, 16, 32)},
        num_control_type=6,
        num_trans_channel=width,
        num_trans_head=8,
        num_proj_channel=width,
    )
    randomize(net, seed).save_pretrained(folder)
    return [
        ControlModel(
            name=f"{folder.name} {mode}",
            path=folder / WEIGHTS,
            family=family,
            mode=mode,
            modes=6,
        )
        for mode in range(6)
    ]


def save_encoder(folder: Path, seed: int = 0) -> Path:
    """Save an image encoder that sees 32 × 32 px."""
    torch.manual_seed(seed)
    config = CLIPVisionConfig(
        hidden_size=ENCODER_WIDTH,
        intermediate_size=96,
        projection_dim=PROJECTED,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
        hidden_act="gelu",
    )
    model = randomize(CLIPVisionModelWithProjection(config), seed, 1.0)
    model.save_pretrained(folder)
    return folder / "model.safetensors"


def reference_weights(unet: Any, seed: int, form: str = "base") -> dict[str, torch.Tensor]:
    """Return an IP-Adapter's weights under its authors' names."""
    generator = torch.Generator().manual_seed(seed)

    def make(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) / shape[-1] ** 0.5

    def norm(name: str, width: int) -> dict[str, torch.Tensor]:
        return {f"{name}.weight": 1 + make(width), f"{name}.bias": make(width)}

    context: int = unet.config.cross_attention_dim
    projection = {
        "base": _base(make, norm, context),
        "full": _full(make, norm, context),
        "plus": _plus(make, norm, context),
    }[form]
    layers = {}
    for number, attention in enumerate(attentions_of(unet).values()):
        width = attention.to_k.weight.shape[0]
        for one in "kv":
            name = f"ip_adapter.{2 * number + 1}.to_{one}_ip.weight"
            layers[name] = 2 * make(width, context)
    return {**{f"image_proj.{key}": one for key, one in projection.items()}, **layers}


def _base(make: Any, norm: Any, context: int) -> Mapping[str, torch.Tensor]:
    return {
        "proj.weight": make(4 * context, PROJECTED),
        "proj.bias": make(4 * context),
        **norm("norm", context),
    }


def _full(make: Any, norm: Any, context: int) -> Mapping[str, torch.Tensor]:
    return {
        "proj.0.weight": make(ENCODER_WIDTH, ENCODER_WIDTH),
        "proj.0.bias": make(ENCODER_WIDTH),
        "proj.2.weight": make(context, ENCODER_WIDTH),
        "proj.2.bias": make(context),
        **norm("proj.3", context),
    }


def _plus(make: Any, norm: Any, context: int) -> Mapping[str, torch.Tensor]:
    hidden, inner = 32, 128
    found = {
        "latents": make(1, 8, hidden),
        "proj_in.weight": make(hidden, ENCODER_WIDTH),
        "proj_in.bias": make(hidden),
        "proj_out.weight": make(context, hidden),
        "proj_out.bias": make(context),
        **norm("norm_out", context),
    }
    for layer in range(4):
        root = f"layers.{layer}"
        found |= norm(f"{root}.0.norm1", hidden) | norm(f"{root}.0.norm2", hidden)
        found[f"{root}.0.to_q.weight"] = make(inner, hidden)
        found[f"{root}.0.to_kv.weight"] = make(2 * inner, hidden)
        found[f"{root}.0.to_out.weight"] = make(hidden, inner)
        found |= norm(f"{root}.1.0", hidden)
        found[f"{root}.1.1.weight"] = make(4 * hidden, hidden)
        found[f"{root}.1.3.weight"] = make(hidden, 4 * hidden)
    return found


def save_reference(
    file: Path, unet: nn.Module, family: str, encoder: Path, seed: int, form: str = "base"
) -> ReferenceModel:
    """Save an IP-Adapter as its authors do."""
    file.parent.mkdir(parents=True, exist_ok=True)
    weights = {key: one.contiguous() for key, one in reference_weights(unet, seed, form).items()}
    save_file(weights, file)
    return ReferenceModel(
        name=file.stem,
        path=file,
        family=family,
        encoder=encoder,
        config=encoder.with_name("config.json"),
    )


def draw_lines(seed: int, side: int = 64) -> Image.Image:
    """Return a control picture: white lines on black."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((side, side, 3), np.uint8)
    for _ in range(4):
        row, column = rng.integers(0, side, 2)
        pixels[row], pixels[:, column] = 255, 255
    return Image.fromarray(pixels)


def draw_colours(seed: int, width: int = 80, height: int = 64) -> Image.Image:
    """Return a picture of colours that run into each other."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (4, 4, 3), np.uint8).astype(np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def png(picture: Image.Image) -> bytes:
    """Return a picture as a file."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()

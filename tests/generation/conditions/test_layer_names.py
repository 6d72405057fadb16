"""Other programs' names of layers, against diffusers' conversion of whole checkpoints."""

from collections.abc import Callable, Mapping

import pytest
import torch
from diffusers import FluxTransformer2DModel, SD3Transformer2DModel, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_flux_transformer_checkpoint_to_diffusers,
    convert_ldm_unet_checkpoint,
    convert_sd3_transformer_checkpoint_to_diffusers,
)
from torch import nn

from generation.conditions.adapters.adapter_file import Layer, layers_of
from generation.conditions.adapters.layer_names import Target, _others, targets

SD1 = {
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
SDXL = {
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 2,
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


class Lenient(dict):
    """A checkpoint that has whatever else a conversion looks for."""

    def pop(self, key: str, default: object = None) -> object:
        return super().pop(key, torch.zeros(6))


def on_meta(kind: type[nn.Module], **config: object) -> nn.Module:
    with torch.device("meta"):
        return kind(**config)


@pytest.mark.parametrize("config", [SD1, SDXL], ids=["SD 1", "SDXL"])
def test_every_layer_of_a_unet_is_known_by_its_authors_name(config: dict[str, object]):
    unet = on_meta(UNet2DConditionModel, **config)
    theirs = authors_names(layers_of(unet))
    assert len(theirs) == len(layers_of(unet)), "each has exactly one such name"
    checkpoint, numbers = numbered(theirs, layers_of(unet), "model.diffusion_model.")
    converted = convert_ldm_unet_checkpoint(checkpoint, dict(unet.config))
    assert_divided(converted, theirs, numbers)


@pytest.mark.parametrize(
    ("model", "convert"),
    [
        (
            (FluxTransformer2DModel, {"num_layers": 2, "num_single_layers": 3}),
            convert_flux_transformer_checkpoint_to_diffusers,
        ),
        (
            (SD3Transformer2DModel, {"num_layers": 3, "dual_attention_layers": (0, 1)}),
            convert_sd3_transformer_checkpoint_to_diffusers,
        ),
    ],
    ids=["Flux", "SD 3"],
)
def test_every_layer_of_a_transformer_is_known_by_its_authors_name(
    model: tuple[type[nn.Module], dict[str, object]], convert: Callable[[Lenient], Lenient]
):
    kind, config = model
    layers = layers_of(on_meta(kind, **config))
    theirs = authors_names(layers)
    assert {layer for target in theirs.values() for layer in target.layers} == set(layers)
    checkpoint, numbers = numbered(theirs, layers, "")
    assert_divided(convert(checkpoint), theirs, numbers)


def authors_names(layers: Mapping[str, Layer]) -> dict[str, Target]:
    theirs = {
        name: target
        for name, target in _others(frozenset(layers))
        if not name.endswith("to_out") and all(layer in layers for layer in target.layers)
    }
    for name, target in theirs.items():
        assert targets(layers)[name.replace(".", "_")] == target
    return theirs


def numbered(
    names: Mapping[str, Target], layers: Mapping[str, Layer], prefix: str
) -> tuple[Lenient, dict[str, torch.Tensor]]:
    """Return a checkpoint in which every output's row has a number of its own."""
    begin, checkpoint, numbers = 0, Lenient(), {}
    for name, target in names.items():
        rows = sum(len(layers[layer].weight) for layer in target.layers)
        numbers[name] = torch.arange(begin, begin + rows)
        begin += rows
        for kind in ("weight", "bias"):
            checkpoint[f"{prefix}{name}.{kind}"] = numbers[name]
    for more in ("pos_embed", "time_embed.2.bias"):
        checkpoint.setdefault(more, torch.zeros(1))
    return checkpoint, numbers


def assert_divided(
    converted: Mapping[str, torch.Tensor],
    names: Mapping[str, Target],
    numbers: Mapping[str, torch.Tensor],
) -> None:
    for name, target in names.items():
        whole = torch.cat([converted[f"{layer}.weight"] for layer in target.layers])
        expected = numbers[name].roll(len(whole) // 2) if target.swapped else numbers[name]
        assert torch.equal(whole, expected), name

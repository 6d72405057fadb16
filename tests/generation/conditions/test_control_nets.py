"""Control nets in each layout, tiny with weights, and full-size by their headers."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import init_empty_weights
from diffusers import ControlNetModel, ControlNetUnionModel, UNet2DConditionModel

from generation.loading.detect import Kind, inspect_file
from generation.loading.layouts.composition import shipped_config
from generation.loading.layouts.control_nets import load_control_net, net_config
from generation.loading.safetensors_file import open_header
from tests.generation.conditions.steering_files import randomize
from tests.generation.loading import layouts
from tests.generation.loading.layouts import Weights
from tests.generation.loading.tiny import tiny_config

CONDITION = re.compile(r"controlnet_cond_embedding\.blocks\.(\d+)")
OUTER = {
    "controlnet_cond_embedding.conv_in": "input_hint_block.0",
    "controlnet_cond_embedding.conv_out": "input_hint_block.14",
    "controlnet_mid_block": "middle_block_out.0",
}
FAMILIES = ("sd1", "sd2", "sdxl")


def lllyasviel(weights: Weights) -> Weights:
    """Return a net's weights as their author named them."""
    encoder = {key: one for key, one in weights.items() if not key.startswith("controlnet_")}
    named = layouts.unet(encoder)
    for key, one in weights.items():
        if not key.startswith("controlnet_"):
            continue
        name = CONDITION.sub(lambda found: f"input_hint_block.{2 * int(found[1]) + 2}", key)
        name = re.sub(r"controlnet_down_blocks\.(\d+)", r"zero_convs.\1.0", name)
        for ours, theirs in OUTER.items():
            name = name.replace(ours, theirs)
        named[name] = one
    return {f"control_model.{key}": one for key, one in named.items()}


def tiny_net(family: str) -> tuple[ControlNetModel, dict[str, Any]]:
    unet = UNet2DConditionModel.from_config(tiny_config(family, "unet"))
    net = ControlNetModel.from_unet(unet)
    return randomize(net, 1), dict(unet.config)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layout", ["lllyasviel", "diffusers"])
def test_a_file_of_either_layout_becomes_the_same_net(family: str, layout: str, tmp_path: Path):
    net, unet = tiny_net(family)
    weights = dict(net.state_dict())
    named = lllyasviel(weights) if layout == "lllyasviel" else weights
    file = layouts.save(named, tmp_path / "net.safetensors")
    loaded = load_control_net(file, None, unet, torch.float32)
    found = loaded.state_dict()
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[key], one) for key, one in weights.items())
    wanted = dict(net.config)
    kept = {key: one for key, one in loaded.config.items() if key in wanted}
    for key in ("block_out_channels", "attention_head_dim", "conditioning_embedding_out_channels"):
        assert _plain(kept[key]) == _plain(wanted[key]), key


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value


def empty_net(kind: type, config: dict[str, Any]) -> dict[str, torch.Tensor]:
    with init_empty_weights():
        return dict(kind.from_config(config).state_dict())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layout", ["lllyasviel", "diffusers"])
def test_a_full_size_header_is_told_and_every_name_has_its_place(
    family: str, layout: str, tmp_path: Path
):
    unet = shipped_config(family, "unet")
    weights = {key: one.half() for key, one in empty_net(ControlNetModel, unet).items()}
    named = lllyasviel(weights) if layout == "lllyasviel" else weights
    file = layouts.sparse(named, tmp_path / "net.safetensors")
    found = inspect_file(file)
    assert (found.kind, found.family, found.algorithm) == (Kind.CONTROL, family, "controlnet")
    config = net_config(unet, _diffusers(file))
    assert {key: one.shape for key, one in empty_net(ControlNetModel, config).items()} == {
        key: one.shape for key, one in weights.items()
    }


def _diffusers(file: Path) -> dict[str, tuple[int, ...]]:
    from generation.loading.layouts import control_nets

    tensors = open_header(file).tensors
    names = {key.removeprefix(control_nets.PREFIX): key for key in tensors}
    return dict(control_nets._diffusers_shapes(tensors, names))


def test_a_small_net_has_attentions_where_its_shapes_say(tmp_path: Path):
    unet = shipped_config("sdxl", "unet")
    # As diffusers/controlnet-canny-sdxl-1.0-small.
    small = {
        **unet,
        "down_block_types": ["DownBlock2D"] * 3,
        "mid_block_type": "UNetMidBlock2D",
        "transformer_layers_per_block": [1, 1, 1],
    }
    weights = {key: one.half() for key, one in empty_net(ControlNetModel, small).items()}
    file = layouts.sparse(weights, tmp_path / "small.safetensors")
    assert inspect_file(file).family == "sdxl"
    config = net_config(unet, {key: tuple(one.shape) for key, one in weights.items()})
    assert empty_net(ControlNetModel, config).keys() == weights.keys()


@pytest.mark.parametrize("modes", [6, 8])
def test_a_union_net_is_told_with_how_much_it_reads(modes: int, tmp_path: Path):
    unet = shipped_config("sdxl", "unet")
    config = {**unet, "num_control_type": modes}
    weights = {key: one.half() for key, one in empty_net(ControlNetUnionModel, config).items()}
    file = layouts.sparse(weights, tmp_path / "union.safetensors")
    found = inspect_file(file)
    assert (found.family, found.algorithm, found.sizes) == ("sdxl", "union", (modes,))
    fitted = net_config(unet, {key: tuple(one.shape) for key, one in weights.items()})
    assert fitted["_class_name"] == "ControlNetUnionModel"
    assert empty_net(ControlNetUnionModel, fitted).keys() == weights.keys()


def test_what_no_shape_tells_a_configuration_says(tmp_path: Path):
    net, unet = tiny_net("sd1")
    file = layouts.save(dict(net.state_dict()), tmp_path / "net.safetensors")
    said = tmp_path / "config.json"
    said.write_text(
        '{"global_pool_conditions": true, "controlnet_conditioning_channel_order": "bgr",'
        ' "block_out_channels": [1000000, 2], "layers_per_block": 1000000000}'
    )
    loaded = load_control_net(file, said, unet, torch.float32)
    assert loaded.config["global_pool_conditions"] is True
    assert loaded.config["controlnet_conditioning_channel_order"] == "bgr"
    assert list(loaded.config["block_out_channels"]) == list(unet["block_out_channels"])
    said.write_text("[" * 5000)
    assert (
        load_control_net(file, said, unet, torch.float32).config["global_pool_conditions"] is False
    )


def test_a_net_that_lacks_weights_is_told(tmp_path: Path):
    net, unet = tiny_net("sd1")
    weights = dict(net.state_dict())
    del weights["controlnet_mid_block.weight"]
    file = layouts.save(weights, tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match="1 of its weights are missing, such as controlnet_mid"):
        load_control_net(file, None, unet, torch.float32)

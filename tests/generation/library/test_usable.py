"""What of adapters' and embeddings' files can be used, as `darkroom models check` asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from generation.library.diffusers_folder import inspect_folder
from generation.library.usable import Usable, UsableReader
from tests.generation.library.files import safetensors

SDXL = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
SD3_LARGE = "transformer.transformer_blocks.37.attn.to_q"
FLUX = "lora_unet_double_blocks_0_img_attn_qkv"


def pair(name: str, inputs: int, outputs: int, ends: tuple[str, str]) -> dict[str, list[int]]:
    down, up = ends
    return {f"{name}.{down}": [4, inputs], f"{name}.{up}": [outputs, 4]}


KOHYA, PEFT = ("lora_down.weight", "lora_up.weight"), ("lora_A.weight", "lora_B.weight")
ENCODER = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"


@pytest.fixture(scope="module")
def reader() -> Iterator[UsableReader]:
    with UsableReader([]) as reader:
        yield reader


@pytest.fixture
def read(reader: UsableReader, tmp_path: Path):
    """Read a file of these shapes."""

    def read(tensors: dict[str, list[int]], **said: str) -> Usable:
        file = tmp_path / "file.safetensors"
        file.write_bytes(safetensors(tensors, said))
        return reader.read(file, values=True)

    return read


@pytest.mark.parametrize(
    ("tensors", "family"),
    [
        (pair(SDXL, 2048, 640, KOHYA) | pair(ENCODER, 768, 768, KOHYA), "Stable Diffusion XL"),
        (
            pair(SD3_LARGE, 2432, 2432, PEFT)
            | pair(SD3_LARGE.replace("to_q", "add_k_proj"), 2432, 2432, PEFT),
            "Stable Diffusion 3",
        ),
        (
            pair(FLUX, 3072, 9216, KOHYA)
            | pair("lora_unet_single_blocks_0_linear2", 15360, 3072, KOHYA),
            "Flux",
        ),
    ],
)
def test_a_whole_file_is_used(read, tensors: dict[str, list[int]], family: str):
    assert read(tensors) == Usable(family, len(tensors))


def test_what_cannot_be_used_is_counted(read):
    whole = pair(SDXL, 2048, 640, KOHYA)
    others = {
        "lora_unet_mistaken.lora_down.weight": [4, 640],  # no such layer
        f"{SDXL}.strange": [1],  # no such factor
        **pair(SDXL.replace("to_k", "to_v"), 2048, 641, KOHYA),  # no such shape
        f"{SDXL.replace('to_k', 'to_q')}.lora_down.weight": [4, 640],  # one half
    }
    found = read(whole | others)
    assert (found.problem, found.tensors, found.unused) == (None, 7, 5)
    assert found.first == next(iter(others))


def test_values_that_are_no_numbers_are_counted(reader: UsableReader, tmp_path: Path):
    names = [SDXL, SDXL.replace("to_k", "to_v")]
    tensors = {
        key: torch.zeros(shape)
        for name in names
        for key, shape in pair(name, 2048, 640, KOHYA).items()
    }
    tensors[f"{names[1]}.lora_up.weight"][3] = float("nan")
    save_file(tensors, tmp_path / "nan.safetensors")
    assert reader.read(tmp_path / "nan.safetensors", values=True).unused == 2
    assert reader.read(tmp_path / "nan.safetensors", values=False).unused == 0


def test_a_family_that_is_not_told_is_found_by_what_fits(read):
    layer = "lora_unet_input_blocks_1_1_transformer_blocks_0_ff_net_2"
    found = read(pair(layer, 1280, 320, KOHYA))
    assert (found.problem, found.family) == (None, "Stable Diffusion 1")
    strange = read(pair("lora_unet_nowhere", 3, 5, KOHYA))
    assert "does not say what it was made for" in str(strange.problem)


def test_what_is_made_for_something_else_is_said(read):
    found = read(pair("transformer_blocks.0.img_mlp.net.2", 12, 12, PEFT))
    assert "was made for Qwen-Image, which is not supported" in str(found.problem)
    layers = pair(SDXL, 2048, 641, KOHYA)
    assert "does not fit Stable Diffusion XL" in str(read(layers).problem)


def test_a_model_of_other_sizes_is_known_if_it_is_there(read, tiny_folder: Path, tmp_path: Path):
    layer = "lora_unet_down_blocks_2_attentions_0_transformer_blocks_0_attn2_to_k"
    assert read(pair(layer, 160, 224, KOHYA)) == Usable("Stable Diffusion 1", 2)  # the built-in one
    tensors = pair(layer.replace("down_blocks_2", "down_blocks_1"), 32, 64, KOHYA)
    assert "does not say what it was made for" in str(read(tensors).problem)
    file = tmp_path / "tiny.safetensors"
    file.write_bytes(safetensors(tensors))
    with UsableReader([inspect_folder(tiny_folder)]) as reader:
        assert reader.read(file, values=False) == Usable("Stable Diffusion 1", 2)


def test_embeddings_are_compared_with_the_text_encoders(read):
    found = read({"clip_l": [3, 768], "clip_g": [3, 1280]})
    assert found == Usable("Stable Diffusion XL", 2)
    found = read({"emb_params": [3, 768], "step": [1]})
    assert (found.family, found.tensors, found.unused, found.first) == (
        "Stable Diffusion 1",
        2,
        1,
        "step",
    )
    assert "does not fit the text encoders" in str(
        read({"clip_l": [3, 768], "clip_g": [2, 1280]}).problem
    )
    assert "holds more than 75 vectors" in str(read({"emb_params": [76, 768]}).problem)

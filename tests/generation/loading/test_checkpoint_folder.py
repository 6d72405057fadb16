import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from generation.embedded import CHECKPOINT
from generation.errors import CheckpointUnavailable
from generation.loading.checkpoint_folder import check_folder, download_patterns

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_folder, tmp_path / "copy")


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointUnavailable) as refused:
        check_folder("Mine", folder)
    text = str(refused.value)
    assert text.startswith('checkpoint "Mine": ')
    assert "\n" not in text
    return text


def test_whole_folders_pass(folder: Path):
    check_folder("Mine", folder)
    check_folder("Emoji", CHECKPOINT)


def test_a_folder_that_is_not_there(tmp_path: Path):
    assert f"no such folder: {tmp_path / 'nowhere'}" in refusal(tmp_path / "nowhere")
    assert "lacks model_index.json" in refusal(tmp_path)


@pytest.mark.parametrize(
    "file",
    [
        UNET,
        "unet/config.json",
        "vae/config.json",
        "text_encoder/model.safetensors",
        "scheduler/scheduler_config.json",
        "tokenizer/tokenizer_config.json",
    ],
)
def test_a_missing_file_is_named(folder: Path, file: str):
    (folder / file).unlink()
    assert file in refusal(folder)


def test_everything_that_is_missing_is_named_at_once(folder: Path):
    shutil.rmtree(folder / "vae")
    (folder / "tokenizer/tokenizer.json").unlink()
    text = refusal(folder)
    for file in (
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
        "tokenizer/vocab.json",
        "tokenizer/merges.txt",
    ):
        assert file in text


def test_the_tokenizer_as_clip_was_published_passes(folder: Path):
    (folder / "tokenizer/tokenizer.json").unlink()
    (folder / "tokenizer/vocab.json").write_text("{}")
    (folder / "tokenizer/merges.txt").write_text("")
    check_folder("Mine", folder)


@pytest.mark.parametrize("name", ["diffusion_pytorch_model.bin", "model.ckpt", "weights.pt"])
def test_pickled_weights_are_refused(folder: Path, name: str):
    (folder / UNET).rename(folder / "unet" / name)
    text = refusal(folder)
    assert "pickled weights are refused; safetensors only" in text
    assert name in text


def test_pickles_beside_safetensors_are_never_read_and_do_no_harm(folder: Path):
    (folder / "unet/diffusion_pytorch_model.bin").write_bytes(b"never read")
    check_folder("Mine", folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a safetensors file"),
        (b"\x80\x02}q\x00.", "is not a safetensors file"),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00{", "is cut short in its header"),
        (b"\x02\x00\x00\x00\x00\x00\x00\x00[]", "is not a safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is not a safetensors file"),
    ],
)
def test_what_is_no_safetensors_file_is_named(folder: Path, content: bytes, said: str):
    (folder / UNET).write_bytes(content)
    text = refusal(folder)
    assert "diffusion_pytorch_model.safetensors" in text
    assert said in text


def test_weights_cut_short_are_named_with_their_length(folder: Path):
    whole = (folder / UNET).read_bytes()
    (folder / UNET).write_bytes(whole[:-100])
    assert f"has {len(whole) - 100} of its {len(whole)} bytes" in refusal(folder)


def test_weights_in_shards(folder: Path):
    weights = load_file(folder / UNET)
    (folder / UNET).unlink()
    names = sorted(weights)
    shards = {
        "diffusion_pytorch_model-00001-of-00002.safetensors": names[::2],
        "diffusion_pytorch_model-00002-of-00002.safetensors": names[1::2],
    }
    for shard, part in shards.items():
        save_file({name: weights[name] for name in part}, folder / "unet" / shard)
    index = folder / "unet/diffusion_pytorch_model.safetensors.index.json"
    places = {name: shard for shard, part in shards.items() for name in part}
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    check_folder("Mine", folder)

    (folder / "unet" / next(iter(shards))).unlink()
    assert next(iter(shards)) in refusal(folder)
    index.write_text(json.dumps({"weight_map": {"a": "../../elsewhere.safetensors"}}))
    assert "elsewhere" in refusal(folder)
    index.write_text("{}")
    assert "weight_map" in refusal(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "model_index.json is not valid JSON"),
        ("[]", "model_index.json is not a JSON object"),
        (
            '{"_class_name": "FluxPipeline"}',
            "names FluxPipeline instead of a StableDiffusionPipeline",
        ),
    ],
)
def test_an_index_of_something_else(folder: Path, content: str, said: str):
    (folder / "model_index.json").write_text(content)
    assert said in refusal(folder)


def test_only_what_is_needed_is_downloaded():
    patterns = download_patterns()
    assert UNET in patterns
    assert all(
        pattern.endswith((".safetensors", ".json", ".txt")) and not pattern.startswith("*")
        for pattern in patterns
    ), "single files beside the folders, pickles and half-precision variants stay on the hub"

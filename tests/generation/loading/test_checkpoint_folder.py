import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, LCMScheduler, UNet2DConditionModel
from safetensors.numpy import load_file, save_file
from transformers import CLIPTextModel

from generation.catalog import Catalog, Checkpoint
from generation.embedded import CHECKPOINT
from generation.engine.engine import Engine
from generation.errors import CheckpointUnavailable
from generation.library.diffusers_folder import inspect_folder
from generation.loading.checkpoint_folder import check_folder, download_patterns
from generation.loading.model_loader import find_files, load_parts
from generation.request import Sampler
from tests.generation.conftest import BETAS, CPU, PLAIN, MakeRequest, pixels, run, save_tiny

MODELS = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel}
STEMS = {"text_encoder": "model"}
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
        (b"", "is empty"),
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
    assert "is truncated: 100 bytes are missing" in refusal(folder)


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


@pytest.mark.parametrize("name", ["fp16", "bf16", "ema", "non_ema", "something"])
@pytest.mark.parametrize("shard", ["1GB", "200KB"])
def test_any_variant_of_the_weights_is_loaded(folder: Path, name: str, shard: str):
    expected = loaded(folder)
    for part, kind in MODELS.items():
        kind.from_pretrained(folder / part).save_pretrained(
            folder / part, variant=name, max_shard_size=shard
        )
        (folder / part / f"{STEMS.get(part, 'diffusion_pytorch_model')}.safetensors").unlink()
    check_folder("Mine", folder)
    found = loaded(folder)
    assert found.keys() == expected.keys()
    for key, weight in expected.items():
        assert torch.equal(found[key], weight), key


def test_the_best_of_several_variants_is_loaded(folder: Path):
    unet = UNet2DConditionModel.from_pretrained(folder / "unet")
    for name, value in (("non_ema", 1.0), ("ema", 2.0), ("fp16", 3.0)):
        unet.conv_out.bias.data.fill_(value)
        unet.save_pretrained(folder / "unet", variant=name)
    values = [loaded(folder)["unet.conv_out.bias"][0].item()]
    for name in ("", ".fp16", ".ema"):
        (folder / "unet" / f"diffusion_pytorch_model{name}.safetensors").unlink()
        values.append(loaded(folder)["unet.conv_out.bias"][0].item())
    assert values[1:] == [3.0, 2.0, 1.0]
    assert values[0] not in (1.0, 2.0, 3.0)


def test_a_folder_of_links_as_in_the_hub_s_cache(folder: Path, tmp_path: Path):
    expected, blobs = loaded(folder), tmp_path / "blobs"
    blobs.mkdir()
    for number, file in enumerate(sorted(folder.rglob("*"))):
        if file.is_file():
            blob = file.rename(blobs / f"{number:064x}")
            file.symlink_to(os.path.relpath(blob, file.parent))
    check_folder("Mine", folder)
    assert loaded(folder).keys() == expected.keys()


NO_JSON = ['{"a": 1e999}', '{"a": -1e400}', '{"a": NaN}', "\ufeff{}", "[", "\xff"]


@pytest.mark.parametrize("text", NO_JSON)
@pytest.mark.parametrize("file", ["model_index.json", "unet/config.json"])
def test_what_is_no_json_of_numbers_is_said_in_a_line(folder: Path, file: str, text: str):
    (folder / file).write_bytes(text.encode("latin-1" if text == "\xff" else "utf-8"))
    assert f"{file} is not valid JSON" in refusal(folder)


def loaded(folder: Path) -> dict[str, torch.Tensor]:
    """Return all weights that are loaded from a folder."""
    files = find_files(Checkpoint(name="Mine", source=folder))
    components = load_parts(files, torch.float32).components
    return {
        f"{name}.{key}": weight
        for name in MODELS
        for key, weight in components[name].state_dict().items()
    }


def test_a_latent_consistency_model_s_folder(tmp_path: Path, make_request: MakeRequest):
    folder = save_tiny(tmp_path / "lcm", unet={"time_cond_proj_dim": 16})
    index = json.loads((folder / "model_index.json").read_text())
    index |= {
        "_class_name": "LatentConsistencyModelPipeline",
        "scheduler": ["diffusers", "LCMScheduler"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    LCMScheduler(**BETAS).save_pretrained(folder / "scheduler")
    check_folder("Mine", folder)
    found = inspect_folder(folder)
    assert (found.family, found.distillation, found.problem) == ("sd1", "lcm", None)
    checkpoint = Checkpoint(
        name="Mine", source=folder, lcm=True, sampler=Sampler.LCM, num_inference_steps=2
    )
    engine = Engine(Catalog({"Mine": checkpoint}, "Mine"), CPU, options=PLAIN)
    request = make_request(checkpoint="Mine", sampler=Sampler.LCM, num_inference_steps=2)
    assert pixels(run(engine, request)).std() > 0

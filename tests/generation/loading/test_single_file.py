"""Checkpoints as the community shares them: one file, with the original keys."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from generation.catalog import Catalog, Checkpoint, check_files, load_catalog
from generation.engine.engine import Engine
from generation.errors import CatalogInvalid, CheckpointUnavailable
from generation.request import Failed, Sampler
from tests.generation.conftest import CPU, PLAIN, MakeRequest, draw_source, pixels, run
from tests.generation.conftest import save_tiny as save_folder_tiny
from tests.generation.editing.pictures import draw_mask
from tests.generation.loading import layouts
from tests.generation.loading.tiny import save_folder, save_tiny


def convert(folder: Path, file: Path, family: str = "sd1") -> Path:
    """Write a diffusers folder as a single file, with what trainers leave in it."""
    weights = layouts.whole(family, layouts.read_folder(folder))
    left = {"model_ema.decay": torch.zeros(1), "alphas_cumprod": torch.zeros(1000)}
    return layouts.save({**weights, **left}, file)


@pytest.fixture(scope="session")
def single_file(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("single") / "friend.safetensors"
    return convert(tiny_folder, file)


@pytest.fixture
def configs(tiny_folder: Path, tmp_path: Path) -> Path:
    """A folder that says how the checkpoint is built and has no weights."""
    return shutil.copytree(
        tiny_folder, tmp_path / "configs", ignore=shutil.ignore_patterns("*.safetensors")
    )


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("loading reached for the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)


def catalog_of(folder: Path, text: str) -> Catalog:
    (folder / "catalog.toml").write_text(text)
    return load_catalog(folder / "catalog.toml")


def test_a_single_file_draws_the_pixels_of_its_folder(
    single_file: Path, configs: Path, tiny_folder: Path, make_request: MakeRequest
):
    entry = f'[checkpoints.Friend]\nsource = "{single_file}"\nconfig = "{configs.name}"\n'
    catalog = catalog_of(configs.parent, entry)
    folder = Checkpoint(name="Tiny", source=tiny_folder)
    engine = Engine(Catalog({**catalog.checkpoints, "Tiny": folder}, "Tiny"), CPU, options=PLAIN)
    drawn = [
        pixels(run(engine, make_request(checkpoint=name, num_images=2)))
        for name in ("Friend", "Tiny")
    ]
    assert np.array_equal(*drawn)


def test_stable_diffusion_2_with_its_own_text_encoder_s_layout(
    tiny_2_folder: Path, tmp_path: Path, make_request: MakeRequest
):
    file = convert(tiny_2_folder, tmp_path / "two.safetensors", "sd2")
    checkpoints = {
        "File": Checkpoint(name="File", source=file, config=tiny_2_folder, family="sd2"),
        "Folder": Checkpoint(name="Folder", source=tiny_2_folder, family="sd2"),
    }
    engine = Engine(Catalog(checkpoints, "File"), CPU, options=PLAIN)
    drawn = [pixels(run(engine, make_request(checkpoint=name))) for name in checkpoints]
    assert np.array_equal(*drawn)


def test_the_catalog_s_prediction_type_wins(
    single_file: Path, tiny_folder: Path, make_request: MakeRequest
):
    checkpoints = {
        kind: Checkpoint(name=kind, source=single_file, config=tiny_folder, prediction_type=kind)
        for kind in ("epsilon", "v_prediction")
    }
    engine = Engine(Catalog(checkpoints, "epsilon"), CPU, options=PLAIN)
    drawn = [pixels(run(engine, make_request(checkpoint=kind))) for kind in checkpoints]
    assert not np.array_equal(*drawn)
    assert engine.cache._pipelines["v_prediction"].prediction_type == "v_prediction"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('source = "{file}"\nconfig = "{file}"', "no such folder"),
        ('source = "{file}"\nconfig = "nowhere"', "neither a folder nor a hub id"),
        ('source = "{file}"\nconfig = "."', "lacks model_index.json"),
        ('source = "{file}"\nconfig = "two"', "weights of Stable Diffusion 1, and two describes"),
        ('source = "{file}"\nfamily = "sd2"', "is a Stable Diffusion 1 model, and its family"),
        ('source = "gone.safetensors"', "no such file: .*gone.safetensors"),
        ('source = "model.ckpt"', "pickled weights are refused.*model.ckpt"),
        ('source = "half.safetensors"', "half.safetensors lacks VAE and CLIP-L"),
        ('source = "cut.safetensors"', "cut.safetensors is truncated: 7 bytes are missing"),
        ('source = "long.safetensors"', "long.safetensors is 7 bytes too long"),
        ('source = "text.safetensors"', "is not a safetensors file"),
        ('source = "lora.safetensors"', "lora.safetensors is a LoRA, not a checkpoint"),
        ('source = "eight.safetensors"', "eight.safetensors takes 8 channels; editing is not"),
        ('source = "{file}"\nparts = ["gone.safetensors"]', "gone.safetensors: No such file"),
        ('source = "{file}"\nparts = [1]', "parts must be a list of files"),
    ],
)
def test_what_cannot_be_loaded_is_named_at_the_start(
    single_file: Path, configs: Path, tiny_2_folder: Path, entry: str, said: str
):
    base = configs.parent
    shutil.copytree(tiny_2_folder, base / "two")
    weights = load_file(single_file)
    (base / "model.ckpt").write_bytes(b"a pickle")
    half = {key: one for key, one in weights.items() if key.startswith("model.diffusion_model.")}
    layouts.save(half, base / "half.safetensors")
    (base / "cut.safetensors").write_bytes(single_file.read_bytes()[:-7])
    (base / "long.safetensors").write_bytes(single_file.read_bytes() + b"1234567")
    (base / "text.safetensors").write_text("not found")
    layouts.save({"lora_unet_a.lora_down.weight": torch.zeros(4, 8)}, base / "lora.safetensors")
    first = "model.diffusion_model.input_blocks.0.0.weight"
    layouts.save({**weights, first: torch.zeros(32, 8, 3, 3)}, base / "eight.safetensors")
    with pytest.raises((CheckpointUnavailable, CatalogInvalid)) as refused:
        catalog_of(base, "[checkpoints.Friend]\n" + entry.format(file=single_file))
    assert re.search(said, str(refused.value))
    assert "\n" not in str(refused.value)


def test_a_single_file_for_inpainting_draws_the_pixels_of_its_folder(
    tmp_path: Path, make_request: MakeRequest
):
    folder = save_folder_tiny(tmp_path / "fill", unet={"in_channels": 9})
    file = convert(folder, tmp_path / "fill.safetensors")
    checkpoints = {
        "File": Checkpoint(name="File", source=file, config=folder, size=32),
        "Folder": Checkpoint(name="Folder", source=folder, size=32),
    }
    engine = Engine(Catalog(checkpoints, "File"), CPU, options=PLAIN)
    mask = {"mask": draw_mask(32, 32), "feather": 2, "strength": 1.0}
    for edit in ({}, {"image": draw_source(32, 32), **mask}):
        request = make_request(checkpoint="File", **edit)
        of_folder = make_request(checkpoint="Folder", **edit)
        assert np.array_equal(pixels(run(engine, request)), pixels(run(engine, of_folder)))


@pytest.mark.parametrize(
    "lost", ["model.diffusion_model.out.2.bias", "first_stage_model.decoder.conv_out"]
)
def test_a_file_with_holes_fails_its_request_in_one_line(
    single_file: Path, tiny_folder: Path, tmp_path: Path, make_request: MakeRequest, lost: str
):
    weights = load_file(single_file)
    for key in [key for key in weights if key.startswith(lost)]:
        del weights[key]
    layouts.save(weights, tmp_path / "holes.safetensors")
    holes = Checkpoint(name="Holes", source=tmp_path / "holes.safetensors", config=tiny_folder)
    engine = Engine(Catalog({"Holes": holes}, "Holes"), CPU, options=PLAIN)
    failed = run(engine, make_request(checkpoint="Holes"))[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, CheckpointUnavailable)
    assert "\n" not in str(failed.error)


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl", "sd3", "flux", "z-image"])
def test_a_file_alone_draws_the_pixels_of_its_folder(
    tmp_path: Path, make_request: MakeRequest, family: str
):
    plain = family.replace("-", "_")
    file = save_tiny(plain, tmp_path / "Ein Freund, 友達.SAFETENSORS")
    predicts = {"sd1": "epsilon", "sd2": "v_prediction", "sdxl": "epsilon"}.get(family, "flow")
    said = {"family": family, "prediction_type": predicts}
    checkpoints = {
        "File": Checkpoint(name="File", source=file, **said),
        "Folder": Checkpoint(name="Folder", source=save_folder(plain, tmp_path / "folder"), **said),
    }
    for checkpoint in checkpoints.values():
        check_files(checkpoint)
    engine = Engine(Catalog(checkpoints, "File"), CPU, options=PLAIN)
    plan = {"width": 64, "height": 64, "family": family, "sampler": Sampler.EULER}
    drawn = [pixels(run(engine, make_request(checkpoint=name, **plan))) for name in checkpoints]
    assert np.array_equal(*drawn)
    assert drawn[0].std() > 0

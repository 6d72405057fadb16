"""What comes along is what was published, or it is not used."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from generation import weights
from generation.catalog import Catalog, Checkpoint, check_files
from generation.embedded import CHECKPOINT
from generation.engine import safety
from generation.engine.engine import Engine
from generation.errors import CheckpointUnavailable, NotChecked
from generation.loading.model_loader import find_files
from generation.request import Failed, Picture
from generation.upscaler import Medium
from generation.upscaler.tiles import Upscaler
from tests.generation.conftest import CPU, PLAIN, MakeRequest, run

UNET = "unet/diffusion_pytorch_model.safetensors"


def flipped(file: Path, copy: Path) -> Path:
    """Copy a file with one bit of its last byte flipped, where no header tells."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(content)
    return copy


def test_everything_that_comes_along_is_named_and_as_it_was_published():
    shipped = {
        file.relative_to(weights.HERE).as_posix()
        for folder in (CHECKPOINT, weights.HERE / "upscaler")
        for file in folder.rglob("*.safetensors")
    }
    assert set(weights.published()) == {*shipped, weights.OPEN_NSFW}, (
        "made on purpose? python -m generation.weights"
    )
    assert list(weights.examine()) == [], "made on purpose? python -m generation.weights"


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The embedded checkpoint in an installation of its own."""
    monkeypatch.setattr(weights, "HERE", tmp_path)
    return Path(shutil.copytree(CHECKPOINT, tmp_path / "embedded" / "checkpoint"))


def test_the_embedded_checkpoint_is_refused_where_a_bit_is_another(embedded: Path):
    checkpoint = Checkpoint(name="Emoji", source=embedded)
    check_files(checkpoint)
    flipped(CHECKPOINT / UNET, embedded / UNET)
    for look in (check_files, find_files):
        with pytest.raises(CheckpointUnavailable, match=f"{UNET} is not the file that was pub"):
            look(checkpoint)
    (line,) = [one for one in weights.examine() if "unet" in one]
    assert "install Darkroom again" in line


def test_an_owners_checkpoint_is_compared_with_nothing(tmp_path: Path):
    folder = Path(shutil.copytree(CHECKPOINT, tmp_path / "mine"))
    flipped(CHECKPOINT / UNET, folder / UNET)
    check_files(Checkpoint(name="Mine", source=folder))


def test_the_upscaler_does_not_use_what_was_changed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    flipped(weights.HERE / "upscaler" / "photo.safetensors", tmp_path / "photo.safetensors")
    picture = Image.new("RGB", (16, 16), "red")
    Upscaler(CPU, weights=tmp_path).upscale(picture, 2, Medium.PHOTO)
    assert "Lanczos, for want of weights: " in caplog.text
    assert "photo.safetensors is not the file that was published" in caplog.text


def test_no_picture_is_shown_where_the_check_was_changed(
    tmp_path: Path,
    catalog: Catalog,
    make_request: MakeRequest,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    changed = flipped(weights.open_nsfw(), tmp_path / "open-nsfw.onnx")
    safety.open_nsfw.cache_clear()
    monkeypatch.setattr(weights, "open_nsfw", lambda: changed)
    with torch.inference_mode():
        events = run(Engine(catalog, CPU, options=PLAIN), make_request())
    safety.open_nsfw.cache_clear()
    assert not any(isinstance(event, Picture) for event in events)
    assert isinstance(events[-1], Failed)
    assert isinstance(events[-1].error, NotChecked)
    assert "open-nsfw.onnx is not the file that was published" in caplog.text

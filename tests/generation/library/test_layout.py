"""What is found in folders of every program, and in odd ones."""

import os
from pathlib import Path

import pytest

from generation.library import layout
from generation.library.layout import Candidate, Unread, walk
from generation.loading.detect import Kind
from tests.generation.library.files import write


def found(*folders: Path) -> dict[str, Candidate]:
    return {one.path.name: one for one in walk(folders) if isinstance(one, Candidate)}


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("models/Stable-diffusion/sub/a.safetensors", Kind.CHECKPOINT),  # A1111 and Forge
        ("models/Lora/a.safetensors", Kind.LORA),
        ("models/LyCORIS/a.safetensors", Kind.LORA),
        ("models/VAE/a.safetensors", Kind.VAE),
        ("models/ControlNet/a.safetensors", Kind.CONTROL),
        ("models/ESRGAN/a.pth", Kind.UPSCALER),
        ("models/text_encoder/a.safetensors", Kind.TEXT_ENCODER),
        ("embeddings/a.pt", Kind.EMBEDDING),
        ("models/checkpoints/SDXL/a.safetensors", Kind.CHECKPOINT),  # ComfyUI
        ("models/diffusion_models/a.safetensors", Kind.DIFFUSION_MODEL),
        ("models/unet/a.safetensors", Kind.DIFFUSION_MODEL),
        ("models/clip/a.safetensors", Kind.TEXT_ENCODER),
        ("models/upscale_models/a.pth", Kind.UPSCALER),
        ("checkpoints/a.safetensors", Kind.CHECKPOINT),  # our own
        ("loras/a.SAFETENSORS", Kind.LORA),
        ("upscaler/a.safetensors", Kind.UPSCALER),
        ("whatever/a.safetensors", None),
        ("a.sft", None),
    ],
)
def test_every_program_s_folders(tmp_path: Path, place: str, kind: Kind | None):
    write(tmp_path / place)
    (one,) = found(tmp_path).values()
    assert (one.path, one.place) == (tmp_path / place, kind)


def test_a_program_s_other_files_are_passed_over(tmp_path: Path):
    passed = ("venv/b.safetensors", "outputs/c.safetensors", "repositories/d.bin")
    for place in ("models/Lora/a.safetensors", "models/.cache/e.sft", "models/x.part", *passed):
        write(tmp_path / place)
    assert list(found(tmp_path)) == ["a.safetensors"]


def test_a_link_has_its_own_name_and_is_there_once(tmp_path: Path):
    blob = write(tmp_path / "hub" / "blobs" / "0123abcd")
    snapshot = tmp_path / "models" / "models--ann--nice" / "snapshots"
    for commit in ("1", "2"):
        (snapshot / commit).mkdir(parents=True)
        (snapshot / commit / "nice.safetensors").symlink_to(blob)
    (one,) = found(tmp_path / "models").values()
    assert one.path == snapshot / "1" / "nice.safetensors"
    assert one.size == blob.stat().st_size


def test_loops_of_links_end(tmp_path: Path):
    write(tmp_path / "sub" / "a.safetensors")
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "again").symlink_to(tmp_path / "sub")
    assert found(tmp_path)["a.safetensors"].inside == ("sub",)


def test_a_link_to_nothing_is_said(tmp_path: Path):
    (tmp_path / "gone.safetensors").symlink_to(tmp_path / "nowhere")
    (one,) = walk([tmp_path])
    assert isinstance(one, Unread)
    assert (one.path.name, one.why) == ("gone.safetensors", "is a link to nothing")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything is open to root")
def test_a_closed_folder_is_said(tmp_path: Path):
    (tmp_path / "closed").mkdir(mode=0)
    (one,) = walk([tmp_path])
    assert isinstance(one, Unread)
    assert one.why == "Permission denied"


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes among files")
def test_pipes_and_folders_are_no_files(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    write(tmp_path / "folder.safetensors" / "a.safetensors")
    assert list(found(tmp_path)) == ["a.safetensors"]


def test_the_work_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layout, "MOST", 5)
    for number in range(10):
        write(tmp_path / str(number) / "a.safetensors")
    seen = list(walk([tmp_path]))
    assert len([one for one in seen if isinstance(one, Candidate)]) < 5
    assert "the others are left out" in seen[-1].why
    deep = tmp_path / "deep"
    place = deep.joinpath(*["x"] * (layout.DEEPEST + 2))
    write(place / "a.safetensors")
    monkeypatch.setattr(layout, "MOST", 500)
    assert found(deep) == {}


def test_a_folder_in_diffusers_format_is_one(tmp_path: Path):
    from generation.embedded import CHECKPOINT

    (tmp_path / "Emoji.v2").symlink_to(CHECKPOINT)
    (tmp_path / "Emoji.v2.png").write_bytes(b"x")
    (one,) = found(tmp_path).values()
    assert (one.is_folder, one.stem, one.beside) == (True, "Emoji.v2", {".png": "Emoji.v2.png"})
    hub = tmp_path / "hub" / "models--ann--emoji" / "snapshots" / "0123"
    hub.mkdir(parents=True)
    (hub / "model_index.json").write_text("{}")
    assert found(tmp_path / "hub")["0123"].stem == "emoji"


def test_what_lies_beside_is_found_in_any_case(tmp_path: Path):
    write(tmp_path / "Mia's 模型.SafeTensors")
    for end in (".TOML", ".preview.PNG", ".civitai.info"):
        (tmp_path / f"Mia's 模型{end}").write_text("")
    (tmp_path / "Mia's 模型 2.png").write_text("")
    (one,) = found(tmp_path).values()
    assert sorted(one.beside) == [".civitai.info", ".preview.png", ".toml"]


def test_folders_that_are_not_there_hold_nothing(tmp_path: Path):
    assert list(walk([tmp_path / "none", tmp_path])) == []

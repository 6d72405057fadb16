"""`darkroom models`, as an owner runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from generation.embedded import CHECKPOINT
from tests.generation.library.files import KINDS, safetensors, write
from tests.generation.library.server import Shop, opened

ROOT = Path(__file__).parents[3]


def models(folder: Path, *arguments: str, typed: str = "", **environment: str):
    """Return the exit status, the lines of its output, and those of its errors."""
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "models", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment},
        cwd=folder,
        input=typed,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout.splitlines(), ended.stderr.splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with models in it."""
    (tmp_path / "data").mkdir()
    checkpoints = tmp_path / "models" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "emoji").symlink_to(CHECKPOINT)
    write(checkpoints / "misplaced.safetensors")
    (checkpoints / "old.ckpt").write_bytes(b"PK")
    write(tmp_path / "models" / "loras" / "Größe.safetensors")
    return tmp_path


def test_list_and_check_say_what_is_there(place: Path):
    status, lines, _ = models(place, "list")
    assert status == 0
    text = "\n".join(lines)
    assert "checkpoint:\n  emoji      Stable Diffusion 1  fp16  35.7 MiB  fits" in text
    assert "Größe      Stable Diffusion 1  fp16" in text
    assert "misplaced.safetensors is a LoRA, not a checkpoint" in text
    status, lines, _ = models(place, "check")
    assert status == 1
    assert len(lines) == 4
    (lora,) = [line for line in lines if "Größe" in line]
    assert lora.startswith("ok  models/loras/Größe.safetensors: LoRA, Stable Diffusion 1, fp16")
    assert "SHA-256 " in lora
    assert "!!  models/checkpoints/misplaced.safetensors is a LoRA, not a checkpoint" in lines
    assert (
        "!!  pickled weights are refused; safetensors only, not models/checkpoints/old.ckpt"
        in lines
    )
    (place / "models" / "checkpoints" / "old.ckpt").unlink()
    (place / "models" / "checkpoints" / "misplaced.safetensors").unlink()
    assert models(place, "check", "--quick")[0] == 0


def test_check_says_what_of_a_lora_cannot_be_used(place: Path):
    loras = place / "models" / "loras"
    strange = {"lora_unet_nowhere.lora_down.weight": [4, 3], "strange": [1]}
    (loras / "some.safetensors").write_bytes(safetensors(KINDS["lora"] | strange))
    (loras / "none.safetensors").write_bytes(safetensors(strange))
    (place / "models" / "checkpoints" / "misplaced.safetensors").unlink()
    (place / "models" / "checkpoints" / "old.ckpt").unlink()
    status, lines, _ = models(place, "check", "--quick")
    assert status == 1
    (some,) = [line for line in lines if "some" in line]
    assert some.startswith(
        "!   models/loras/some.safetensors: LoRA, Stable Diffusion 1, 2 of its 4 tensors cannot be"
        " used (such as lora_unet_nowhere.lora_down.weight), fp16"
    )
    (none,) = [line for line in lines if "none" in line]
    assert none == (
        "!!  models/loras/none.safetensors does not say what it was made for, and fits nothing that"
        " is supported"
    )
    (loras / "none.safetensors").unlink()
    assert models(place, "check", "--quick")[0] == 0


def test_the_same_file_twice_and_another_than_civitai_has_are_said(place: Path):
    loras = place / "models" / "loras"
    (loras / "again.safetensors").write_bytes((loras / "Größe.safetensors").read_bytes())
    write(loras / "other.safetensors", "vae")
    (loras / "other.civitai.info").write_text(
        '{"files": [{"hashes": {"SHA256": "00"}}], "model": {"name": "Other"}}'
    )
    _, lines, _ = models(place, "check")
    text = "\n".join(lines)
    assert "again.safetensors" in text
    assert "is the same as models/loras/" in text
    assert "is not the file that its .civitai.info describes" in text


def test_remove_asks_first_and_takes_what_lies_beside(place: Path):
    loras = place / "models" / "loras"
    for end in (".toml", ".preview.png"):
        (loras / f"Größe{end}").write_text("")
    for typed in ("", "\n", "no\n"):
        status, lines, _ = models(place, "remove", "größe", typed=typed)
        assert status == 1
        assert lines[-1].endswith("Nothing is removed.")
    assert len(list(loras.iterdir())) == 3
    status, lines, _ = models(place, "remove", "Größe", typed="y\n")
    assert status == 0
    assert list(loras.iterdir()) == []
    status, lines, _ = models(place, "remove", "emoji", "--yes")
    assert status == 0
    assert "Frees 0.0 KiB." in lines
    assert CHECKPOINT.is_dir(), "of a link, the link only"
    status, _, errors = models(place, "remove", "nothing")
    assert (status, errors) == (1, ["darkroom: nothing is named nothing"])


async def test_add_fetches_and_says_what_it_is(tmp_path: Path):
    import asyncio

    (tmp_path / "data").mkdir()
    shop = Shop(files={"nice.safetensors": safetensors(KINDS["lora"])}, cuts=[500])
    server = await opened(shop)
    url = f"{server.make_url('/file/nice.safetensors')}?token=secret"
    status, lines, errors = await asyncio.to_thread(models, tmp_path, "add", url)
    assert (status, errors) == (0, [])
    assert lines == [
        "models/loras/nice.safetensors: LoRA, Stable Diffusion 1, fp16",
        "Its SHA-256 is not told where it comes from, so nothing was compared with it.",
    ]
    status, _, errors = await asyncio.to_thread(models, tmp_path, "add", url)
    assert (status, errors) == (1, ["darkroom: models/loras/nice.safetensors is there already"])
    status, _, errors = await asyncio.to_thread(models, tmp_path, "add", url, "--to", "elsewhere")
    assert status == 0
    assert (tmp_path / "elsewhere" / "loras" / "nice.safetensors").is_file()
    await server.close()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("http://example.org/x.safetensors", "only https is followed"),
        ("https://civitai.com/x.ckpt", "pickled weights are refused"),
        ("nothing", "neither a file, an address nor a hub id"),
        ("https://[", "not an address"),
    ],
)
def test_what_is_not_fetched_is_a_line(tmp_path: Path, what: str, said: str):
    status, lines, errors = models(tmp_path, "add", what, HF_TOKEN="hf_secret")
    assert (status, lines, len(errors)) == (1, [], 1)
    assert said in errors[0]
    assert "hf_secret" not in errors[0]


def test_a_wrong_list_of_folders_is_a_line(tmp_path: Path):
    for written, said in (
        ("[1", "separated by commas, or a JSON list"),
        ("[1]", "a JSON list of folders"),
        (" , ", "must name a folder"),
    ):
        status, _, errors = models(tmp_path, "list", MODELS__FOLDERS=written)
        assert status == 1
        assert errors[0].startswith("darkroom: MODELS__FOLDERS: ")
        assert said in errors[0]
    (tmp_path / "a, b").mkdir()
    write(tmp_path / "a, b" / "x.safetensors")
    _, lines, _ = models(tmp_path, "list", MODELS__FOLDERS='["a, b"]')
    assert lines[0] == "LoRA:"

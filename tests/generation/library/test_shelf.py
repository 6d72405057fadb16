"""Looking at folders: what is new is read once, in a process that nothing can take along."""

import json
import os
import shutil
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from generation.embedded import CHECKPOINT
from generation.library import headers, shelf
from generation.library.headers import HeaderReader, from_json, to_json
from generation.library.shelf import Library, LookEnded
from generation.loading.detect import Kind
from generation.phrases import Phrase
from tests.generation.library.files import write


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def find_modules_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let child processes import from this folder, too."""
    there = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(there))


def look(library: Library) -> dict[str, str | None]:
    """Return each name's problem."""
    return {item.name: item.problem for item in library.look(settled_s=0).items}


def test_files_are_what_their_headers_say(models: Path):
    write(models / "any" / "a lora.safetensors")
    write(models / "any" / "a vae.SAFETENSORS", "vae")
    (models / "emoji").symlink_to(CHECKPOINT)
    found = {item.name: item for item in Library([models]).look(0).items}
    kinds = {name: item.file.kind for name, item in found.items()}
    assert kinds == {"a lora": Kind.LORA, "a vae": Kind.VAE, "emoji": Kind.CHECKPOINT}
    assert found["emoji"].file.family == "sd1"
    assert found["emoji"].file.parameters > 10**7


BOMBS = {
    "nested": b"[" * 200_000,
    "open": b'{"a":' * 100_000,
    "1e999": b'{"a":{"dtype":"F16","shape":[1e999],"data_offsets":[0,2]}}',
    "empty": b"",
    "text": b"no header at all",
    "bom": "\ufeff{}".encode(),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_broken_file_costs_itself_only(models: Path, name: str):
    (models / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(BOMBS[name])) + BOMBS[name])
    write(models / "whole.safetensors")
    found = look(Library([models]))
    assert found["whole"] is None
    assert found[name]
    assert "\n" not in str(found[name])


def test_pickles_and_other_formats_are_named_without_being_opened(models: Path):
    for name in ("a.ckpt", "b.PT", "c.gguf"):
        path = models / name
        path.write_bytes(b"x")
        path.chmod(0)
    found = look(Library([models]))
    assert found["a"] == "pickled weights are refused; safetensors only, not a.ckpt"
    assert found["c"] == "c.gguf is in a format that is not read; safetensors only"


def test_a_file_that_kills_the_reader_or_takes_forever_costs_itself_only(
    models: Path, monkeypatch: pytest.MonkeyPatch
):
    """A real child, which dies of some names and hangs at others."""
    deadly = models.parent / "deadly.py"
    deadly.write_text(
        "import os, sys, time\n"
        "from generation.library import headers\n"
        "inspect = headers.inspect_file\n"
        "def inspect_file(path):\n"
        "    if 'dies' in path.name: os.kill(os.getpid(), 9)\n"
        "    if 'hangs' in path.name: time.sleep(1000)\n"
        "    return inspect(path)\n"
        "headers.inspect_file = inspect_file\n"
        "headers.serve(sys.stdin.buffer, sys.stdout.buffer)\n"
    )
    monkeypatch.setattr(headers, "MODULE", str(deadly.stem))
    find_modules_in(models.parent, monkeypatch)
    for name in ("a", "b dies", "c"):
        write(models / f"{name}.safetensors")
    with HeaderReader(file_s=300) as reader:
        read = {path.stem: reader.read(path) for path in sorted(models.iterdir())}
    assert [name for name, file in read.items() if file.problem is None] == ["a", "c"]
    with HeaderReader(file_s=1) as reader:
        hanging = reader.read(write(models / "d hangs.safetensors"))
    assert "within the time and memory" in str(hanging.problem)


def test_a_look_ends_when_the_bot_does(models: Path, monkeypatch: pytest.MonkeyPatch):
    (models.parent / "hangs.py").write_text("import time\ntime.sleep(1000)\n")
    monkeypatch.setattr(headers, "MODULE", "hangs")
    monkeypatch.setenv("PYTHONPATH", str(models.parent))
    for name in "abcdefgh":
        write(models / f"{name}.safetensors")
    library = Library([models], models.parent / "models.json")
    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(library.look)
        while not any(reader._child for reader in library._readers):
            time.sleep(0.01)
        library.close()
        with pytest.raises(LookEnded):
            looking.result()
    assert not (models.parent / "models.json").exists()
    monkeypatch.setattr(headers, "MODULE", "generation.library.headers")
    monkeypatch.setenv("PYTHONPATH", str(Path(headers.__file__).parents[2]))
    assert set(look(Library([models])).values()) == {None}


def test_the_reader_has_no_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("DISCORD__TOKEN", "HF_TOKEN", "CIVITAI_API_TOKEN"):
        monkeypatch.setenv(name, "secret")
    (tmp_path / "spy.py").write_text(
        "import json, os, sys\n"
        "for line in sys.stdin.buffer:\n"
        "    print(json.dumps({'kind': 'unknown', 'problem': None,"
        " 'title': ' '.join(k for k, v in os.environ.items() if v == 'secret')}), flush=True)\n"
    )
    monkeypatch.setattr(headers, "MODULE", "spy")
    find_modules_in(tmp_path, monkeypatch)
    with HeaderReader() as reader:
        assert reader.read(tmp_path).title == ""


def test_what_was_read_survives_the_pipe_and_the_disk(models: Path):
    from generation.loading.detect import inspect_file

    write(models / "a.safetensors", **{"modelspec.title": "Nice"})
    (models / "b.safetensors").write_bytes(b"\x10" + bytes(7) + b"{}")
    for path in models.iterdir():
        file = inspect_file(path)
        again = from_json(path, json.loads(json.dumps(to_json(file))))
        assert again == file
        assert isinstance(again.problem, Phrase | None)


def test_only_what_changed_is_read_again(models: Path, monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []
    inspect = shelf._inspect

    def noting(candidate, reader):
        read.append(candidate.path.stem)
        return inspect(candidate, reader)

    monkeypatch.setattr(shelf, "_inspect", noting)
    kept = models.parent / "models.json"
    for name in "abc":
        write(models / f"{name}.safetensors")
    library = Library([models], kept)
    assert list(look(library)) == ["a", "b", "c"]
    assert list(look(library)) == ["a", "b", "c"]
    write(models / "b.safetensors", "vae")
    (models / "c.safetensors").unlink()
    assert list(look(library)) == ["a", "b"]
    assert list(look(Library([models], kept))) == ["a", "b"]  # as after a restart
    assert sorted(read) == ["a", "b", "b", "c"]
    monkeypatch.setattr(shelf, "_reader", lambda: "a newer release")
    look(Library([models], kept))
    assert sorted(read[4:]) == ["a", "b"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"reader": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_note_of_what_was_read_is_written_anew(models: Path, damage: bytes):
    kept = models.parent / "models.json"
    kept.write_bytes(damage)
    write(models / "a.safetensors")
    assert look(Library([models], kept)) == {"a": None}
    assert look(Library([models], kept)) == {"a": None}


def test_a_file_that_grows_is_offered_when_it_is_whole(models: Path):
    whole = write(models.parent / "a.safetensors").read_bytes()
    target = models / "a.safetensors"
    library = Library([models])
    for part in (0, 5, 100, len(whole) - 1):
        target.write_bytes(whole[:part])
        os.utime(target, ns=(part, part))
        assert look(library)["a"]
    target.write_bytes(whole)
    assert look(library) == {"a": None}


def test_a_file_that_is_written_to_meanwhile_waits(models: Path, monkeypatch: pytest.MonkeyPatch):
    """As where a copy takes its whole size first, so that its length tells nothing."""
    target = write(models / "a.safetensors")
    library = Library([models])
    monkeypatch.setattr(library._ended, "wait", lambda _s: target.touch())
    assert "is still being copied" in str(library.look().items[0].problem)
    monkeypatch.setattr(library._ended, "wait", lambda _s: None)
    assert library.look().items[0].problem is None


def test_two_files_of_one_name_are_told_apart_and_keep_their_names(models: Path):
    kept = models.parent / "models.json"
    write(models / "xl" / "model.safetensors")
    write(models / "sd" / "model.safetensors", "vae")
    library = Library([models], kept)
    named = {item.path.parent.name: item.name for item in library.look(0).items}
    assert named == {"sd": "model", "xl": "xl/model"}
    write(models / "model.safetensors")  # it would be first
    for again in (library, Library([models], kept)):
        named = {item.path.parent.name: item.name for item in again.look(0).items}
        assert named["sd"] == "model"
        assert named["xl"] == "xl/model"
        assert named["models"] not in ("model", "xl/model")


def test_a_title_is_its_name(models: Path):
    for name in ("a", "b"):
        write(models / f"{name}.safetensors")
        (models / f"{name}.toml").write_text('title = "Nice"')
    assert list(look(Library([models]))) == ["Nice", "Nice (b)"]


def test_an_owner_s_broken_settings_keep_a_file_from_being_offered(models: Path):
    write(models / "a.safetensors")
    library = Library([models])
    for said, wrong in (
        ("age_restricted = tru", "a.toml: not valid TOML"),
        ("a = " + "[" * 50_000, "a.toml: not valid TOML: nested too deeply"),
        ("title = 3", "a.toml: title must be text, not 3"),
        ("title = ''", "a.toml: title must be text"),
    ):
        (models / "a.toml").write_text(said)
        assert wrong in str(look(library)["a"])
    (models / "a.toml").write_text("\ufefftitle = 'Nice'", "utf-8")  # as Windows' editors do
    assert look(library) == {"Nice": None}
    (models / "a.toml").unlink()
    assert look(library) == {"a": None}


def test_other_programs_titles_are_taken_where_they_are_sure(models: Path):
    civitai = {"model": {"name": "Nice XL"}, "name": "v6"}
    matrix = {"ModelName": "Nicer", "VersionName": "v2"}
    for name, end, text in (
        ("a", ".civitai.info", json.dumps(civitai)),
        ("b", ".cm-info.json", json.dumps(matrix)),
        ("c", ".json", json.dumps({"description": "A1111's", "activation text": "x"})),
        ("d", ".civitai.info", "[" * 100_000),
        ("e", ".json", json.dumps({"model": {"name": 3}})),
    ):
        write(models / f"{name}.safetensors")
        (models / f"{name}{end}").write_text(text)
    assert list(look(Library([models]))) == ["Nice XL v6", "Nicer v2", "c", "d", "e"]


def test_a_folder_that_is_away_and_back(models: Path):
    write(models / "a.safetensors")
    library = Library([models])
    assert look(library) == {"a": None}
    away = models.rename(models.parent / "away")
    assert not library.exists
    assert look(library) == {}
    away.rename(models)
    assert look(library) == {"a": None}
    shutil.rmtree(models)
    models.write_text("a file where the folder was")
    assert look(library) == {}

"""Headers that are nested without end: each reader says so in one line."""

import json
import struct
from pathlib import Path

import pytest

from generation.catalog import read_catalog
from generation.engine.row_profile import read_profiles
from generation.errors import CatalogInvalid, CheckpointUnavailable
from generation.json_text import loads
from generation.loading.checkpoint_folder import _read_json
from generation.loading.safetensors_file import read_header
from generation.metadata.comfyui import comfyui
from generation.metadata.infotext import parse

DEEP = 100_000
TEXTS = [
    "[" * DEEP,
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
]


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_an_error_of_value(text: str):
    with pytest.raises(ValueError, match=r"."):
        loads(text)


def test_other_texts_are_read():
    assert loads('{"a": [1, null]}') == {"a": [1, None]}
    with pytest.raises(json.JSONDecodeError):
        loads("{")


@pytest.mark.parametrize("text", TEXTS)
def test_a_safetensors_header_is_refused_in_one_line(tmp_path: Path, text: str):
    file = tmp_path / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(text)) + text.encode())
    with pytest.raises(CheckpointUnavailable) as refused:
        read_header("x", file)
    assert "is not a safetensors file" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", TEXTS)
def test_so_is_a_part_of_a_folder(tmp_path: Path, text: str):
    file = tmp_path / "model_index.json"
    file.write_text(text)
    with pytest.raises(CheckpointUnavailable) as refused:
        _read_json("x", file)
    assert "is not valid JSON" in str(refused.value)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * DEEP, "a = " + "{b = " * DEEP, "[" + "a." * 9 + "a"]
)
def test_so_is_a_catalog(tmp_path: Path, text: str):
    file = tmp_path / "catalog.toml"
    file.write_text(text)
    with pytest.raises(CatalogInvalid) as refused:
        read_catalog(file, None)
    assert "not valid TOML" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", TEXTS)
def test_others_are_as_good_as_none(tmp_path: Path, text: str):
    assert comfyui.parse(text) is None
    assert parse(f'a fox\nSteps: 3, Seed: 1, Size: 1x1, X: "{text}"') is not None
    file = tmp_path / "profiles.json"
    file.write_text(text)
    assert read_profiles(file) == {}

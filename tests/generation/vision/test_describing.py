"""Captions by small models of transformers' own classes, in the real process."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from generation.library.headers import Child
from generation.library.offers import Looker
from generation.loading.detect import Kind
from generation.vision.captioners import class_of
from generation.vision.describing import LONGEST, clean
from tests.fakes import png
from tests.generation.vision import tiny_captioners as tiny

MODULE = "generation.vision.describing"


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child(MODULE, 300.0) as child:
        yield child


def asked(folder: Path, seed: int = 7, **more: Any) -> dict[str, Any]:
    picture = base64.b64encode(png(seed, 48, 40)).decode()
    return {"folder": str(folder), "picture": picture, "count": 4, "rest_s": 300, **more}


@pytest.mark.parametrize("make", [tiny.blip, tiny.git, tiny.vit_gpt2])
def test_four_different_captions_that_are_the_same_for_the_same_picture(
    child: Child, tmp_path: Path, make: Callable[[Path], Path]
):
    folder = make(tmp_path / "captioners" / "tiny")
    first = child.ask(asked(folder))
    assert "problem" not in first
    captions = first["captions"]
    assert len({one.casefold() for one in captions}) == 4
    assert all(0 < len(one) <= LONGEST for one in captions)
    assert {word for one in captions for word in one.split()} <= set(tiny.WORDS)
    assert child.ask(asked(folder)) == first
    assert child.ask(asked(folder, seed=200_000)) != first


@pytest.mark.parametrize(
    ("lost", "whole"), [("encoder.pooler.", True), ("decoder.transformer.h.1.mlp.", False)]
)
def test_only_what_is_not_needed_may_be_missing(
    child: Child, tmp_path: Path, lost: str, whole: bool
):
    folder = tiny.vit_gpt2(tmp_path / "tiny")
    weights = load_file(folder / "model.safetensors")
    left = {key: one for key, one in weights.items() if not key.startswith(lost)}
    assert len(left) < len(weights)
    save_file(left, folder / "model.safetensors", {"format": "pt"})
    said = child.ask(asked(folder))
    assert ("captions" in said) is whole
    assert whole or f"such as {lost}" in said["problem"]


def test_a_folder_is_found_wherever_it_lies_and_is_no_image_encoder(tmp_path: Path):
    models = tmp_path / "models"
    folder = tiny.blip(models / "other" / "tiny")
    looker = Looker([models], tmp_path, None, None)
    offers = looker()
    assert offers.catalog.captioners == (folder,)
    assert not any("tiny" in note for note in offers.notes)
    (item,) = looker._library.look().items
    assert (item.file.kind, item.name) == (Kind.CAPTIONER, "tiny")
    (folder / "config.json").rename(folder / "later.json")
    assert looker().catalog.captioners == ()
    (folder / "later.json").rename(folder / "config.json")
    assert looker().catalog.captioners == (folder,), "though the weights were read before"


def test_damaged_weights_are_named_to_the_owner_and_not_used(tmp_path: Path):
    models = tmp_path / "models"
    weights = tiny.blip(models / "tiny") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    offers = Looker([models], tmp_path, None, None)()
    assert offers.catalog.captioners == ()
    assert any(str(weights) in note for note in offers.notes)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"config.json": "{"}, "names none of"),
        ({"config.json": '{"architectures": ["CLIPModel"]}'}, "names none of"),
        ({"tokenizer.json": "{"}, ""),
        ({"preprocessor_config.json": "["}, "JSON"),
    ],
)
def test_a_bad_folder_costs_itself_only(
    child: Child, tmp_path: Path, change: dict[str, str], problem: str
):
    folder = tiny.blip(tmp_path / "bad")
    for name, text in change.items():
        (folder / name).write_text(text, "utf-8")
    said = child.ask(asked(folder))
    assert problem in said["problem"]
    assert "captions" not in said
    whole = tiny.blip(tmp_path / "whole")
    assert len(child.ask(asked(whole))["captions"]) == 4


def test_a_configuration_of_another_size_takes_no_memory(child: Child, tmp_path: Path):
    folder = tiny.blip(tmp_path / "huge")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["text_config"] |= {"vocab_size": 10**9, "num_hidden_layers": 500}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    assert "problem" in child.ask(asked(folder))


def test_pickles_and_a_folder_s_own_code_are_not_run(child: Child, tmp_path: Path):
    folder = tiny.blip(tmp_path / "tiny")
    told = tmp_path / "run"
    (folder / "evil.py").write_text(f"open({str(told)!r}, 'w')\nclass Evil: pass\n", "utf-8")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["auto_map"] = {"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    tokenizer["auto_map"] = {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), "utf-8")
    child.ask(asked(folder))
    assert not told.exists()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    child.end()
    assert "problem" in child.ask(asked(folder))


@pytest.mark.parametrize(
    "config",
    [
        {"architectures": ["BlipForQuestionAnswering"]},
        {"architectures": ["GitForCausalLM"], "num_image_with_embedding": 6},
        {
            "architectures": ["VisionEncoderDecoderModel"],
            "encoder": {"model_type": "donut-swin"},
            "decoder": {"model_type": "mbart"},
        },
        {"architectures": ["VisionEncoderDecoderModel"], "encoder": [], "decoder": None},
        {"architectures": [["GitForCausalLM"]]},
        {"architectures": "GitForCausalLM"},
        {},
        [],
        None,
    ],
)
def test_other_models_are_no_captioners(tmp_path: Path, config: Any):
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    assert class_of(tmp_path / "model.safetensors") is None


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("  a cat\n on   the grass . ", "a cat on the grass ."),
        ("a (cat:1.5) <lora:x:1> --steps 50 {a|b}", "a cat:1.5 lora:x:1 -steps 50 a b"),
        ("two :: cats --- here", "two : cats - here"),
        ("[DEC] \u0000\u202e", "DEC"),
        (" , -", ""),
        ("word " * 100, ("word " * 60).strip()),
        ("x" * 400, "x" * LONGEST),
    ],
)
def test_a_caption_is_one_short_line_of_plain_words(text: str, caption: str):
    assert clean(text) == caption


def test_the_process_ends_when_it_has_rested(tmp_path: Path):
    folder = tiny.blip(tmp_path / "tiny")
    question = json.dumps(asked(folder, rest_s=0.1)).encode() + b"\n"
    with subprocess.Popen(
        [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(question)
        process.stdin.flush()
        assert "captions" in json.loads(process.stdout.readline())
        assert process.wait(60) == 0, "though its input is still open"

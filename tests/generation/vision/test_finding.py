"""What words mean in pictures, by small models of transformers' own class, in the real process."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from generation.errors import InvalidRequest
from generation.library.headers import Child
from generation.library.offers import Looker
from generation.loading.detect import Kind
from generation.vision.finding import likely, load
from generation.vision.segmenters import (
    LIKELY,
    MOST_PHRASES,
    class_of,
    levels_in,
    mask_in,
    phrases_of,
)
from tests.generation.loading.layouts import sparse
from tests.generation.vision import tiny_clipseg as tiny
from tests.generation.vision.tiny_clipseg import boxes

# Eight of the model's patches wide and high, so that boxes are whole ones.
PICTURE = boxes(96, 64, red=(12, 8, 47, 31), blue=(60, 16, 83, 55))


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child("generation.vision.finding", 300.0) as child:
        yield child


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.colour_clipseg(tmp_path_factory.mktemp("segmenters") / "colours")


def asked(folder: Path, *phrases: str) -> dict[str, Any]:
    file = io.BytesIO()
    PICTURE.save(file, "PNG")
    picture = base64.b64encode(file.getvalue()).decode()
    return {"folder": str(folder), "picture": picture, "phrases": phrases, "rest_s": 300}


def box(mask: Image.Image | None) -> tuple[int, int, int, int]:
    assert mask is not None
    found = mask.getbbox()
    assert found is not None
    return found


def test_words_find_what_they_mean_and_nothing_where_it_is_not(child: Child, colours: Path):
    red = mask_in(levels_in(child.ask(asked(colours, "the red hat"))), 96, 64)
    assert np.allclose(box(red), (12, 8, 48, 32), atol=4)
    blue = mask_in(levels_in(child.ask(asked(colours, "a blue box"))), 192, 128)
    assert np.allclose(box(blue), (120, 32, 168, 112), atol=8)
    both = mask_in(levels_in(child.ask(asked(colours, "red", "blue"))), 96, 64)
    assert np.allclose(box(both), (12, 8, 84, 56), atol=4)
    assert both.getpixel((52, 12)) == 0, "what lies between them is not meant"
    for words in ("green", "the hat", "nonsense"):
        assert mask_in(levels_in(child.ask(asked(colours, words))), 96, 64) is None, words


def test_levels_are_those_of_transformers(tmp_path: Path):
    folder = tiny.random_clipseg(tmp_path / "random")
    model = transformers.CLIPSegForImageSegmentation.from_pretrained(folder).eval()
    processor = transformers.CLIPSegProcessor(
        transformers.ViTImageProcessorPil.from_pretrained(folder),
        transformers.AutoTokenizer.from_pretrained(folder),
    )
    texts = ["the red hat", "a box of blue, and more words than the other"]
    inputs = processor(text=texts, images=[PICTURE] * 2, padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = model(**inputs).logits.sigmoid()
    found = likely(load(folder), PICTURE, texts)
    assert torch.allclose(found, expected.amax(0), atol=1e-6)
    assert torch.allclose(likely(load(folder), PICTURE, texts[:1]), expected[0], atol=1e-5)


def test_more_words_than_it_reads_are_cut(colours: Path):
    found = likely(load(colours), PICTURE, ["red " + "hat " * 200])
    assert found.shape == (tiny.SIDE, tiny.SIDE)


def test_a_folder_is_found_and_listed_and_is_nothing_else(tmp_path: Path):
    models = tmp_path / "models"
    folder = tiny.random_clipseg(models / "segmenters" / "clipseg")
    looker = Looker([models], tmp_path, None, None)
    offers = looker()
    assert offers.catalog.segmenters == (folder,)
    assert offers.catalog.captioners == ()
    assert not any("clipseg" in note for note in offers.notes)
    (item,) = looker._library.look().items
    assert (item.file.kind, item.name) == (Kind.SEGMENTER, "clipseg")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    offers = Looker([models], tmp_path / "anew", None, None)()
    assert offers.catalog.segmenters == ()
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
    child: Child, tmp_path: Path, colours: Path, change: dict[str, str], problem: str
):
    folder = tiny.random_clipseg(tmp_path / "bad")
    for name, text in change.items():
        (folder / name).write_text(text, "utf-8")
    assert problem in child.ask(asked(folder, "red"))["problem"]
    assert "levels" in child.ask(asked(colours, "red"))


def test_pickles_a_folder_s_own_code_and_other_sizes_are_not_loaded(child: Child, tmp_path: Path):
    folder = tiny.random_clipseg(tmp_path / "tiny")
    told = tmp_path / "run"
    (folder / "evil.py").write_text(f"open({str(told)!r}, 'w')\nclass Evil: pass\n", "utf-8")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["auto_map"] = {"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    child.ask(asked(folder, "red"))
    assert not told.exists()
    config["vision_config"] |= {"hidden_size": 2**16, "num_hidden_layers": 500}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    child.end()
    assert "problem" in child.ask(asked(folder, "red"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    child.end()
    assert "problem" in child.ask(asked(folder, "red"))


def test_what_the_published_model_has_is_what_is_looked_for(tmp_path: Path):
    """Of full size, as a header over a hole: clipseg-rd64-refined, by transformers' own class."""
    config = transformers.CLIPSegConfig(use_complex_transposed_convolution=True)
    config.architectures = ["CLIPSegForImageSegmentation"]
    with torch.device("meta"):
        model = transformers.CLIPSegForImageSegmentation(config)
    folder = tmp_path / "models" / "clipseg-rd64-refined"
    folder.mkdir(parents=True)
    config.save_pretrained(folder)
    weights = model.state_dict()
    assert 140e6 < sum(one.numel() for one in weights.values()) < 160e6
    sparse(weights, folder / "model.safetensors")
    assert class_of(folder / "model.safetensors") == "CLIPSegForImageSegmentation"
    offers = Looker([tmp_path / "models"], tmp_path, None, None)()
    assert offers.catalog.segmenters == (folder,)
    assert not any("clipseg" in note for note in offers.notes)


@pytest.mark.parametrize(
    "answer",
    [
        {"size": [2, 2], "levels": base64.b64encode(b"123").decode()},
        {"size": [0, 4], "levels": ""},
        {"size": [1, 10**6], "levels": base64.b64encode(bytes(10**6)).decode()},
        {"size": [2], "levels": "AAAA"},
        {"levels": "AAAA"},
        {"size": [2, 2], "levels": None},
    ],
)
def test_other_answers_are_none(answer: dict[str, Any]):
    with pytest.raises((ValueError, KeyError, TypeError)):
        levels_in(answer)


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        (" the  hat ", ["the hat"]),
        ("the hat, a scarf,, the hat", ["the hat", "a scarf"]),
        (" , ", None),
        ("x" * 201, None),
        (",".join("abcdef"), None),
    ],
)
def test_what_is_looked_for_has_bounds(words: str, phrases: list[str] | None):
    if phrases is not None:
        assert phrases_of(words) == phrases
        return
    with pytest.raises(InvalidRequest) as refused:
        phrases_of(words)
    assert refused.value.field == "mask_words"
    assert MOST_PHRASES < 6


def test_a_mask_is_a_little_larger_and_fits_any_size():
    levels = Image.new("L", (352, 352))
    levels.paste(LIKELY, (100, 50, 200, 150))
    grown = mask_in(levels, 704, 352)
    assert np.allclose(box(grown), (190, 45, 410, 155), atol=2)
    assert set(np.unique(np.asarray(grown))) == {0, 255}
    assert mask_in(levels.point(lambda level: level - 1 if level else 0), 704, 352) is None

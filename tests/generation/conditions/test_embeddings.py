"""Textual inversion: files, names in prompts, and what the text encoders make of it."""

import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import Adapter
from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.embeddings import Embedding, EmbeddingNames, load_embedding
from generation.engine.engine import Engine
from generation.engine.prompt import Token, split
from generation.errors import AdapterUnavailable
from generation.request import Failed, Finished
from tests.generation.conftest import CPU, PLAIN, TINY, MakeRequest, pixels, run
from tests.generation.families.tiny import save_tiny_xl

SD1 = {Part.TEXT_ENCODER: 32}
XL = {Part.TEXT_ENCODER: 24, Part.TEXT_ENCODER_2: 40}


def load(file: Path, widths: dict[Part, int] = SD1, family: str = "sd1") -> Embedding:
    return load_embedding("Ink", file, widths, CPU, torch.float32, family=family)


@pytest.mark.parametrize(
    ("tensors", "widths", "length"),
    [
        ({"emb_params": torch.ones(3, 32)}, SD1, 3),
        ({"<ink>": torch.ones(32)}, SD1, 1),
        ({"clip_l": torch.ones(2, 32)}, SD1, 2),
        ({"clip_l": torch.ones(2, 24), "clip_g": torch.ones(2, 40)}, XL, 2),
        ({"emb_params": torch.ones(75, 32, dtype=torch.bfloat16)}, SD1, 75),
    ],
    ids=["A1111", "diffusers", "clip_l", "SDXL", "a chunk in bf16"],
)
def test_a_file_is_read(
    tmp_path: Path, tensors: dict[str, torch.Tensor], widths: dict[Part, int], length: int
):
    save_file(tensors, tmp_path / "a")
    embedding = load(tmp_path / "a", widths, "sd1" if widths is SD1 else "sdxl")
    assert embedding.length == length
    assert {part: one.shape for part, one in embedding.vectors.items()} == {
        part: (length, width) for part, width in widths.items()
    }
    assert all(one.dtype == torch.float32 for one in embedding.vectors.values())


@pytest.mark.parametrize(
    ("tensors", "widths", "said"),
    [
        ({"emb_params": torch.ones(3, 33)}, SD1, "does not fit the text encoders of Stable Diff"),
        ({"emb_params": torch.ones(76, 32)}, SD1, "holds more than 75 vectors"),
        ({"emb_params": torch.ones(0, 32)}, SD1, "fit the text encoders"),
        ({"emb_params": torch.full((1, 32), torch.inf)}, SD1, "values that are no numbers"),
        ({"clip_l": torch.ones(2, 24)}, XL, "does not fit the text encoders"),
        ({"clip_l": torch.ones(2, 24), "clip_g": torch.ones(1, 40)}, XL, "does not fit"),
        ({"emb_params": torch.ones(2, 768)}, XL, "was made for Stable Diffusion 1, not for"),
        ({"clip_l": torch.ones(2, 768), "clip_g": torch.ones(2, 1280)}, SD1, "Diffusion XL, not"),
        ({"decoder.conv_in.weight": torch.ones(2)}, SD1, "is a VAE, not an embedding"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(
    tmp_path: Path, tensors: dict[str, torch.Tensor], widths: dict[Part, int], said: str
):
    save_file(tensors, tmp_path / "ink.safetensors")
    with pytest.raises(AdapterUnavailable) as caught:
        load(tmp_path / "ink.safetensors", widths, "sd1" if widths is SD1 else "sdxl")
    assert said in str(caught.value)


def test_a_pickled_one_is_refused_with_the_line_that_converts_it(tmp_path: Path):
    vectors = torch.randn(2, 32)
    torch.save(
        {"string_to_token": {"*": 265}, "string_to_param": {"*": vectors}}, tmp_path / "a.pt"
    )
    with pytest.raises(AdapterUnavailable) as caught:
        load(tmp_path / "a.pt")
    _, command = str(caught.value).split("this converts it: ")
    program, *arguments = shlex.split(command)
    assert program == "python"
    subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=True)
    assert torch.equal(load_file(tmp_path / "a.safetensors")["emb_params"], vectors)
    assert load(tmp_path / "a.safetensors").length == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a bad-hands-5 here", [("a ", None), ("bad-hands-5", "bad-hands-5"), (" here", None)]),
        ("BAD-Hands-5", [("BAD-Hands-5", "bad-hands-5")]),
        ("bad-hands", [("bad-hands", None)]),
        ("embedding:ink", [("embedding:ink", "Ink")]),
        ("Embedding:INK.safetensors, x", [("Embedding:INK.safetensors", "Ink"), (", x", None)]),
        ("ink wash painting", [("ink wash", "ink wash"), (" painting", None)]),
        ("ink,ink", [("ink", "Ink"), (",", None), ("ink", "Ink")]),
        ("drink inks ink_ 墨ink", [("drink inks ink_ 墨ink", None)]),
        ("水墨 and 水", [("水墨", "水墨"), (" and 水", None)]),
        ("embedding:other", [("embedding:other", None)]),
        ("", []),
    ],
)
def test_names_are_found_whole_longest_first_in_any_case(
    text: str, found: list[tuple[str, str | None]]
):
    names = EmbeddingNames(("Ink", "ink wash", "bad-hands-5", "水墨"))
    assert list(names.split(text)) == found


@given(
    st.text(st.sampled_from("aAbB. ,:ßİ_1"), max_size=30), st.lists(st.text("abß1 .", max_size=4))
)
def test_no_text_is_lost(text: str, names: list[str]):
    pieces = list(EmbeddingNames(tuple(names)).split(text))
    assert "".join(piece for piece, _ in pieces) == text
    assert all(piece for piece, _ in pieces)


def test_an_embedding_is_not_split_between_chunks():
    word = Token(1, 1.0, "a")

    def ink(length: int) -> list[Token]:
        whole = Embedding({Part.TEXT_ENCODER: torch.zeros(length, 8)})
        return [Token(9, 1.0, "ink", whole, place) for place in range(length)]

    chunks = split([word] * 28 + ink(4) + [word] * 40, 30, comma=9)
    assert [len(chunk) for chunk in chunks] == [28, 30, 14]
    chunks = split(ink(40) + [word] * 8, 30, comma=9)  # longer than a chunk
    assert [len(chunk) for chunk in chunks] == [30, 18]


@pytest.fixture(scope="module")
def folders(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"sd1": tiny_folder, "sdxl": save_tiny_xl(tmp_path_factory.mktemp("tiny") / "xl")}


FamilyOf = Callable[[str], Engine]


@pytest.fixture
def engine_for(folders: dict[str, Path], tmp_path: Path) -> FamilyOf:
    """An engine whose embedding Ink is what two words' tokens have anyway."""

    def build(family: str) -> Engine:
        checkpoint = Checkpoint(name=TINY, source=folders[family], family=family, size=64)
        ink = Adapter(name="Ink", path=tmp_path / "ink.safetensors")
        engine = Engine(
            Catalog({TINY: checkpoint}, TINY, embeddings={"Ink": ink}), CPU, options=PLAIN
        )
        while (pipeline := engine.cache.take(TINY, lambda *_: None)) is None:
            time.sleep(0.01)  # it is loading
        named = {Part.TEXT_ENCODER: "clip_l", Part.TEXT_ENCODER_2: "clip_g"}
        tensors = {}
        for encoder in pipeline._encoders:
            ids = encoder._tokenizer("red apple", add_special_tokens=False).input_ids
            table = encoder._text_encoder.get_input_embeddings().weight
            tensors[named[encoder._part]] = table[ids].detach().clone()
        save_file(tensors, tmp_path / "ink.safetensors")
        return engine

    return build


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_it_draws_what_its_vectors_mean(
    engine_for: FamilyOf, make_request: MakeRequest, family: str
):
    engine = engine_for(family)

    def draw(prompt: str, **changes: object) -> np.ndarray:
        request = make_request(
            prompt=prompt, family=family, width=64, height=64, num_inference_steps=2, **changes
        )
        told = run(engine, request)
        assert isinstance(told[-1], Finished), told[-1]
        return pixels(told)

    words, vectors = draw("a (red apple:1.2), a boat"), draw("a (ink:1.2), a boat")
    assert np.array_equal(words, vectors)
    assert np.array_equal(words, draw("a (embedding:INK:1.2), a boat"))
    assert not np.array_equal(words, draw("a (sink:1.2), a boat"))
    assert np.array_equal(
        draw("a boat", negative_prompt="red apple"), draw("a boat", negative_prompt="Ink")
    )


def test_a_changed_catalog_and_a_bad_file_are_noticed(
    engine_for: FamilyOf, make_request: MakeRequest, tmp_path: Path
):
    engine = engine_for("sd1")
    request = make_request(prompt="ink", width=64, height=64, num_inference_steps=1)
    with_it = pixels(run(engine, request))
    engine._catalog.become(replace(engine._catalog, embeddings={}))
    without = pixels(run(engine, request))
    assert not np.array_equal(with_it, without)
    bad = Adapter(name="Ink", path=tmp_path / "ink.pt")
    engine._catalog.become(replace(engine._catalog, embeddings={"Ink": bad}))
    failed = run(engine, request)[-1]
    assert isinstance(failed, Failed)
    assert "is pickled" in str(failed.error)

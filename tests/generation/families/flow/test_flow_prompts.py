"""What of a prompt the flow families read, and how it is weighed."""

from pathlib import Path

import pytest
import torch

from generation.catalog import Checkpoint
from generation.families.pipeline import Pipeline, Prompts
from generation.families.text import Words
from generation.loading.model_loader import load
from generation.request import Sampler
from tests.generation.conftest import CPU, MakeRequest
from tests.generation.families.conftest import CHECKPOINTS, DEV, SCHNELL, SD3, SD3_LARGE, Z_IMAGE

LONG = "a red apple, " * 60  # 240 tokens of T5's here, and more of Qwen's, which are bytes
LONGER = "a,b,c," * 60  # 420 of T5's


@pytest.fixture(scope="module")
def pipelines(folders: dict[str, Path]) -> dict[str, Pipeline]:
    return {
        name: load(Checkpoint(name=name, source=folder, family=CHECKPOINTS[name][0]), CPU)
        for name, folder in folders.items()
    }


@pytest.fixture
def encode(pipelines: dict[str, Pipeline], make_request: MakeRequest):
    def encode(name: str, prompt: str, **changes: object) -> Prompts:
        request = make_request(
            checkpoint=name,
            family=CHECKPOINTS[name][0],
            sampler=Sampler.EULER,
            prompt=prompt,
            **changes,
        )
        return pipelines[name].encode(request)

    return encode


def values(prompts: Prompts, key: str = "prompt") -> torch.Tensor:
    return prompts.positive[0][1][key]


def test_words_have_no_syntax_and_each_character_its_weight():
    words = Words.of(r"a (red:1.5) \(apple\) BREAK [sea]")
    assert words.text == "a red (apple)   sea"
    assert set(words.weights[:2]) == {1.0}
    assert set(words.weights[2:5]) == {1.5}
    assert words.weights[-3:] == pytest.approx([1 / 1.1] * 3)
    assert len(words.text) == len(words.weights)


@pytest.mark.parametrize("name", [SD3, SCHNELL, DEV])
def test_a_weight_moves_t5_s_vectors_of_its_word_alone(encode, name: str):
    plain, weighted = values(encode(name, "a red apple")), values(encode(name, "a (red:2) apple"))
    begin = 77 if name == SD3 else 0  # behind CLIP's
    ratio = (weighted / plain)[0, begin:, 0]
    # Rescaled to the same mean, so that the word counts twice as much as all others.
    assert ratio[1] / ratio[0] == pytest.approx(2, rel=1e-3)
    assert torch.allclose(ratio[[0, *range(2, 20)]], ratio[0])


def test_clip_is_weighted_too_where_its_words_are_read(encode):
    plain, weighted = values(encode(SD3, "a red apple")), values(encode(SD3, "a (red:2) apple"))
    assert not torch.equal(plain[:, :77, :72], weighted[:, :77, :72])
    assert torch.equal(plain[:, :77, 72:], torch.zeros(1, 77, 8)), "up to T5's width there is none"


def test_with_z_image_a_weight_has_no_effect(encode):
    plain, weighted = encode(Z_IMAGE, "a red apple"), encode(Z_IMAGE, "a (red:2) apple")
    assert torch.equal(values(plain), values(weighted))


@pytest.mark.parametrize(
    ("name", "prompt", "tokens"),
    [
        (SD3, "a cat", 77 + 256),
        (SD3, LONGER, 3 * 77 + 512),
        (SD3_LARGE, "a cat", 77 + 256),
        (SD3_LARGE, LONGER, 3 * 77 + 256),
        (DEV, "a cat", 512),
        (SCHNELL, LONGER, 256),
    ],
)
def test_so_many_tokens_are_read_of_both_prompts(encode, name: str, prompt: str, tokens: int):
    for swapped in (False, True):
        texts = ("a cat", prompt) if swapped else (prompt, "a cat")
        prompts = encode(name, texts[0], negative_prompt=texts[1])
        assert values(prompts).shape[1] == tokens
        if prompts.negative is not None:
            assert prompts.negative[0][1]["prompt"].shape == values(prompts).shape


@pytest.mark.parametrize(
    ("name", "prompt", "kept", "cut"),
    [
        (SD3, LONGER, "a,b,c", ""),
        (SD3, "a,b,c," * 90 + "the end", "a,b,c", "the end"),
        (SD3_LARGE, "red, " * 160 + "the end", "red", "the end"),
        (DEV, "a,b,c," * 90 + "the end", "a,b,c", "the end"),
        (SCHNELL, LONGER + "the end", "a,b,c", "the end"),
        (Z_IMAGE, "red, " * 120 + "the end", "red", "the end"),
    ],
)
def test_what_is_beyond_the_last_token_is_told(encode, name: str, prompt: str, kept: str, cut: str):
    found = encode(name, prompt).cut
    assert found.endswith(cut)
    assert prompt.endswith(found)
    assert prompt.startswith(kept)
    if not cut:
        assert found == ""
    again = encode(name, prompt[: len(prompt) - len(found)])
    assert torch.equal(values(again), values(encode(name, prompt)))


def test_t5_may_be_missing_and_then_zeros_stand_for_it(encode):
    prompt = values(encode(SD3_LARGE, "a cat"))
    assert not prompt[:, 77:].any()
    assert prompt[:, :77].any()


def test_guidance_of_flux_dev_is_an_input_and_schnell_s_takes_a_second_row(encode):
    dev = encode(DEV, "a cat", guidance_scale=3.5, negative_prompt="boats")
    assert dev.negative is None
    assert values(dev, "guidance").tolist() == [3.5]
    schnell = encode(SCHNELL, "a cat", guidance_scale=3.5, negative_prompt="boats")
    assert schnell.negative is not None
    assert "guidance" not in schnell.positive[0][1]
    assert encode(SCHNELL, "a cat", guidance_scale=1.0).negative is None

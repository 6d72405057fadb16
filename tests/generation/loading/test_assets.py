"""The configurations that come with us are those of the published models."""

import json

import pytest

from generation.loading.layouts import tokenizers
from generation.loading.layouts.components import empty_model
from generation.loading.layouts.composition import ASSETS, COMPONENTS
from tests.generation.loading.full_size import SIZES, full_config

CLIP_L, CLIP_H, CLIP_G = 123_060_480, 340_387_840, 694_659_840
T5 = 4_762_310_656
VAE_4, VAE_16 = 83_653_863, 83_819_683
# The denoisers' numbers of parameters are the published ones, as the hub's pages show them.
PARAMETERS = {
    "sd1": (859_520_964, VAE_4, CLIP_L),
    "sd2": (865_910_724, VAE_4, CLIP_H),
    "sdxl": (2_567_463_684, VAE_4, CLIP_L, CLIP_G),
    "sd3": (2_028_328_000, VAE_16, CLIP_L + 768**2, CLIP_G, T5),
    "sd35_medium": (2_243_171_520, VAE_16, CLIP_L + 768**2, CLIP_G, T5),
    "sd35_large": (8_056_627_520, VAE_16, CLIP_L + 768**2, CLIP_G, T5),
    "flux_dev": (11_901_408_320, VAE_16, CLIP_L, T5),
    "flux_schnell": (11_891_178_560, VAE_16, CLIP_L, T5),
    "z_image": (6_154_908_736, VAE_16, 4_022_468_096),
}


@pytest.mark.parametrize("size", SIZES)
def test_every_model_has_exactly_the_published_parameters(size: str):
    counts = []
    for name in COMPONENTS[SIZES[size][0]]:
        model = empty_model(full_config(size, name))
        if hasattr(model, "tie_weights"):  # an embedding that has a second name counts once
            model.tie_weights()
        counts.append(sum(one.numel() for one in model.parameters()))
    assert tuple(counts) == PARAMETERS[size]


@pytest.mark.parametrize("family", COMPONENTS)
def test_a_family_has_all_that_a_folder_of_it_has(family: str):
    index = json.loads((ASSETS / family / "model_index.json").read_text("utf-8"))
    parts = {name for name, kind in index.items() if isinstance(kind, list) and kind[0]}
    here = {path.name for path in (ASSETS / family).iterdir() if path.is_dir()}
    assert parts == here | tokenizers.load_tokenizers(family).keys()
    assert COMPONENTS[family].keys() | {"scheduler"} == here
    size = sum(path.stat().st_size for path in (ASSETS / family).rglob("*.json"))
    assert size < 5_000


def test_clip_s_tokens_are_openai_s():
    tokenizer = tokenizers.clip_tokenizer()
    ids = tokenizer("a photo of an astronaut riding a horse").input_ids
    assert ids == [49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 49407]
    assert len(tokenizer) == 49408
    assert tokenizer.model_max_length == 77
    padded = tokenizers.open_clip_tokenizer()("a", padding="max_length").input_ids
    assert padded == [49406, 320, 49407, *[0] * 74]


def test_t5_s_tokens_are_google_s():
    tokenizer = tokenizers.t5_tokenizer()
    assert tokenizer("A photo of a cat").input_ids == [71, 1202, 13, 3, 9, 1712, 1]
    assert (len(tokenizer), tokenizer.pad_token_id) == (32100, 0)


def test_qwen_s_tokens_are_alibaba_s():
    tokenizer = tokenizers.qwen_tokenizer()
    assert tokenizer("Hello world! 你好").input_ids == [9707, 1879, 0, 220, 108386]
    message = [{"role": "user", "content": "a cat"}]
    chat = tokenizer.apply_chat_template(
        message, tokenize=False, add_generation_prompt=True, enable_thinking=True
    )
    assert chat == "<|im_start|>user\na cat<|im_end|>\n<|im_start|>assistant\n"
    ids = tokenizer(chat).input_ids
    assert (ids[0], ids.count(151644), ids.count(151645)) == (151644, 2, 1)

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.new_jobs import new_job_of, reroll, single
from bot.db.records import Kind, Words
from bot.options.image_options import ImageOptions
from bot.options.resolve import request_of
from generation.catalog import EMBEDDED, Catalog
from generation.errors import CheckpointUnavailable, InvalidRequest
from generation.request import (
    COUNT,
    GUIDANCE,
    LCM_STEPS,
    PROMPT_LENGTH,
    SEED,
    STEPS,
    Aspect,
    GenerationRequest,
    Sampler,
)
from generation.styles import Style

INK = Style(
    name="Ink", prompt="ink drawing of {prompt}", negative_prompt="red", checkpoints=("Emoji",)
)
ELSEWHERE = Style(name="Elsewhere", prompt="{prompt} there", checkpoints=("Large",))
LARGE = replace(EMBEDDED, name="Large", size=128)
CATALOG = Catalog(
    {EMBEDDED.name: EMBEDDED, LARGE.name: LARGE},
    EMBEDDED.name,
    {INK.name: INK, ELSEWHERE.name: ELSEWHERE},
)

FIELDS = {
    "prompt", "negative_prompt", "aspect", "count", "steps", "guidance_scale", "seed", "sampler",
    "checkpoint", "style", "strength",
}  # fmt: skip

requested = st.builds(
    ImageOptions,
    prompt=st.text(max_size=PROMPT_LENGTH + 2),
    negative_prompt=st.text(max_size=PROMPT_LENGTH + 2),
    aspect=st.sampled_from([*Aspect, "round"]),
    count=st.integers(-1, 6),
    steps=st.none() | st.integers(-1, 200),
    guidance_scale=st.none() | st.floats(allow_nan=True, allow_infinity=True),
    seed=st.none() | st.integers(-5, 2**33),
    sampler=st.sampled_from([None, *Sampler, "Guesswork"]),
    checkpoint=st.sampled_from([None, EMBEDDED.name, "gone"]),
    strength=st.none() | st.floats(-0.5, 1.5),
)


def strong_enough(options: ImageOptions) -> bool:
    steps, strength = options.get("steps", EMBEDDED.num_inference_steps), options.get("strength")
    return strength is None or (0 < strength <= 1 and int(steps * strength) >= 1)


@given(requested)
def test_any_wish_becomes_a_request_or_names_what_is_wrong(options: ImageOptions):
    steps, guidance = options.get("steps"), options.get("guidance_scale")
    good = (
        0 < len(options.prompt.strip()) <= PROMPT_LENGTH
        and len(options.negative_prompt.strip()) <= PROMPT_LENGTH
        and options.get("aspect") in list(Aspect)
        and COUNT[0] <= options.get("count") <= COUNT[1]
        and (steps is None or STEPS[0] <= steps <= STEPS[1])
        and (guidance is None or GUIDANCE[0] <= guidance <= GUIDANCE[1])
        and (
            options.get("seed") is None
            or SEED[0] <= options.get("seed") <= SEED[1] + 1 - options.get("count")
        )
        and options.get("sampler") in (None, *EMBEDDED.samplers)
        and strong_enough(options)
        and (options.get("sampler") != Sampler.LCM or (steps or 1) <= LCM_STEPS[1])
        and options.get("checkpoint") != "gone"
    )
    if not good:
        with pytest.raises((InvalidRequest, CheckpointUnavailable)) as caught:
            request_of(CATALOG, options)
        assert getattr(caught.value, "field", "checkpoint") in FIELDS
        return
    request = request_of(CATALOG, options)
    assert request.prompt == options.prompt.strip()
    assert isinstance(request.sampler, Sampler)


@pytest.mark.parametrize("name", ["steps", "guidance_scale", "sampler"])
def test_what_is_left_out_comes_from_the_checkpoint(name: str):
    request = request_of(CATALOG, ImageOptions(prompt="a"))
    field = {"steps": "num_inference_steps"}.get(name, name)
    assert getattr(request, field) == getattr(EMBEDDED, field)


@given(seed=st.integers(SEED[0], SEED[1] - 3), index=st.integers(0, 3))
def test_each_picture_can_be_asked_for_alone(seed: int, index: int):
    request: GenerationRequest = request_of(CATALOG, ImageOptions(prompt="a", count=4, seed=seed))
    alone = single(request, index)
    assert (alone.num_images, alone.seed) == (1, seed + index)
    assert reroll(request).prompt == "a"


def test_a_style_is_laid_over_the_words_and_both_are_kept():
    made = new_job_of(
        CATALOG, Kind.IMAGINE, ImageOptions(prompt=" a fox ", negative_prompt="dog", style="Ink")
    )
    assert made.request.prompt == "ink drawing of a fox"
    assert made.request.negative_prompt == "dog, red"
    assert (made.style, made.words) == ("Ink", Words("a fox", "dog"))
    for none in (None, "none", "None"):
        plain = new_job_of(CATALOG, Kind.IMAGINE, ImageOptions(prompt="a fox", style=none))
        assert (plain.request.prompt, plain.style, plain.typed) == ("a fox", None, None)


def test_a_style_brings_a_checkpoint_that_it_fits_unless_another_is_named():
    assert request_of(CATALOG, ImageOptions(prompt="a", style="Ink")).checkpoint == "Emoji"
    assert request_of(CATALOG, ImageOptions(prompt="a", style="Elsewhere")).checkpoint == "Large"
    with pytest.raises(InvalidRequest, match="style must be one of Ink or none with Emoji"):
        request_of(CATALOG, ImageOptions(prompt="a", style="Elsewhere", checkpoint="Emoji"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ImageOptions(prompt=" ", style="Ink"), "prompt must be 1 to 10000 characters"),
        (ImageOptions(prompt="a", style="ink"), "style must be one of Ink, Elsewhere or none"),
        (
            ImageOptions(prompt="a" * 9990, style="Ink"),
            "prompt must be at most 9985 characters with the sty",
        ),
        (
            ImageOptions(prompt="a", negative_prompt="b" * 9999, style="Ink"),
            "negative_prompt must be at mo",
        ),
    ],
)
def test_what_does_not_go_with_a_style_is_named(options: ImageOptions, said: str):
    with pytest.raises(InvalidRequest, match=said):
        request_of(CATALOG, options)

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.requests import Wish, compose, draft, reroll, single
from bot.store.records import Kind, Words
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

wishes = st.builds(
    Wish,
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


def strong_enough(wish: Wish) -> bool:
    steps = EMBEDDED.num_inference_steps if wish.steps is None else wish.steps
    return wish.strength is None or (0 < wish.strength <= 1 and int(steps * wish.strength) >= 1)


@given(wishes)
def test_any_wish_becomes_a_request_or_names_what_is_wrong(wish: Wish):
    good = (
        0 < len(wish.prompt.strip()) <= PROMPT_LENGTH
        and len(wish.negative_prompt.strip()) <= PROMPT_LENGTH
        and wish.aspect in list(Aspect)
        and COUNT[0] <= wish.count <= COUNT[1]
        and (wish.steps is None or STEPS[0] <= wish.steps <= STEPS[1])
        and (wish.guidance_scale is None or GUIDANCE[0] <= wish.guidance_scale <= GUIDANCE[1])
        and (wish.seed is None or SEED[0] <= wish.seed <= SEED[1] + 1 - wish.count)
        and wish.sampler in (None, *EMBEDDED.samplers)
        and strong_enough(wish)
        and (wish.sampler != Sampler.LCM or (wish.steps or 1) <= LCM_STEPS[1])
        and wish.checkpoint != "gone"
    )
    if not good:
        with pytest.raises((InvalidRequest, CheckpointUnavailable)) as caught:
            compose(CATALOG, wish)
        assert getattr(caught.value, "field", "checkpoint") in FIELDS
        return
    request = compose(CATALOG, wish)
    assert request.prompt == wish.prompt.strip()
    assert isinstance(request.sampler, Sampler)


@pytest.mark.parametrize("name", ["steps", "guidance_scale", "sampler"])
def test_what_is_left_out_comes_from_the_checkpoint(name: str):
    request = compose(CATALOG, Wish(prompt="a"))
    field = {"steps": "num_inference_steps"}.get(name, name)
    assert getattr(request, field) == getattr(EMBEDDED, field)


@given(seed=st.integers(SEED[0], SEED[1] - 3), index=st.integers(0, 3))
def test_each_picture_can_be_asked_for_alone(seed: int, index: int):
    request: GenerationRequest = compose(CATALOG, Wish(prompt="a", count=4, seed=seed))
    alone = single(request, index)
    assert (alone.num_images, alone.seed) == (1, seed + index)
    assert reroll(request).prompt == "a"


def test_a_style_is_laid_over_the_words_and_both_are_kept():
    made = draft(CATALOG, Kind.IMAGINE, Wish(prompt=" a fox ", negative_prompt="dog", style="Ink"))
    assert made.request.prompt == "ink drawing of a fox"
    assert made.request.negative_prompt == "dog, red"
    assert (made.style, made.words) == ("Ink", Words("a fox", "dog"))
    for none in (None, "none", "None"):
        plain = draft(CATALOG, Kind.IMAGINE, Wish(prompt="a fox", style=none))
        assert (plain.request.prompt, plain.style, plain.typed) == ("a fox", None, None)


def test_a_style_brings_a_checkpoint_that_it_fits_unless_another_is_named():
    assert compose(CATALOG, Wish(prompt="a", style="Ink")).checkpoint == "Emoji"
    assert compose(CATALOG, Wish(prompt="a", style="Elsewhere")).checkpoint == "Large"
    with pytest.raises(InvalidRequest, match="style must be one of Ink or none with Emoji"):
        compose(CATALOG, Wish(prompt="a", style="Elsewhere", checkpoint="Emoji"))


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(prompt=" ", style="Ink"), "prompt must be 1 to 1000 characters"),
        (Wish(prompt="a", style="ink"), "style must be one of Ink, Elsewhere or none"),
        (Wish(prompt="a" * 990, style="Ink"), "prompt must be at most 985 characters with the sty"),
        (Wish(prompt="a", negative_prompt="b" * 999, style="Ink"), "negative_prompt must be at mo"),
    ],
)
def test_what_does_not_go_with_a_style_is_named(wish: Wish, said: str):
    with pytest.raises(InvalidRequest, match=said):
        compose(CATALOG, wish)

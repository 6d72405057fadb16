"""Another picture like the one in a file."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.features.inspect.service import likeness
from bot.options.image_options import ImageOptions
from bot.options.resolve import request_of
from generation.catalog import EMBEDDED, Catalog, Checkpoint
from generation.errors import InvalidRequest
from generation.metadata.infotext import Parameters, describe
from generation.request import LCM_STEPS, PROMPT_LENGTH, Aspect, Sampler

FRIEND = Checkpoint(name="From a friend", source=Path("/models/Friend-v1.5.safetensors"), size=512)
QUICK = Checkpoint(
    name="Quick", source="owner/quick", sampler=Sampler.LCM, num_inference_steps=4, lcm=True
)
CATALOG = Catalog({one.name: one for one in (EMBEDDED, FRIEND, QUICK)}, EMBEDDED.name)


@pytest.mark.parametrize("aspect", Aspect)
def test_our_own_picture_is_drawn_again(aspect: Aspect):
    options = ImageOptions(
        prompt="a fox", negative_prompt="text", aspect=aspect, checkpoint="From a friend", seed=5
    )
    request = request_of(CATALOG, options)
    found = likeness(describe(request, seed=7), CATALOG)
    assert found.left_out == ()
    assert request_of(CATALOG, found) == replace(request, num_images=1, seed=7)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("from a Friend", "From a friend"),
        ("friend-v1.5", "From a friend"),
        ("sd15\\Friend-v1.5.safetensors", "From a friend"),
        ("sd15/Friend-v1.5.ckpt", "From a friend"),
        ("quick", "Quick"),
        ("another", None),
        ("", None),
    ],
)
def test_models_are_found_by_name_or_file(model: str, name: str | None):
    found = likeness(Parameters(prompt="x", model=model), CATALOG)
    assert found.get("checkpoint") == name
    assert found.left_out == (() if name else (f"model {model}",))


def test_what_does_not_hold_here_is_said():
    found = likeness(
        Parameters(
            prompt="x",
            steps=150,
            sampler="DPM++ 3M SDE",
            guidance_scale=-0.5,
            seed=2**40,
            width=2100,
            height=900,
            strength=0.5,
        ),
        CATALOG,
    )
    assert found == ImageOptions(prompt="x", count=1)
    assert found.left_out == (
        "size 2100:900",
        "steps 150",
        "sampler DPM++ 3M SDE",
        "guidance scale -0.5",
        f"seed {2**40}",
        "strength 0.5",
    )


def test_steps_that_the_checkpoint_s_sampler_cannot_take_are_left_out():
    found = likeness(Parameters(prompt="x", model="Quick", steps=LCM_STEPS[1] + 1), CATALOG)
    assert request_of(CATALOG, found).num_inference_steps == 4


@pytest.mark.parametrize("prompt", ["", " \n", "x" * (PROMPT_LENGTH + 1)])
def test_a_file_without_a_prompt_to_use_is_refused(prompt: str):
    with pytest.raises(InvalidRequest, match="image must be"):
        likeness(Parameters(prompt=prompt), CATALOG)


numbers = st.none() | st.integers(-5, 2**70)


@settings(max_examples=60)
@given(
    st.builds(
        Parameters,
        prompt=st.text().map(lambda text: f"x {text}"),  # so that something of it can be used
        steps=numbers | st.integers(0, 101),
        seed=numbers,
        width=numbers | st.integers(1, 3000),
        height=numbers | st.integers(1, 3000),
        guidance_scale=st.none() | st.floats(),
        sampler=st.none() | st.text() | st.sampled_from(Sampler),
        model=st.none() | st.text() | st.sampled_from(CATALOG.names),
    )
)
def test_whatever_a_file_says_the_wish_can_be_granted(found: Parameters):
    # Prompts' own syntax is checked where every prompt's is.
    request = request_of(CATALOG, likeness(found, CATALOG).but(prompt="x"))
    assert request.num_images == 1


@pytest.mark.parametrize(
    ("other", "left_out"),
    [
        ({"Schedule type": "Karras", "Clip skip": "2"}, ("Schedule type Karras", "Clip skip 2")),
        ({"Refiner": "x", "ADetailer model": "face"}, ("Refiner x", "ADetailer model face")),
        (
            {"Schedule type": "Automatic", "Clip skip": "1", "VAE": "Automatic", "Tiling": "False"},
            (),
        ),
        ({"Version": "v1", "Hashes": "{}", "Created Date": "today", "App": "SD.Next"}, ()),
    ],
)
def test_what_has_no_option_here_is_left_out_by_its_own_name(other, left_out):
    assert (
        likeness(Parameters(prompt="x", sampler="Euler", other=other), CATALOG).left_out == left_out
    )


@pytest.mark.parametrize(
    ("program", "prompt", "ours", "left_out"),
    [
        (None, "a fox, <lora:ink:0.8>", "a fox", ("<lora:ink:0.8>",)),
        (None, "[cat:dog:0.5] AND a fox", "[cat:dog:0.5], a fox", ("AND",)),
        ("ComfyUI", "(a fox:1.2), embedding:bad", "(a fox:1.2)", ("embedding:bad",)),
        ("SwarmUI", "a fox <segment:face> smiling", "a fox smiling", ("<segment:face>",)),
        ("NovelAI", "{{a, b}}, [c], fox_(animal)",
         r"((a, b:1.05):1.05), (c:0.9524), fox_\(animal\)", ()),
        ("NovelAI", "1.3::red, blue::, -1::text::, x", "(red, blue:1.3), x", ()),
        ("InvokeAI", "a (red (big) fox)1.3, snow++, night-",
         "a (red (big) fox:1.3), (snow:1.21), (night:0.9091)", ()),
        ("InvokeAI", "a (quiet) fox, 3-legged, x-ray", "a (quiet) fox, 3-legged, x-ray", ()),
    ],
)  # fmt: skip
def test_prompts_of_programs_are_put_into_our_way_of_writing(
    program: str | None, prompt: str, ours: str, left_out: tuple[str, ...]
):
    found = likeness(Parameters(prompt=prompt, program=program), CATALOG)
    assert (found.prompt, found.left_out) == (ours, left_out)


def test_our_own_prompts_stay_as_they_are():
    request = request_of(CATALOG, ImageOptions(prompt="a {b} [c|d]", seed=5))
    found = likeness(describe(request, seed=5), CATALOG)
    assert (found.prompt, found.left_out) == (request.prompt, ())


def test_what_weighs_less_than_nothing_is_kept_out():
    found = likeness(
        Parameters(prompt="a fox, -1::text::", negative_prompt="blur", program="NovelAI"), CATALOG
    )
    assert (found.prompt, found.negative_prompt) == ("a fox", "blur, text")
    with pytest.raises(InvalidRequest, match="prompt"):
        likeness(Parameters(prompt="<lora:x:1>"), CATALOG)

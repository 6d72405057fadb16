from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.jobs.derived.remixing import form_of, remix
from bot.core.new_jobs import new_job_of
from bot.db.records import Kind, NewJob, Words
from bot.options.image_options import ImageOptions
from bot.options.resolve import Layers
from bot.texts import say
from generation.catalog import EMBEDDED, Catalog
from generation.errors import CheckpointUnavailable, InvalidRequest
from generation.request import GUIDANCE, SEED, STEPS, Aspect, GenerationRequest, Sampler
from generation.styles import Style

CATALOG = Catalog(
    {
        EMBEDDED.name: EMBEDDED,
        "Large": replace(EMBEDDED, name="Large", size=128, num_inference_steps=30),
    },
    EMBEDDED.name,
    {"Ink": Style(name="Ink", prompt="ink drawing of {prompt}", negative_prompt="red")},
)


def request(**changes) -> GenerationRequest:
    fields = {
        "prompt": "a {red} apple, {round",
        "negative_prompt": "{water}",
        "checkpoint": "Emoji",
        "width": 88,
        "height": 48,
        "num_images": 2,
        "num_inference_steps": 5,
        "guidance_scale": 2.5,
        "sampler": Sampler.EULER,
        "seed": 7,
    }
    return GenerationRequest(**fields | changes)


def made(**changes) -> NewJob:
    return NewJob(kind=Kind.IMAGINE, request=request(**changes))


def sent(parent: NewJob, **fields: str) -> NewJob:
    form = form_of(CATALOG, parent) | fields
    return remix(CATALOG, parent, form, Layers())


def changed(**fields: str) -> GenerationRequest:
    return sent(made(), **fields).request


@given(
    seed=st.integers(SEED[0], SEED[1] - 1),
    steps=st.integers(*STEPS),
    guidance=st.integers(int(GUIDANCE[0]) * 1000, int(GUIDANCE[1]) * 1000),
)
def test_an_unchanged_form_asks_for_the_same(seed: int, steps: int, guidance: int):
    same = made(seed=seed, num_inference_steps=steps, guidance_scale=guidance / 1000)
    assert sent(same) == replace(same, kind=Kind.REMIX)


def test_the_form_is_filled_in_as_it_would_be_typed():
    assert form_of(CATALOG, made()) == {
        "prompt": r"a \{red\} apple, \{round",
        "negative_prompt": "{water}",
        "seed": "7",
        "guidance_scale": "2.5",
        "steps": "5",
    }


def test_changes_are_taken():
    fields = {"prompt": "a pear", "negative_prompt": "", "guidance_scale": " 4,5 ", "steps": "9"}
    assert changed(**fields) == request(
        prompt="a pear", negative_prompt="", guidance_scale=4.5, num_inference_steps=9
    )


def test_empty_numbers_are_left_to_the_checkpoint_and_to_chance():
    one, other = (changed(seed="", steps=" ", guidance_scale="") for _ in range(2))
    assert (one.num_inference_steps, one.guidance_scale) == (20, 4.0)
    assert one.seed != other.seed


def test_parameters_typed_into_the_prompt_hold():
    drawn = changed(prompt="a pear --ar 2:3 --seed 9 --no leaf --model lar --n 1")
    assert (drawn.prompt, drawn.negative_prompt, drawn.seed) == ("a pear", "{water}, leaf", 9)
    assert (drawn.checkpoint, drawn.num_images) == ("Large", 1)
    assert (drawn.width, drawn.height) == CATALOG["Large"].size_for(Aspect.PORTRAIT)


def test_another_checkpoint_keeps_the_shape():
    drawn = changed(prompt="a pear --model Large")
    assert (drawn.width, drawn.height) == CATALOG["Large"].size_for(Aspect.WIDE)


def test_a_size_that_is_no_shape_of_ours_stays():
    odd = made(width=96, height=40)
    assert sent(odd).request == odd.request


def test_a_style_is_laid_over_new_words_once_and_can_be_changed():
    styled = new_job_of(
        CATALOG, Kind.IMAGINE, ImageOptions(prompt="{a fox", negative_prompt="cat", style="Ink")
    )
    form = form_of(CATALOG, styled)
    assert (form["prompt"], form["negative_prompt"]) == (r"\{a fox", "cat")
    assert sent(styled).request == styled.request
    other = sent(styled, prompt="a dog")
    assert (other.request.prompt, other.request.negative_prompt) == (
        "ink drawing of a dog",
        "cat, red",
    )
    assert (other.style, other.words) == ("Ink", Words("a dog", "cat"))
    plain = sent(styled, prompt="a dog --style none")
    assert (plain.request.prompt, plain.request.negative_prompt) == ("a dog", "cat")
    assert (plain.style, plain.typed) == (None, None)


def test_a_style_that_is_gone_leaves_its_words():
    styled = new_job_of(CATALOG, Kind.IMAGINE, ImageOptions(prompt="a fox", style="Ink"))
    without = Catalog(CATALOG.checkpoints, CATALOG.default)
    form = form_of(without, styled)
    assert form["prompt"] == "ink drawing of a fox"
    again = remix(without, styled, form, Layers())
    assert (again.request, again.style) == (styled.request, None)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"prompt": " "}, say("bound-characters", least="prompt must be 1", most="10000")),
        ({"prompt": "{red, blue} apple"}, "prompt must be a single prompt: braces and `--repeat`"),
        ({"prompt": "an apple --repeat 2"}, "prompt must be a single prompt"),
        ({"prompt": "an apple --style noir"}, "style must be one of Ink or none"),
        ({"seed": "-2"}, "seed must be a whole number, 0 to 4294967295"),
        ({"seed": "seven"}, "seed must be a whole number, 0 to 4294967295"),
        ({"steps": "0"}, "steps must be 1 to 100"),
        ({"steps": "1.5"}, "steps must be a whole number, 1 to 100"),
        ({"guidance_scale": "31"}, say("settings-guidance", guidance="must be 0.0 to 30.0")),
        (
            {"guidance_scale": "much"},
            say("settings-guidance", guidance="must be a number, 0 to 30"),
        ),
    ],
)
def test_what_is_out_of_bounds_is_named(fields: dict[str, str], line: str):
    with pytest.raises(InvalidRequest, match=line):
        changed(**fields)


def test_a_checkpoint_that_is_gone_is_named():
    with pytest.raises(CheckpointUnavailable):
        sent(made(checkpoint="Gone"))

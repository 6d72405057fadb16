"""Requests as JSON."""

import json
from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from bot.options.stored import from_json, to_json, words
from generation.catalog import EMBEDDED
from generation.controls import (
    CONTROL_WEIGHT,
    KINDS,
    MOST_CONTROLS,
    MOST_REFERENCES,
    REFERENCE_WEIGHT,
    Control,
    Reference,
)
from generation.errors import InvalidRequest
from generation.hires import SCALE, Hires
from generation.prompts.adapters import ADAPTER_WEIGHT, MOST_ADAPTERS, AdapterUse
from generation.request import FEATHER, GUIDANCE, SEED, GenerationRequest, Sampler, Uploaded

# SQLite takes no half of a surrogate pair, and Discord sends none.
text = st.text(st.characters(codec="utf-8"), max_size=40)


def request(**fields: object) -> GenerationRequest:
    """Return the request, or a plain one where its prompts cannot be read."""
    known = {
        "checkpoint": EMBEDDED.name,
        "width": 64,
        "height": 48,
        "num_inference_steps": 100,
        "guidance_scale": 2.5,
        "sampler": Sampler.EULER,
        "seed": 3,
    }
    try:
        return GenerationRequest(**known | {"prompt": "x"} | fields)
    except InvalidRequest:
        return GenerationRequest(**known, prompt="x")


@given(
    st.builds(
        request,
        prompt=text,
        negative_prompt=text,
        guidance_scale=st.floats(*GUIDANCE) | st.integers(1, 30).map(float),
        sampler=st.sampled_from(Sampler),
        seed=st.integers(SEED[0], SEED[1] - 3),
        num_images=st.integers(1, 4),
        strength=st.none() | st.floats(0.01, 1),
        adapters=st.lists(
            st.builds(
                AdapterUse,
                text.filter(str.strip),
                st.floats(*ADAPTER_WEIGHT),
                st.floats(*ADAPTER_WEIGHT),
            ),
            max_size=MOST_ADAPTERS,
            unique_by=lambda use: use.name.casefold(),
        ).map(tuple),
        feather=st.none() | st.integers(*FEATHER),
        hires=st.none() | st.builds(Hires, st.floats(*SCALE), st.floats(0.01, 1), st.none()),
        tiling=st.booleans(),
        controls=st.lists(
            st.builds(Control, text, st.floats(*CONTROL_WEIGHT)), max_size=MOST_CONTROLS
        ).map(tuple),
        references=st.lists(
            st.builds(Reference, text, st.floats(*REFERENCE_WEIGHT), st.sampled_from(KINDS)),
            max_size=MOST_REFERENCES,
        ).map(tuple),
    )
)
def test_any_request_reads_back_as_it_was(written: GenerationRequest):
    again = from_json(to_json(written))
    assert again == written
    assert type(again.sampler) is Sampler
    assert repr(again.guidance_scale) == repr(written.guidance_scale)
    assert all(type(one) is AdapterUse for one in again.adapters)


def test_a_person_s_own_picture_stays_one():
    assert from_json(to_json(Uploaded(width=71, height=40))) == Uploaded(width=71, height=40)


def test_every_field_is_written_but_the_picture_s_bytes():
    asked = request(
        image=b"PNG",
        strength=0.5,
        adapters=(AdapterUse("ink", 0.8, 0.5),),
        tiling=True,
        hires=Hires(1.5, 0.5),
        controls=(Control("edges"),),
        control_images=(b"PNG",),
        references=(Reference("face"),),
        reference_images=(b"PNG",),
    )
    masked = request(image=b"PNG", mask=b"PNG", strength=0.5, feather=8)
    written = {**json.loads(to_json(asked)), **json.loads(to_json(masked))}
    pictures = {"image", "mask", "control_images", "reference_images"}
    assert written.keys() == {one.name for one in fields(GenerationRequest)} - pictures


def test_a_plain_request_is_written_as_by_earlier_releases():
    later = {"adapters", "feather", "hires", "tiling", "controls", "references"}
    assert not later & json.loads(to_json(request())).keys()


def test_what_an_older_release_did_not_write_is_the_default():
    older = json.loads(to_json(request(strength=0.5, num_images=3, negative_prompt="y")))
    for field in ("strength", "num_images", "negative_prompt"):
        del older[field]
    assert from_json(json.dumps(older)) == request()


def test_a_person_s_words_are_known():
    assert words() == ("prompt", "negative_prompt", "left_out")

import math
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.architectures import ARCHITECTURES, DISTILLED
from generation.controls import Control, Reference
from generation.engine.samplers import build_scheduler
from generation.errors import (
    CatalogInvalid,
    CheckpointUnavailable,
    GenerationError,
    InvalidRequest,
    OutOfMemory,
)
from generation.hires import SCALE, Hires
from generation.request import (
    COUNT,
    GUIDANCE,
    IMAGE_BYTES,
    LCM_STEPS,
    PROMPT_LENGTH,
    RESCALE,
    SEED,
    SIDE,
    SIDE_MULTIPLE,
    STEPS,
    GenerationRequest,
    Sampler,
)
from tests.generation.conftest import MakeRequest

sides = st.integers(SIDE[0] // SIDE_MULTIPLE, SIDE[1] // SIDE_MULTIPLE).map(
    lambda n: n * SIDE_MULTIPLE
)
valid = st.fixed_dictionaries(
    {
        "prompt": st.text(min_size=1, max_size=PROMPT_LENGTH).filter(str.strip),
        "negative_prompt": st.text(max_size=PROMPT_LENGTH),
        "checkpoint": st.text(min_size=1),
        "width": sides,
        "height": sides,
        "num_images": st.integers(*COUNT),
        "num_inference_steps": st.integers(*LCM_STEPS),
        "guidance_scale": st.floats(*GUIDANCE),
        "seed": st.integers(SEED[0], SEED[1] + 1 - COUNT[1]),
        "sampler": st.sampled_from(Sampler),
        # At least one of the fewest steps is taken.
        "strength": st.none() | st.floats(1 / LCM_STEPS[0], 1.0),
        "guidance_rescale": st.none() | st.floats(*RESCALE),
    }
)


def outside(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(max_value=low - 1) | st.integers(min_value=high + 1)


not_numbers = st.sampled_from([math.nan, math.inf, -math.inf, True])
wrong_sides = outside(*SIDE) | st.integers(*SIDE).filter(lambda n: n % SIDE_MULTIPLE) | not_numbers
INVALID = {
    "prompt": st.text(alphabet=" \t\n") | st.just("x" * (PROMPT_LENGTH + 1)),
    "negative_prompt": st.just("x" * (PROMPT_LENGTH + 1)),
    "checkpoint": st.just(""),
    "width": wrong_sides,
    "height": wrong_sides,
    "num_images": outside(*COUNT) | not_numbers,
    "num_inference_steps": outside(*STEPS) | not_numbers,
    "guidance_scale": st.floats(max_value=-0.01) | st.floats(min_value=30.01) | not_numbers,
    "seed": outside(*SEED) | not_numbers,
    "guidance_rescale": st.floats(max_value=-0.01) | st.floats(min_value=1.01) | not_numbers,
    "strength": st.floats(max_value=0.0) | st.floats(min_value=1.01) | not_numbers,
    "sampler": st.text().filter(lambda name: name not in tuple(Sampler)),
}
# Two fields are named as the person knows them.
NAMES = {"num_images": "count", "num_inference_steps": "steps"}


@given(valid)
def test_what_lies_within_the_bounds_is_accepted(fields: dict):
    request = GenerationRequest(**fields)
    assert request.guided == (fields["guidance_scale"] > 1)
    assert request.cost() > 0
    assert pickle.loads(pickle.dumps(request)) == request


@given(valid, st.sampled_from(sorted(INVALID)), st.data())
def test_what_lies_outside_is_refused_by_the_field_s_name(
    fields: dict, field: str, data: st.DataObject
):
    fields[field] = data.draw(INVALID[field])
    with pytest.raises(InvalidRequest) as refused:
        GenerationRequest(**fields)
    assert refused.value.field == NAMES.get(field, field)
    assert refused.value.bound in str(refused.value)


@pytest.mark.parametrize("sampler", Sampler)
@pytest.mark.parametrize("strength", [None, 0.05, 0.33, 0.5, 0.75, 1.0])
def test_forwards_are_counted_as_the_scheduler_takes_them(
    make_request: MakeRequest, sampler: Sampler, strength: float | None
):
    most = LCM_STEPS[1] if sampler in DISTILLED else STEPS[1]
    config = {"num_train_timesteps": 1000, "beta_schedule": "scaled_linear", "steps_offset": 1}
    for steps in range(1, most + 1):
        if strength is not None and int(steps * strength) < 1:
            continue
        request = make_request(sampler=sampler, num_inference_steps=steps, strength=strength)
        scheduler = build_scheduler(sampler, config)
        scheduler.set_timesteps(steps)
        skipped = steps - int(steps * (strength or 1))
        assert request.forwards == len(scheduler.timesteps[skipped * scheduler.order :])


@given(st.integers(*STEPS), st.floats(0, 1, exclude_min=True))
def test_at_least_one_step_is_taken(steps: int, strength: float):
    fields = {
        "prompt": "a",
        "checkpoint": "b",
        "width": 64,
        "height": 64,
        "num_inference_steps": steps,
        "guidance_scale": 1.0,
        "sampler": Sampler.DDIM,
        "seed": 0,
    }
    if int(steps * strength) >= 1:
        assert GenerationRequest(**fields, strength=strength).forwards >= 1
        return
    with pytest.raises(InvalidRequest, match=f"with {steps} steps") as refused:
        GenerationRequest(**fields, strength=strength)
    assert refused.value.field == "strength"
    least = float(re.search(r"at least ([\d.]+) with", str(refused.value))[1])
    assert GenerationRequest(**fields, strength=least).steps_taken >= 1


def test_a_picture_to_start_from_needs_a_strength_and_is_bounded(make_request: MakeRequest):
    with pytest.raises(InvalidRequest, match="strength must be greater than 0"):
        make_request(image=b"png")
    assert make_request(strength=0.5).image is None
    request = make_request(image=b"a picture's bytes", strength=0.5)
    assert "bytes" not in repr(request)
    with pytest.raises(InvalidRequest, match="image must be at most 16 MiB"):
        make_request(image=b"\0" * (IMAGE_BYTES + 1), strength=0.5)


@pytest.mark.parametrize("sampler", sorted(DISTILLED))
def test_samplers_of_distilled_models_take_fifty_steps_at_most(
    make_request: MakeRequest, sampler: Sampler
):
    make_request(sampler=sampler, num_inference_steps=50)
    with pytest.raises(InvalidRequest, match="steps must be 1 to 50"):
        make_request(sampler=sampler, num_inference_steps=51)


@given(valid, st.floats(0, 1))
def test_a_guidance_up_to_one_is_none(fields: dict, guidance: float):
    request = GenerationRequest(**{**fields, "guidance_scale": guidance})
    assert request.rows == request.num_images


@given(valid)
def test_a_family_s_rows_cost_what_they_take(fields: dict):
    plain = GenerationRequest(**fields).cost()
    for architecture in ARCHITECTURES.values():
        if architecture.classifier_free:
            request = GenerationRequest(**{**fields, "family": architecture.name})
            assert request.cost() == pytest.approx(architecture.row_cost * plain)
    with pytest.raises(InvalidRequest, match="family must be one of sd1"):
        GenerationRequest(**{**fields, "family": "sd0"})


@given(valid)
def test_cost_counts_pictures_forwards_rows_and_pixels(fields: dict):
    fields["guidance_scale"] = 1.0
    plain = GenerationRequest(**{**fields, "num_images": 1}).cost()
    guided = GenerationRequest(**{**fields, "num_images": 3, "guidance_scale": 2.0}).cost()
    assert guided == plain * 6


@given(valid, st.integers(*COUNT))
def test_every_picture_s_own_seed_can_be_asked_for(fields: dict, count: int):
    last = SEED[1] + 1 - count
    GenerationRequest(**{**fields, "num_images": count, "seed": last})
    with pytest.raises(InvalidRequest, match=f"seed must be 0 to {last}"):
        GenerationRequest(**{**fields, "num_images": count, "seed": last + 1})


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("steps", "1 to 100"),
        CheckpointUnavailable("Emoji", "no such folder"),
        CatalogInvalid(Path("a.toml"), "unknown key"),
        OutOfMemory("not enough memory"),
    ],
)
def test_errors_cross_a_pipe_whole(error: GenerationError):
    crossed = pickle.loads(pickle.dumps(error))
    assert type(crossed) is type(error)
    assert (str(crossed), vars(crossed)) == (str(error), vars(error))


EDITS = [
    ({"mask": b"png", "strength": 0.5}, "feather must be a number of pixels from 0 to 64"),
    ({"feather": 8}, "strength must be greater than 0 and at most 1 when there is a mask"),
    ({"feather": 65, "strength": 1.0}, "feather must be 0 to 64"),
    ({"feather": -1, "strength": 1.0}, "feather must be 0 to 64"),
    ({"feather": True, "strength": 1.0}, "feather must be 0 to 64"),
    (
        {"feather": 0, "strength": 1.0, "mask": b"\0" * (IMAGE_BYTES + 1)},
        "mask must be at most 16 MiB",
    ),
    ({"hires": Hires(0.9, 0.5)}, "hires must be 1.0 to 4.0"),
    ({"hires": Hires(math.nan, 0.5)}, "hires must be 1.0 to 4.0"),
    ({"hires": Hires(4.5, 0.5)}, "hires must be 1.0 to 4.0"),
    (
        {"width": 1024, "hires": Hires(3.0, 0.5)},
        "hires must be a factor from 1 to 2 for 1024 × 32 px: 2048 px is the most",
    ),
    ({"hires": Hires(2.0, 0.0)}, "hires_strength must be a number greater than 0"),
    ({"hires": Hires(2.0, 0.01, 4)}, "hires_strength must be at least 0.25 with 4 steps"),
    ({"hires": Hires(2.0, 0.5, 0)}, "hires_steps must be 1 to 100"),
    ({"controls": (Control("a"),) * 4}, "control must be at most 3 controls"),
    ({"controls": (Control(" "),)}, "control must be 1 to 200 characters"),
    ({"controls": (Control("a", 2.5),)}, "control_weight must be 0.0 to 2.0"),
    ({"controls": (Control("a", 1.0, 0.5, 0.5),)}, "control_end must be greater than its start"),
    ({"controls": (Control("a", 1.0, -0.1),)}, "control_start must be 0.0 to 1.0"),
    ({"controls": (Control("a", preprocess="x"),)}, "control_preprocess must be one of canny"),
    ({"controls": (Control("a"),) * 2, "control_images": (b"png",)}, "one picture for each: 2"),
    ({"control_images": (b"png",)}, "control_image must be one picture for each: 0"),
    ({"references": (Reference("a"),) * 5}, "reference must be at most 4 references"),
    ({"references": (Reference(""),)}, "reference must be 1 to 200 characters"),
    ({"references": (Reference("a", -1.0),)}, "reference_weight must be 0.0 to 2.0"),
    ({"references": (Reference("a", 1.0, "x"),)}, "reference_kind must be one of subject or style"),
    (
        {"references": (Reference("a"),), "reference_images": (b"\0" * (IMAGE_BYTES + 1),)},
        "reference_image must be at most 16 MiB",
    ),
]


@pytest.mark.parametrize(("fields", "line"), EDITS)
def test_what_an_edit_may_not_be_is_one_line(make_request: MakeRequest, fields: dict, line: str):
    with pytest.raises(InvalidRequest) as refused:
        make_request(**fields)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


@given(sides, sides, st.floats(*SCALE), st.sampled_from(sorted(ARCHITECTURES)))
def test_a_second_pass_is_as_large_as_said(width: int, height: int, scale: float, family: str):
    fields = {
        "prompt": "a",
        "checkpoint": "b",
        "width": width,
        "height": height,
        "num_inference_steps": 10,
        "guidance_scale": 1.0,
        "sampler": Sampler.EULER,
        "seed": 0,
        "family": family,
    }
    most = SIDE[1] / max(width, height)
    if scale >= most + 0.01:
        with pytest.raises(InvalidRequest, match="2048 px is the most") as refused:
            GenerationRequest(**fields, hires=Hires(scale, 0.5, 20))
        scale = float(refused.value.bound.values["fits"])
        assert scale <= most  # what it names is allowed
    request = GenerationRequest(**fields, hires=Hires(min(scale, most), 0.5, 20))
    scale = min(scale, most)
    larger = request.result_size
    multiple = min(ARCHITECTURES[family].side_multiple, 16)
    for before, after in zip((width, height), larger, strict=True):
        assert after % multiple == 0
        assert after <= SIDE[1]
        assert abs(after - before * scale) <= multiple / 2 or after == multiple
    second = request.second_pass
    assert second is not None
    assert (second.width, second.height) == larger == second.result_size
    assert (second.steps_taken, second.strength, second.hires) == (10, 0.5, None)
    assert request.cost() > GenerationRequest(**fields).cost() + second.cost() - 1
    assert pickle.loads(pickle.dumps(request)) == request


def test_what_steers_a_picture_costs(make_request: MakeRequest):
    plain = make_request(num_inference_steps=10)
    whole = make_request(num_inference_steps=10, controls=(Control("a"),))
    half = make_request(num_inference_steps=10, controls=(Control("a", 1.0, 0.0, 0.5),))
    like = make_request(num_inference_steps=10, references=(Reference("a"),))
    assert plain.cost() < like.cost() < half.cost() < whole.cost() == 1.5 * plain.cost()
    assert make_request(num_inference_steps=10, tiling=True).cost() == plain.cost()
    assert plain.result_size == (plain.width, plain.height)

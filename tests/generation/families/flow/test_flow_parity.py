"""Alone, a request of a flow family gives the pixels of diffusers' own pipelines.

Bit for bit on most CPUs; `assert_alike` says why not on all.
"""

import pytest

from generation.architectures import ARCHITECTURES
from generation.engine.engine import Engine
from generation.request import Progress, Sampler
from tests.generation.conftest import MakeRequest, assert_alike, draw_source, pixels, run
from tests.generation.families.conftest import CHECKPOINTS, SD3, References
from tests.generation.families.flow.flow_reference import SCHEDULERS


@pytest.mark.parametrize("strength", [None, 0.65, 1.0])
@pytest.mark.parametrize("sampler", SCHEDULERS)
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_pixels_are_those_of_diffusers(
    engine: Engine,
    references: References,
    make_request: MakeRequest,
    name: str,
    sampler: Sampler,
    strength: float | None,
):
    request = make_request(
        checkpoint=name,
        family=CHECKPOINTS[name][0],
        sampler=sampler,
        guidance_scale=4.0,
        width=32,
        height=48,
        num_images=2,
        negative_prompt="boats",
        num_inference_steps=5,
        strength=strength,
        image=None if strength is None else draw_source(32, 48),
    )
    events = run(engine, request)
    assert_alike(pixels(events), references[name](request), share=0.02)
    forwards = [event for event in events if isinstance(event, Progress)]
    assert len(forwards) == forwards[-1].of == request.forwards


@pytest.mark.parametrize("steps", [1, 2, 40])
@pytest.mark.parametrize("sampler", SCHEDULERS)
def test_one_step_and_many(
    engine: Engine, references: References, make_request: MakeRequest, sampler: Sampler, steps: int
):
    request = make_request(checkpoint=SD3, family="sd3", sampler=sampler, num_inference_steps=steps)
    assert_alike(pixels(run(engine, request)), references[SD3](request), share=0.02)


def test_every_sampler_of_a_flow_family_is_compared():
    flow = {ARCHITECTURES[family] for family, _ in CHECKPOINTS.values()}
    offered = {sampler for one in flow for sampler in one.samplers}
    assert offered == set(SCHEDULERS)

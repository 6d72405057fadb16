"""Alone, a request gives the pixels of diffusers' own pipelines, bit for bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from diffusers import (
    DDIMScheduler,
)

from generation.catalog import EMBEDDED, Catalog, Checkpoint
from generation.engine.engine import Engine
from generation.engine.samplers import _SCHEDULERS
from generation.request import Picture, Progress, Sampler
from tests.generation.conftest import CPU, PLAIN, MakeRequest, draw_source, pixels, run
from tests.generation.families.reference import Draw, diffusers_own


@pytest.fixture(scope="session")
def reference(tiny_folder: Path) -> Draw:
    return diffusers_own(tiny_folder)


@pytest.fixture(scope="session")
def reference_2(tiny_2_folder: Path) -> Draw:
    return diffusers_own(tiny_2_folder)


@pytest.fixture(scope="session")
def engine(tiny_folder: Path, tiny_2_folder: Path) -> Engine:
    checkpoints = [
        Checkpoint(name="Tiny", source=tiny_folder, lcm=True),
        Checkpoint(name="Tiny 2", source=tiny_2_folder, lcm=True),
    ]
    catalog = Catalog({checkpoint.name: checkpoint for checkpoint in checkpoints}, "Tiny")
    return Engine(catalog, CPU, options=PLAIN)


@pytest.mark.parametrize(
    ("guidance", "count", "size"), [(1.0, 3, (32, 32)), (5.0, 1, (56, 40)), (5.0, 2, (32, 32))]
)
@pytest.mark.parametrize("strength", [None, 0.65, 1.0])
@pytest.mark.parametrize("sampler", Sampler)
def test_pixels_are_those_of_diffusers(
    engine: Engine,
    reference: Draw,
    make_request: MakeRequest,
    sampler: Sampler,
    strength: float | None,
    guidance: float,
    count: int,
    size: tuple[int, int],
):
    request = make_request(
        sampler=sampler,
        guidance_scale=guidance,
        width=size[0],
        height=size[1],
        num_images=count,
        negative_prompt="boats",
        num_inference_steps=5,
        strength=strength,
        image=None if strength is None else draw_source(*size),
    )
    events = run(engine, request)
    assert np.array_equal(pixels(events), reference(request))
    forwards = [event for event in events if isinstance(event, Progress)]
    assert len(forwards) == forwards[-1].of == request.forwards


@pytest.mark.parametrize("strength", [None, 0.7])
@pytest.mark.parametrize("guidance", [1.0, 6.0], ids=["unguided", "guided"])
@pytest.mark.parametrize("sampler", Sampler)
def test_pixels_of_stable_diffusion_2_and_its_v_prediction(
    engine: Engine,
    reference_2: Draw,
    make_request: MakeRequest,
    sampler: Sampler,
    guidance: float,
    strength: float | None,
):
    request = make_request(
        checkpoint="Tiny 2",
        sampler=sampler,
        guidance_scale=guidance,
        num_images=2,
        num_inference_steps=4,
        strength=strength,
        image=None if strength is None else draw_source(32, 32),
    )
    assert np.array_equal(pixels(run(engine, request)), reference_2(request))


@pytest.mark.parametrize("strength", [None, 0.6])
def test_every_sampler_draws_in_the_same_range(make_request: MakeRequest, strength: float | None):
    """A wrong option (clipping, spacing, what the model predicts) shows in brightness or contrast.

    Parity alone would not tell: the reference could be configured as wrongly.
    """
    emoji = replace(EMBEDDED, lcm=True)  # it draws fairly even so
    engine = Engine(Catalog({"Emoji": emoji}, "Emoji"), CPU, options=PLAIN)
    # One like those it was trained on: what noise is made into depends on the sampler.
    drawn = make_request(
        checkpoint="Emoji",
        width=EMBEDDED.size,
        height=EMBEDDED.size,
        num_images=1,
        guidance_scale=3.0,
        num_inference_steps=20,  # with fewer PNDM is far from where it is going
    )
    source = None
    if strength is not None:
        [source] = [event.png for event in run(engine, drawn) if isinstance(event, Picture)]

    def measure(sampler: Sampler) -> np.ndarray:
        request = replace(drawn, sampler=sampler, strength=strength, image=source)
        picture = pixels(run(engine, request)).astype(float)
        return np.array([picture.mean(), picture.std()])

    ranges = {sampler: measure(sampler) for sampler in Sampler}
    middle = np.median(list(ranges.values()), axis=0)
    for sampler, measured in ranges.items():
        assert np.abs(measured - middle).max() < 6, (sampler, measured, middle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(_SCHEDULERS, Sampler.DDIM, (DDIMScheduler, {"clip_sample": True}))
        assert np.abs(measure(Sampler.DDIM) - middle).max() > 10, "a clipped one would be seen"

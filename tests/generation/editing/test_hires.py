"""The second pass is image-to-image over the enlarged first picture."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from generation.engine.engine import Engine
from generation.errors import Cancelled, OutOfMemory
from generation.hires import Hires
from generation.request import Failed, Finished, GenerationRequest, Progress, Sampler
from generation.upscaler.tiles import Upscaler
from tests.generation.conftest import CPU, TINY, MakeRequest, draw_source, pixels, run
from tests.generation.editing.conftest import XL
from tests.generation.editing.pictures import png
from tests.generation.families.reference import Draw, diffusers_own


@pytest.fixture(scope="session")
def reference(tiny_folder) -> Draw:
    return diffusers_own(tiny_folder)


@pytest.fixture(scope="session")
def reference_xl(folders) -> Draw:
    return diffusers_own(folders[XL], "sdxl")


def twice(request: GenerationRequest, reference: Draw) -> np.ndarray:
    """Draw both passes with diffusers' pipelines, and enlarge between them."""
    first = reference(replace(request, hires=None))
    second = request.second_pass
    found = []
    for index, picture in enumerate(first):
        image = Image.fromarray(picture)
        if request.hires.factor:
            image = Image.fromarray(Upscaler(CPU).upscale(image, request.hires.factor).numpy())
        image = image.resize((second.width, second.height), Image.Resampling.LANCZOS)
        one = replace(second, image=png(np.asarray(image)), seed=request.seed + index, num_images=1)
        found.append(reference(one)[0])
    return np.stack(found)


@pytest.mark.parametrize(
    ("sampler", "hires", "strength"),
    [
        (Sampler.DPMPP_2M_KARRAS, Hires(2.0, 0.6), None),
        (Sampler.EULER_A, Hires(1.5, 0.5, 8), None),
        (Sampler.HEUN, Hires(1.0, 0.9), None),
        (Sampler.PNDM, Hires(2.5, 1.0, 3), None),
        (Sampler.DDIM, Hires(2.0, 0.5), 0.75),
    ],
)
def test_pixels_are_those_of_diffusers(
    engine: Engine,
    reference: Draw,
    make_request: MakeRequest,
    sampler: Sampler,
    hires: Hires,
    strength: float | None,
):
    request = make_request(
        sampler=sampler,
        hires=hires,
        height=40,
        negative_prompt="boats",
        strength=strength,
        image=None if strength is None else draw_source(32, 40),
    )
    events = run(engine, request)
    assert np.array_equal(pixels(events), twice(request, reference))
    told = [event for event in events if isinstance(event, Progress)]
    steps = request.forwards + request.second_pass.forwards
    assert [event.step for event in told] == list(range(1, steps + 1))
    assert {event.of for event in told} == {steps}
    assert isinstance(events[-1], Finished)
    assert events[-1].device_seconds > 0


def test_a_family_that_reads_the_size_reads_the_larger_one(
    engine: Engine, reference_xl: Draw, make_request: MakeRequest
):
    request = make_request(
        checkpoint=XL, family="sdxl", hires=Hires(1.5, 0.7), sampler=Sampler.EULER
    )
    assert np.array_equal(pixels(run(engine, request)), twice(request, reference_xl))


def test_several_pictures_each_go_on_by_themselves(
    engine: Engine, reference: Draw, make_request: MakeRequest
):
    request = make_request(num_images=3, hires=Hires(2.0, 0.6), sampler=Sampler.DDIM)
    events = run(engine, request)
    apart = np.abs(pixels(events).astype(int) - twice(request, reference))
    assert apart.max() <= 1
    assert (apart > 0).mean() <= 0.001
    told = [event for event in events if isinstance(event, Progress)]
    assert all(before.step < after.step for before, after in itertools.pairwise(told))
    assert told[-1].step == told[-1].of


def test_a_preview_of_pictures_in_both_passes_is_drawn(engine: Engine, make_request: MakeRequest):
    """Those that are ahead are as small as the others."""
    request = make_request(num_images=2, hires=Hires(2.0, 0.9))
    engine.add(1, request)
    seen = 0
    while not engine.idle:
        engine.step()
        aboard = engine._aboard.get(1)
        if aboard is None:
            break
        sides = {sample.latents.shape[-1] for sample in aboard.samples if sample.step}
        if len({sample.index for sample in aboard.samples}) == 2 and sides == {8, 16}:
            aboard.preview_wanted = True
            aboard.step_seen = 0
            assert aboard.look().preview
            seen += 1
    assert seen


@pytest.mark.parametrize("late", [1, 4, 5, 6])
def test_a_cancel_is_obeyed_in_every_stage(engine: Engine, make_request: MakeRequest, late: int):
    engine.add(1, make_request(hires=Hires(2.0, 0.9)))
    for _ in range(late):
        engine.step()
    engine.cancel(1)
    [(key, failed)] = engine.step()
    assert (key, type(failed)) == (1, Failed)
    assert isinstance(failed.error, Cancelled)
    assert engine.idle
    assert len(engine._batcher) == 0


def test_no_memory_for_the_second_pass_ends_its_request_only(
    engine: Engine, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    pipeline = engine.cache.take(TINY, lambda *_: None)
    real = pipeline.start

    def start(request: GenerationRequest, *rest: object) -> object:
        if request.width > 32:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(request, *rest)

    monkeypatch.setattr(pipeline, "start", start)
    engine.add(1, make_request(hires=Hires(2.0, 0.9)))
    engine.add(2, make_request(num_inference_steps=12))
    ends = {}
    while not engine.idle:
        ends |= {key: event for key, event in engine.step() if isinstance(event, Failed | Finished)}
    assert isinstance(ends[1].error, OutOfMemory)
    assert isinstance(ends[2], Finished)

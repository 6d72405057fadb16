"""Many people's requests in the same forwards."""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from generation.catalog import Catalog, Checkpoint
from generation.engine.engine import Engine
from generation.errors import Cancelled, OutOfMemory
from generation.families.stable_diffusion import StableDiffusion
from generation.options import DETERMINISTIC_ROWS, EngineOptions
from generation.request import (
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Picture,
    Progress,
    Sampler,
    Started,
)
from tests.generation.conftest import (
    CPU,
    PLAIN,
    TINY,
    MakeRequest,
    assert_alike,
    draw_source,
    pixels,
    run,
)
from tests.generation.families.reference import Draw, diffusers_own

Company = dict[int, GenerationRequest]


@pytest.fixture(scope="module")
def everybody(tiny_folder: Path) -> Catalog:
    return Catalog({TINY: Checkpoint(name=TINY, source=tiny_folder, size=32, lcm=True)}, TINY)


@pytest.fixture
def company(make_request: MakeRequest) -> Company:
    """Every sampler, from text and from a picture, with everything else mixed."""
    guidances, steps = itertools.cycle([5.0, 1.0, 7.5]), itertools.cycle([4, 7, 5])
    counts, prompts = itertools.cycle([1, 2]), itertools.cycle(["a red apple", "two boats"])
    requests = [
        make_request(
            sampler=sampler,
            prompt=next(prompts),
            guidance_scale=next(guidances),
            num_inference_steps=next(steps),
            num_images=next(counts),
            seed=100 * index,
            strength=strength,
            image=None if strength is None else draw_source(32, 32),
        )
        for index, (sampler, strength) in enumerate(itertools.product(Sampler, [None, 0.6]))
    ]
    return dict(enumerate(requests, start=1))


def serve(engine: Engine, company: Company, order: list[int], rng: np.random.Generator) -> dict:
    """Let requests arrive at random ticks, and strangers come and be cancelled between them."""
    events: dict[int, list[Event]] = {key: [] for key in company}
    strangers: list[int] = []
    waiting = list(order)
    while waiting or not engine.idle:
        if waiting and rng.random() < 0.6:
            key = waiting.pop(0)
            engine.add(key, company[key])
            if rng.random() < 0.5:
                strangers.append(1000 + key)
                engine.add(strangers[-1], company[order[0]])
        if strangers and rng.random() < 0.3:
            engine.cancel(strangers.pop(0))
        for key, event in engine.step():
            events.get(key, []).append(event)
    return {key: pixels(told) for key, told in events.items()}


def test_in_company_pictures_are_those_of_diffusers(
    everybody: Catalog, company: Company, tiny_folder: Path
):
    reference: Draw = diffusers_own(tiny_folder)
    engine = Engine(everybody, CPU, options=PLAIN)
    rows: list[int] = []
    watch(engine, rows.append)
    drawn = serve(engine, company, list(company), np.random.default_rng(0))
    for key, request in company.items():
        assert_alike(drawn[key], reference(request), request)
    assert max(rows) > 8, "they did share forwards"


def test_deterministic_pictures_depend_on_nobody(everybody: Catalog, company: Company):
    engine = Engine(everybody, CPU, options=EngineOptions(deterministic=True))
    rows: list[int] = []
    watch(engine, rows.append)
    alone = {key: pixels(run(engine, request, key)) for key, request in company.items()}
    rng = np.random.default_rng(1)
    for order in (list(company), list(reversed(company))):
        together = serve(engine, company, order, rng)
        for key, request in company.items():
            assert np.array_equal(together[key], alone[key]), request
    assert set(rows) == {DETERMINISTIC_ROWS}


def watch(engine: Engine, see: Callable[[int], None]) -> None:
    """Load the checkpoint and look at the rows of every forward from now on."""
    assert engine.warm_up() is None
    unet = engine.cache._pipelines[TINY].unet
    unet.register_forward_pre_hook(lambda _unet, inputs: see(len(inputs[0])))


def fail_above(limit: int) -> Callable[[int], None]:
    """Run out of memory whenever a forward has more rows."""

    def see(rows: int) -> None:
        if rows > limit:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    return see


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a"
        " non-contiguous input.",
        "GET was unable to find an engine to execute this computation",
        "FIND was unable to find an engine to execute this computation",
    ],
)
def test_whatever_a_full_device_says_halves_the_rows(
    said: str, catalog: Catalog, make_request: MakeRequest
):
    seen: list[int] = []

    def see(rows: int) -> None:
        seen.append(rows)
        if rows > 2:
            raise RuntimeError(said)

    engine = Engine(catalog, CPU, options=PLAIN)
    watch(engine, see)
    engine.add(1, make_request(num_images=4))
    ends = [event for _, event in steps(engine) if isinstance(event, Failed | Finished)]
    assert seen[:3] == [8, 4, 2]
    assert isinstance(ends[0], Finished)


def fail_first(engine: Engine) -> Callable[[int], None]:
    """Run out of memory at the first try of every step, however few rows it has."""
    armed = [True]
    real = engine.step

    def step() -> list[tuple[int, Event]]:
        armed[0] = True
        return real()

    def see(_: int) -> None:
        if armed[0]:
            armed[0] = False
            raise torch.OutOfMemoryError("CUDA out of memory.")

    engine.step = step
    return see


@pytest.mark.parametrize(
    "fail", [lambda _: fail_above(1), lambda _: fail_above(3), fail_first], ids=["1", "3", "first"]
)
def test_running_out_of_memory_at_every_step_changes_nobody_s_picture(
    everybody: Catalog, company: Company, fail: Callable[[Engine], Callable[[int], None]]
):
    some = {key: company[key] for key in (1, 4, 5, 10, 15)}
    undisturbed = Engine(everybody, CPU, options=PLAIN)
    engine = Engine(everybody, CPU, options=PLAIN)
    watch(engine, fail(engine))
    wanted = serve(undisturbed, some, list(some), np.random.default_rng(2))
    drawn = serve(engine, some, list(some), np.random.default_rng(2))
    for key, request in some.items():
        assert_alike(drawn[key], wanted[key], request)


def test_a_limit_from_running_out_of_memory_is_lifted_again(
    everybody: Catalog, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("generation.engine.forward.CALM_TICKS", 4)
    engine = Engine(everybody, CPU, options=PLAIN)
    seen: list[int] = []
    full = [True]

    def see(rows: int) -> None:
        seen.append(rows)
        if full[0] and rows > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    watch(engine, see)
    engine.add(1, make_request(num_images=4, num_inference_steps=12))
    engine.step()
    full[0] = False
    while not engine.idle:
        engine.step()
    assert seen[:3] == [8, 4, 2]
    assert seen[-1] == 8


def test_one_row_that_does_not_fit_fails_its_bucket_and_no_other(
    everybody: Catalog, make_request: MakeRequest
):
    engine = Engine(everybody, CPU, options=PLAIN)
    assert engine.warm_up() is None
    unet = engine.cache._pipelines[TINY].unet

    def only_small(_unet: object, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].shape[-1] > 8:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    unet.register_forward_pre_hook(only_small)
    engine.add(1, make_request(width=64))
    engine.add(2, make_request())
    engine.add(3, make_request(width=64))
    ends = {key: event for key, event in steps(engine) if isinstance(event, Failed | Finished)}
    assert isinstance(ends[1].error, OutOfMemory)
    assert isinstance(ends[2], Finished)
    assert isinstance(ends[3].error, OutOfMemory)


def steps(engine: Engine) -> Iterator[tuple[int, Event]]:
    while not engine.idle:
        yield from engine.step()


def test_in_company_a_forward_holds_no_more_rows_than_pay_and_alone_a_request_stays_whole(
    everybody: Catalog, make_request: MakeRequest
):
    engine = Engine(everybody, CPU, options=EngineOptions(rows=6))
    rows: list[int] = []
    watch(engine, rows.append)
    engine.add(1, make_request(num_images=4))
    engine.add(2, make_request(num_images=1, guidance_scale=1.0))
    told = list(steps(engine))
    assert max(rows) == 6
    ended = [key for key, event in told if isinstance(event, Finished)]
    assert ended == [2, 1] or ended == [1, 2]
    assert [event.index for key, event in told if key == 1 and isinstance(event, Picture)] == [
        *range(4)
    ]
    progress = [event.step for key, event in told if key == 1 and isinstance(event, Progress)]
    assert progress == sorted(set(progress))
    assert progress[-1] == 4


def test_a_cancel_in_company_takes_effect_within_one_tick(
    everybody: Catalog, make_request: MakeRequest
):
    engine = Engine(everybody, CPU, options=PLAIN)
    rows: list[int] = []
    watch(engine, rows.append)
    for key in (1, 2, 3):
        engine.add(key, make_request(num_images=2, num_inference_steps=8, seed=key))
    while not rows or rows[-1] < 12:
        engine.step()
    engine.cancel(2)
    first, *rest = engine.step()
    assert first[0] == 2
    assert isinstance(first[1].error, Cancelled)
    assert first[1].device_seconds > 0
    assert rows[-1] == 8
    assert {key for key, _ in [*rest, *steps(engine)]} == {1, 3}


def test_sizes_and_prompts_of_other_lengths_take_turns(
    everybody: Catalog, make_request: MakeRequest
):
    engine = Engine(everybody, CPU, options=PLAIN)
    rows: list[int] = []
    watch(engine, rows.append)
    engine.add(1, make_request(num_inference_steps=6))
    engine.add(2, make_request(num_inference_steps=6, width=40))
    engine.add(3, make_request(num_inference_steps=6, prompt="a red apple, " * 40))
    engine.add(4, make_request(num_inference_steps=6, prompt="a boat, " * 40, negative_prompt="x"))
    told = list(steps(engine))
    ends = [index for index, (_, event) in enumerate(told) if isinstance(event, Finished)]
    firsts = [
        next(i for i, (of, event) in enumerate(told) if of == key and isinstance(event, Progress))
        for key in (1, 2, 3, 4)
    ]
    assert max(firsts) < min(ends), "nobody waits for another to end"
    assert 4 in rows, "prompts of the same number of chunks share a forward"


@pytest.mark.parametrize(("within_s", "together"), [(60.0, 3), (0.0, 1)])
def test_those_who_wait_are_admitted_together_while_that_is_quick(
    everybody: Catalog,
    make_request: MakeRequest,
    monkeypatch: pytest.MonkeyPatch,
    within_s: float,
    together: int,
):
    monkeypatch.setattr("generation.engine.engine.ADMITTING_S", within_s)
    engine = Engine(everybody, CPU, options=PLAIN)
    run(engine, make_request())
    for key in (2, 3, 4):
        engine.add(key, make_request(seed=key))
    began = [key for key, event in engine.step() if isinstance(event, Started)]
    assert began == [2, 3, 4][:together]
    ended = {key for key, event in steps(engine) if isinstance(event, Finished)}
    assert ended == {2, 3, 4}


def test_a_step_tells_for_how_long_its_request_has_been_drawn(
    everybody: Catalog, make_request: MakeRequest
):
    engine = Engine(everybody, CPU, options=PLAIN)
    run(engine, make_request())
    begun = time.monotonic()
    told = [event for event in run(engine, make_request()) if isinstance(event, Progress)]
    assert 0 < told[0].seconds < told[-1].seconds < time.monotonic() - begun


def test_the_time_that_a_request_waits_for_free_rows_is_not_told_as_its_steps(
    everybody: Catalog, make_request: MakeRequest
):
    engine = Engine(everybody, CPU, options=EngineOptions(rows=2))
    run(engine, make_request())
    for key in (1, 2):
        engine.add(key, make_request(num_images=1, num_inference_steps=20, seed=key))
    told: dict[int, list[float]] = {1: [], 2: []}
    for key, event in steps(engine):
        if isinstance(event, Progress):
            told[key].append(event.seconds)
    assert told[2][0] < told[1][-1]


def test_what_is_cut_from_a_prompt_is_told(everybody: Catalog, make_request: MakeRequest):
    engine = Engine(everybody, CPU, options=PLAIN)
    told = run(engine, make_request(prompt="boats " * 150 + "cat"))
    (started,) = (event for event in told if isinstance(event, Started))
    assert started.cut.endswith("cat")
    (started,) = (event for event in run(engine, make_request()) if isinstance(event, Started))
    assert started.cut == ""


def test_a_checkpoint_that_needs_room_waits_for_those_aboard_and_holds_up_later_ones(
    tiny_folder: Path, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    names = ("A", "B")
    catalog = Catalog({name: Checkpoint(name=name, source=tiny_folder) for name in names}, "A")
    engine = Engine(catalog, CPU, options=PLAIN)
    monkeypatch.setattr("generation.loading.model_cache.free_bytes", lambda _: 0)
    assert engine.warm_up() is None
    for key, name in enumerate("ABA", start=1):
        engine.add(key, make_request(checkpoint=name, seed=key))
    ended = [key for key, event in steps(engine) if isinstance(event, Finished)]
    assert ended == [1, 2, 3]


def test_offloaded_parts_leave_the_device_and_change_no_bit(
    everybody: Catalog, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    plain, small = (Engine(everybody, CPU, options=PLAIN) for _ in range(2))
    moved: list[str] = []

    def build(parts: object, device: torch.device, **_: object) -> StableDiffusion:
        pipeline = StableDiffusion(parts, device, offloads=True)
        for hook in pipeline._offloaded:
            real = hook.offload
            name = type(hook.model).__name__
            monkeypatch.setattr(
                hook, "offload", lambda real=real, name=name: moved.append(name) or real()
            )
        return pipeline

    build.half = StableDiffusion.half
    request = make_request(strength=0.7, image=draw_source(32, 32))
    wanted = pixels(run(plain, request))
    monkeypatch.setattr("generation.loading.model_cache.family_of", lambda _: build)
    assert np.array_equal(pixels(run(small, request)), wanted)
    assert {"CLIPTextModel", "AutoencoderKL"} <= set(moved)

"""Requests of all families on one engine."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generation.catalog import Catalog, Checkpoint
from generation.engine.engine import Engine
from generation.errors import Cancelled, InvalidRequest
from generation.families.flow import PATCH
from generation.options import DETERMINISTIC_ROWS, EngineOptions
from generation.request import Failed, GenerationRequest, Progress, Sampler
from tests.generation.conftest import CPU, PLAIN, TINY, MakeRequest, draw_source, pixels, run
from tests.generation.engine.test_batching import Company, assert_alike, serve
from tests.generation.families.conftest import CHECKPOINTS, DEV, SD3, Z_IMAGE, References
from tests.generation.families.flow.flow_reference import SCHEDULERS

# Three lengths for Z-Image, whose sequences are padded to multiples of 32.
PROMPTS = ("a red apple", "two boats at sea, " * 4, "a sleeping cat, " * 6)


@pytest.fixture(scope="session")
def everybody(flow_catalog: Catalog, tiny_folder: Path) -> Catalog:
    """Those of the flow families, and Stable Diffusion 1 as a stranger."""
    stranger = Checkpoint(name=TINY, source=tiny_folder, size=32, lcm=True)
    return replace(flow_catalog, checkpoints={**flow_catalog.checkpoints, TINY: stranger})


@pytest.fixture
def company(make_request: MakeRequest) -> Company:
    """Every sampler of every flow family, the rest mixed."""
    guidances, steps = itertools.cycle([4.0, 1.0, 7.5]), itertools.cycle([4, 7, 5])
    counts, prompts = itertools.cycle([1, 2]), itertools.cycle(PROMPTS)
    requests = [
        make_request(
            checkpoint=name,
            family=CHECKPOINTS[name][0],
            sampler=sampler,
            prompt=next(prompts),
            negative_prompt="boats",
            guidance_scale=next(guidances),
            num_inference_steps=next(steps),
            num_images=next(counts),
            seed=100 * index,
            strength=strength,
            image=None if strength is None else draw_source(32, 32),
        )
        for index, (name, sampler, strength) in enumerate(
            zip(
                [name for name in CHECKPOINTS for _ in SCHEDULERS],
                itertools.cycle(SCHEDULERS),
                itertools.cycle([None, 0.65]),
                strict=False,
            )
        )
    ]
    company = dict(enumerate(requests, start=1))
    company[len(company) + 1] = make_request(seed=3)
    return company


def watch(engine: Engine, names: list[str]) -> list[int]:
    """Load checkpoints; return what will be the rows of every forward from now on."""
    rows: list[int] = []
    for name in names:
        pipeline = engine.cache.take(name, lambda *_: None)
        real = pipeline.predict
        pipeline.predict = lambda part, real=real: rows.append(len(part)) or real(part)
    return rows


def test_in_company_pictures_are_those_of_diffusers(
    everybody: Catalog, company: Company, references: References
):
    engine = Engine(everybody, CPU, options=PLAIN)
    rows = watch(engine, [*CHECKPOINTS])
    drawn = serve(engine, company, list(company), np.random.default_rng(0))
    for key, request in company.items():
        if request.checkpoint != TINY:
            assert_alike(drawn[key], references[request.checkpoint](request), request)
    assert max(rows) > 4, "they did share forwards"


def test_deterministic_pictures_depend_on_nobody(everybody: Catalog, company: Company):
    engine = Engine(everybody, CPU, options=EngineOptions(deterministic=True))
    rows = watch(engine, [*CHECKPOINTS])
    some = {key: one for key, one in company.items() if one.sampler in (*SCHEDULERS,)[:2]}
    alone = {key: pixels(run(engine, request, key)) for key, request in some.items()}
    rng = np.random.default_rng(1)
    together = serve(engine, some, list(reversed(some)), rng)
    for key, request in some.items():
        assert np.array_equal(together[key], alone[key]), request
    assert set(rows) == {DETERMINISTIC_ROWS}


def test_prompts_of_many_lengths_share_forwards_and_change_no_bit_of_each_other(
    everybody: Catalog, make_request: MakeRequest
):
    """With Z-Image a row's sequence is as long as its prompt, and so is its neighbours'."""
    engine = Engine(everybody, CPU, options=EngineOptions(deterministic=True))
    rows = watch(engine, [Z_IMAGE])
    texts = ["a cat", "two red boats", "a red apple, a sleeping cat", *PROMPTS]
    company = {
        key: make_request(
            checkpoint=Z_IMAGE,
            family="z-image",
            sampler=Sampler.EULER,
            prompt=text,
            negative_prompt=against,
            seed=key,
        )
        for key, (text, against) in enumerate(itertools.product(texts, ["", "boats " * 9]), start=1)
    }
    alone = {key: pixels(run(engine, request, key)) for key, request in company.items()}
    begun = len(rows)
    together = serve(engine, company, list(company), np.random.default_rng(2))
    for key, request in company.items():
        assert np.array_equal(together[key], alone[key]), request
    assert len(rows) - begun < begun, "they did share forwards"


@pytest.mark.parametrize("name", [SD3, DEV, Z_IMAGE])
def test_a_cancel_is_obeyed_within_a_tick(engine: Engine, make_request: MakeRequest, name: str):
    request: GenerationRequest = make_request(
        checkpoint=name, family=CHECKPOINTS[name][0], sampler=Sampler.HEUN, num_inference_steps=20
    )
    engine.add(1, request)
    while not any(isinstance(event, Progress) for _, event in engine.step()):
        pass
    engine.cancel(1)
    [(key, failed)] = engine.step()
    assert (key, type(failed)) == (1, Failed)
    assert isinstance(failed.error, Cancelled)
    assert engine.idle


@pytest.mark.parametrize("name", [SD3, DEV, Z_IMAGE])
@pytest.mark.parametrize("field", ["width", "height"])
def test_a_side_that_is_no_whole_tokens_is_refused_by_its_name(
    engine: Engine, name: str, field: str
):
    """As of a picture that was made with another family, which a mask keeps in its size."""
    pipeline = engine.cache.take(name, lambda *_: None)
    assert pipeline is not None
    whole = 8 * PATCH * pipeline.scale_factor
    sides = {"width": whole, "height": whole}
    pipeline.latents(**sides)
    with pytest.raises(InvalidRequest, match=field):
        pipeline.latents(**sides | {field: whole + pipeline.scale_factor})

"""Edits and plain pictures in the same forwards."""

import itertools

import numpy as np
import pytest

from generation.catalog import Catalog
from generation.engine.engine import Engine
from generation.hires import Hires
from generation.options import DETERMINISTIC_ROWS, EngineOptions
from generation.request import Sampler
from tests.generation.conftest import CPU, PLAIN, TINY, MakeRequest, draw_source, pixels, run
from tests.generation.editing.conftest import FAMILIES, FILL
from tests.generation.editing.pictures import draw_mask
from tests.generation.engine.test_batching import Company, assert_alike, serve

EDITS = [
    {},
    {"strength": 1.0, "image": draw_source(32, 32), "mask": draw_mask(32, 32), "feather": 4},
    {"tiling": True},
    {"strength": 0.6, "image": draw_source(32, 32), "mask": draw_mask(32, 32), "feather": 0},
    {"hires": Hires(1.5, 0.6)},
    {"strength": 0.6, "image": draw_source(32, 32), "tiling": True},
]
SAMPLERS = (Sampler.EULER_A, Sampler.DPMPP_2M_KARRAS, Sampler.PNDM, Sampler.HEUN, Sampler.DDIM)


@pytest.fixture
def company(make_request: MakeRequest) -> Company:
    """Every kind of edit, with everything else mixed."""
    guidances, steps = itertools.cycle([5.0, 1.0, 7.5]), itertools.cycle([4, 6, 5])
    samplers, counts = itertools.cycle(SAMPLERS), itertools.cycle([1, 2, 1])
    requests = [
        make_request(
            checkpoint=name,
            family=FAMILIES[name],
            sampler=next(samplers),
            guidance_scale=next(guidances),
            num_inference_steps=next(steps),
            num_images=next(counts),
            seed=100 * index,
            **edit,
        )
        for index, (edit, name) in enumerate(itertools.product(EDITS, (TINY, FILL)))
    ]
    return dict(enumerate(requests, start=1))


def test_in_company_pictures_are_those_drawn_alone(edited: Catalog, company: Company):
    """Those are diffusers', as other tests show."""
    engine = Engine(edited, CPU, options=PLAIN)
    alone = {key: pixels(run(engine, request, key)) for key, request in company.items()}
    rows: list[int] = []
    unet = engine.cache._pipelines[TINY].unet
    unet.register_forward_pre_hook(lambda _unet, inputs: rows.append(len(inputs[0])))
    together = serve(engine, company, list(company), np.random.default_rng(0))
    for key, request in company.items():
        assert_alike(together[key], alone[key], request)
    assert max(rows) > 4, "they did share forwards"


def test_deterministic_pictures_depend_on_nobody(edited: Catalog, company: Company):
    engine = Engine(edited, CPU, options=EngineOptions(deterministic=True))
    rows: list[int] = []
    alone = {key: pixels(run(engine, request, key)) for key, request in company.items()}
    unet = engine.cache._pipelines[TINY].unet
    unet.register_forward_pre_hook(lambda _unet, inputs: rows.append(len(inputs[0])))
    together = serve(engine, company, list(reversed(company)), np.random.default_rng(1))
    for key, request in company.items():
        assert np.array_equal(together[key], alone[key]), request
    assert set(rows) == {DETERMINISTIC_ROWS}

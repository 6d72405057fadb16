"""Drawing over a part of a picture with the flow families, as diffusers does it."""

import numpy as np
import pytest

from generation.engine.engine import Engine
from generation.hires import Hires
from generation.request import Sampler
from tests.generation.conftest import MakeRequest, draw_source, pixels, run
from tests.generation.editing.inpaint_reference import diffusers_inpaint
from tests.generation.editing.pictures import draw_mask, pasted
from tests.generation.engine.test_batching import assert_alike
from tests.generation.families.conftest import CHECKPOINTS, DEV, SCHNELL, SD3, Z_IMAGE

SAMPLERS = (Sampler.EULER, Sampler.HEUN, Sampler.DPMPP_2M, Sampler.UNIPC)


@pytest.mark.parametrize("name", [SD3, DEV, SCHNELL, Z_IMAGE])
def test_pixels_are_those_of_diffusers(
    engine: Engine, folders, make_request: MakeRequest, name: str
):
    reference = diffusers_inpaint(folders[name])
    for sampler in SAMPLERS:
        for strength in (0.65, 1.0):
            request = make_request(
                checkpoint=name,
                family=CHECKPOINTS[name][0],
                sampler=sampler,
                guidance_scale=4.0,
                width=32,
                height=48,
                negative_prompt="boats",
                strength=strength,
                image=draw_source(32, 48),
                mask=draw_mask(32, 48),
                feather=2,
            )
            drawn = pixels(run(engine, request))
            wanted = pasted(reference(request), request)
            # Schnell's pipeline draws the two rows of guidance in forwards of their own.
            if name == SCHNELL:
                assert_alike(drawn, wanted, (sampler, strength))
            else:
                assert np.array_equal(drawn, wanted), (sampler, strength)


@pytest.mark.parametrize("name", [SD3, DEV, Z_IMAGE])
def test_a_second_pass_is_larger(engine: Engine, make_request: MakeRequest, name: str):
    request = make_request(
        checkpoint=name,
        family=CHECKPOINTS[name][0],
        sampler=Sampler.EULER,
        hires=Hires(1.5, 0.5),
        height=48,
    )
    (drawn,) = pixels(run(engine, request))
    assert drawn.shape == (80, 48, 3)  # 72 is no multiple of 16

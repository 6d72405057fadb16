import io

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
)
from PIL import Image

from generation.engine import Engine
from generation.errors import CheckpointUnavailable, OutOfMemory
from generation.request import Failed, Finished, Picture, Progress, Sampler, Started

REFERENCE = {
    Sampler.DDIM: lambda config: DDIMScheduler.from_config(config, clip_sample=False),
    Sampler.EULER: EulerDiscreteScheduler.from_config,
    Sampler.DPMPP_2M_KARRAS: lambda config: DPMSolverMultistepScheduler.from_config(
        config, use_karras_sigmas=True
    ),
}


@pytest.fixture
def engine(catalog):
    return Engine(catalog, torch.device("cpu"))


@pytest.fixture(scope="session")
def reference(tiny_folder):
    """Draw a request the way diffusers' own pipeline does: uint8 [n, height, width, 3]."""
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.vae.enable_slicing()
    own_scheduler = pipeline.scheduler.config

    def draw(request):
        pipeline.scheduler = REFERENCE[request.sampler](own_scheduler)
        pictures = pipeline(
            request.prompt,
            negative_prompt=request.negative_prompt,
            width=request.width,
            height=request.height,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            num_images_per_prompt=request.num_images,
            generator=[
                torch.Generator("cpu").manual_seed(request.seed + i)
                for i in range(request.num_images)
            ],
        ).images
        return np.stack([np.asarray(picture) for picture in pictures])

    return draw


def run(engine, request, key=1):
    engine.add(key, request)
    events = []
    while not engine.idle:
        events += [event for _, event in engine.step()]
    return events


def pixels(events):
    pictures = [event for event in events if isinstance(event, Picture)]
    return np.stack([np.asarray(Image.open(io.BytesIO(picture.png))) for picture in pictures])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("size", [(32, 32), (56, 40)], ids=["square", "wide"])
@pytest.mark.parametrize("guidance", [1.0, 5.0], ids=["unguided", "guided"])
@pytest.mark.parametrize("sampler", Sampler)
def test_pixels_are_those_of_diffusers(
    engine, reference, make_request, sampler, guidance, size, count
):
    request = make_request(
        sampler=sampler,
        guidance_scale=guidance,
        width=size[0],
        height=size[1],
        num_images=count,
        negative_prompt="boats",
        num_inference_steps=5,
    )
    assert np.array_equal(pixels(run(engine, request)), reference(request))

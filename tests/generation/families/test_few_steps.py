"""Distilled models draw in one step and in two, with every sampler."""

import math

import pytest
import torch

from generation.architectures import SDXL
from generation.engine.samplers import build_scheduler, noise_level
from generation.engine.trajectory import Trajectory
from generation.request import GenerationRequest, Sampler
from tests.generation.conftest import BETAS, MakeRequest

TRUTH, VARIETY = 3.0, 0.3  # what all pictures that the model knows are like, and their deviation
SHAPE = (1, 4, 8, 8)


def draw(request: GenerationRequest, config: dict) -> torch.Tensor:
    """Follow a model that makes of noise the likeliest picture, and keeps what has little noise.

    It goes by the timestep that it is told, as a network does.
    """
    scheduler = build_scheduler(request.sampler, config)
    scheduler.set_timesteps(request.num_inference_steps)
    trajectory = Trajectory(scheduler, request, config["prediction_type"])
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(SHAPE, generator=generator)
    source = None if request.strength is None else torch.full(SHAPE, -TRUTH)
    latents = trajectory.start(noise, source)
    while trajectory.step < trajectory.steps:
        seen = trajectory.model_input(latents)
        sigma = noise_level(scheduler, trajectory._begin + trajectory.step)
        alpha = 1 / math.hypot(1, sigma)
        share = math.sqrt(1 - alpha**2)
        # The posterior mean of a Gaussian prior (Bishop 2006, 2.3.3).
        trust = VARIETY**2 * alpha / (alpha**2 * VARIETY**2 + share**2)
        clean = TRUTH + trust * (seen - alpha * TRUTH)
        noise = (seen - alpha * clean) / share
        outputs = {"epsilon": noise, "v_prediction": alpha * noise - share * clean}
        latents = trajectory.advance(outputs[config["prediction_type"]], latents, generator)
    return latents


@pytest.mark.parametrize(
    ("prediction_type", "zero_snr"),
    [("epsilon", False), ("v_prediction", False), ("v_prediction", True)],
)
@pytest.mark.parametrize("steps", [1, 2, 4, 8])
@pytest.mark.parametrize("strength", [None, 1.0])
@pytest.mark.parametrize("sampler", SDXL.samplers)
def test_pictures_come_of_noise(
    make_request: MakeRequest,
    sampler: Sampler,
    strength: float | None,
    steps: int,
    prediction_type: str,
    zero_snr: bool,
):
    request = make_request(sampler=sampler, num_inference_steps=steps, strength=strength)
    config = {
        **BETAS,
        "timestep_spacing": "trailing",
        "prediction_type": prediction_type,
        "rescale_betas_zero_snr": zero_snr,
    }
    drawn = draw(request, config)
    # PNDM takes the average of two predictions for its first step's: half of it is gone at two.
    most = 1.0 if sampler == Sampler.PNDM and steps == 2 else 0.5
    assert (drawn.mean() - TRUTH).abs() < most
    assert drawn.std() < 0.5


def test_spacing_from_the_end_is_what_makes_them(make_request: MakeRequest):
    """Otherwise the model is told that there is hardly any noise, and keeps it or the source."""
    config = {**BETAS, "prediction_type": "epsilon", "timestep_spacing": "leading"}
    alone = make_request(sampler=Sampler.EULER, num_inference_steps=1)
    assert draw(alone, config).std() > 0.8
    of_picture = make_request(sampler=Sampler.EULER, num_inference_steps=1, strength=1.0)
    assert draw(of_picture, config).mean() < 0

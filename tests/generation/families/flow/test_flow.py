"""The way of a picture with flow matching, on a model whose picture is known."""

import math

import pytest
import torch

from generation.engine.trajectory import Trajectory
from generation.families.flow import build_scheduler
from generation.request import Sampler
from tests.generation.conftest import MakeRequest

FLOW = (Sampler.EULER, Sampler.HEUN, Sampler.DPMPP_2M, Sampler.UNIPC, Sampler.LCM)
BY_SIZE = {"use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15}


@pytest.mark.parametrize("strength", [None, 0.3, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 8])
@pytest.mark.parametrize(
    "config", [{"shift": 3.0}, BY_SIZE, BY_SIZE | {"time_shift_type": "linear"}]
)
@pytest.mark.parametrize("sampler", FLOW)
def test_every_sampler_arrives_at_the_picture_that_the_model_knows(
    make_request: MakeRequest,
    sampler: Sampler,
    config: dict[str, object],
    steps: int,
    strength: float | None,
):
    """The flow to one known picture is exact, so that every preview and the end must be it."""
    torch.manual_seed(0)
    picture, noise, source = torch.randn(3, 1, 16, 4, 4)
    request = make_request(
        family="sd3", sampler=sampler, num_inference_steps=steps, strength=strength
    )
    scheduler = build_scheduler(sampler, config, steps, 1024)
    way = Trajectory(scheduler, request, "flow")
    generator = torch.Generator().manual_seed(0)
    latents = way.start(noise, None if strength is None else source)
    sigmas = scheduler.sigmas[len(scheduler.timesteps) - way.steps :]
    for step in range(way.steps):
        sigma = sigmas[step]
        assert abs(way.timestep / 1000 - sigma) < 2e-3  # whole numbers for the solvers
        flow = (way.model_input(latents) - picture) / sigma
        latents = way.advance(flow, latents, generator)
        assert torch.allclose(way.clean(), picture, atol=1e-4)
    assert torch.allclose(latents, picture, atol=1e-4)
    assert way.steps == request.forwards


@pytest.mark.parametrize("steps", [4, 5, 20])
@pytest.mark.parametrize("strength", [0.01, 0.2, 0.65, 0.99, 1.0])
def test_strength_takes_at_least_one_step_and_rounds_up(
    make_request: MakeRequest, steps: int, strength: float
):
    request = make_request(
        family="flux", sampler=Sampler.EULER, num_inference_steps=steps, strength=strength
    )
    assert request.steps_taken == math.ceil(round(steps * strength, 9))


def test_a_source_is_as_noisy_as_its_first_step(make_request: MakeRequest):
    request = make_request(
        family="sd3", sampler=Sampler.EULER, num_inference_steps=10, strength=0.5
    )
    scheduler = build_scheduler(Sampler.EULER, {"shift": 3.0}, 10, 1024)
    way = Trajectory(scheduler, request, "flow")
    noise, source = torch.ones(1, 16, 2, 2), torch.zeros(1, 16, 2, 2)
    assert torch.all(way.start(noise, source) == scheduler.sigmas[5])


@pytest.mark.parametrize("tokens", [256, 1024, 4096])
@pytest.mark.parametrize("sampler", FLOW)
def test_larger_pictures_are_shifted_more_where_the_checkpoint_says_so(
    sampler: Sampler, tokens: int
):
    def levels(config: dict[str, object]) -> torch.Tensor:
        return build_scheduler(sampler, config, 4, tokens).sigmas

    shift = math.exp(0.5 + 0.65 * (tokens - 256) / (4096 - 256))
    plain = levels({})
    by_size = shift * plain / (1 + (shift - 1) * plain)
    assert torch.allclose(levels(BY_SIZE), by_size, atol=1e-5)
    always = 3 * plain / (1 + 2 * plain)
    # diffusers' Euler shifts the least level twice.
    least = -3 if sampler == Sampler.HEUN else -2
    assert torch.allclose(levels({"shift": 3.0})[:least], always[:least], atol=2e-3)

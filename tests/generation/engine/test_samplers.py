"""Every sampler against a model whose answer is known."""

import json

import pytest
import torch
from diffusers import PNDMScheduler

from generation.catalog import Checkpoint
from generation.conditions.inpainting import Start
from generation.engine.batcher import Bucket
from generation.engine.preview import predict_clean
from generation.engine.sample import Sample
from generation.engine.samplers import build_scheduler
from generation.engine.trajectory import Trajectory
from generation.families.pipeline import Prompts
from generation.request import GenerationRequest, Sampler
from tests.generation.conftest import MakeRequest

PUBLISHED = {  # Stable Diffusion 1.5's scheduler_config.json
    "_class_name": "PNDMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
# What diffusers writes today has no clip_sample: DDIM would take its own default, True.
SAVED = json.loads(PNDMScheduler.from_config(PUBLISHED).to_json_string())
EMPTY = torch.zeros(1, 4, 3, 5)
BUCKET = Bucket("Tiny", tuple(EMPTY.shape[1:]))
PROMPTS = Prompts([(0, {"prompt": torch.zeros(1, 77, 8)})])
TRUTH = 3.0  # outside ±1, where clipping would show


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("config", [PUBLISHED, SAVED], ids=["published", "saved"])
@pytest.mark.parametrize("sampler", Sampler)
def test_a_perfect_model_is_followed_to_the_picture_it_knows(
    make_request: MakeRequest, sampler: Sampler, config: dict, prediction_type: str
):
    request = make_request(sampler=sampler, num_inference_steps=15)
    config = {**config, "prediction_type": prediction_type}
    sample = Sample(1, BUCKET, request, 2, PROMPTS, follow(request, config), Start(EMPTY))
    assert sample.seed == request.seed + 2
    while not sample.done:
        seen = sample.next_rows()[0].latents
        alpha = 1 / (1 + sample_sigma(sample) ** 2) ** 0.5
        sigma = sample_sigma(sample) * alpha
        noise = (seen - alpha * TRUTH) / sigma
        answers = {
            "epsilon": noise,
            "v_prediction": alpha * noise - sigma * TRUTH,
        }
        sample.advance(answers[prediction_type])
        clean = sample.clean()
        assert torch.allclose(clean, torch.full_like(clean, TRUTH), atol=2e-2)
    assert torch.allclose(sample.latents, torch.full_like(sample.latents, TRUTH), atol=0.2)


def follow(request: GenerationRequest, config: dict) -> Trajectory:
    """A picture's trajectory, by a checkpoint's scheduler_config.json."""
    scheduler = build_scheduler(request.sampler, config)
    scheduler.set_timesteps(request.num_inference_steps)
    return Trajectory(scheduler, request, config.get("prediction_type", "epsilon"))


def sample_sigma(sample: Sample) -> float:
    """The noise over the signal, from the training noise alone where the sampler has no sigmas."""
    scheduler = sample.trajectory.scheduler
    if hasattr(scheduler, "sigmas"):
        return float(scheduler.sigmas[sample.step])
    kept = float(scheduler.alphas_cumprod[int(sample.trajectory.timestep)])
    return ((1 - kept) / kept) ** 0.5


def test_a_sampler_is_what_its_name_says_whatever_the_checkpoint_came_with():
    odd = {**PUBLISHED, "use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++"}
    assert not build_scheduler(Sampler.EULER, odd).config.use_karras_sigmas
    dpm = build_scheduler(Sampler.DPMPP_2M_KARRAS, {**odd, "solver_order": 3}).config
    assert (dpm.algorithm_type, dpm.solver_order) == ("dpmsolver++", 2)
    assert dpm.use_karras_sigmas
    assert not build_scheduler(Sampler.DDIM, SAVED).config.clip_sample


def test_each_sample_has_a_scheduler_of_its_own(make_request: MakeRequest):
    one, other = (
        Sample(
            1, BUCKET, make_request(), index, PROMPTS, follow(make_request(), SAVED), Start(EMPTY)
        )
        for index in range(2)
    )
    one.next_rows()
    one.advance(EMPTY)
    assert (one.step, other.step) == (1, 0)
    assert one.trajectory.scheduler is not other.trajectory.scheduler
    assert not torch.equal(one.latents, other.latents)


def test_an_unknown_prediction_type_is_an_error():
    with pytest.raises(ValueError, match="sample"):
        predict_clean(torch.zeros(1), torch.zeros(1), 1.0, "sample")


def test_the_default_sampler_of_a_checkpoint_is_one_of_them():
    assert Checkpoint(name="x", source="a/b").sampler in Sampler

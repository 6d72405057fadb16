"""What the families of flow matching share: a transformer, a VAE, samplers and their shift.

Such a model predicts the flow from the picture to the noise, v = ε - x0, of latents
(1 - σ)·x0 + σ·ε (Lipman et al. 2022, Liu et al. 2022). Its noise levels are shifted towards 1, by
more for larger pictures where the checkpoint says so (Esser et al. 2024, section 5.3.2).
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    FlowMatchLCMScheduler,
    UniPCMultistepScheduler,
)
from diffusers.schedulers.scheduling_utils import SchedulerMixin

from generation.architectures import Sampler
from generation.engine.trajectory import Trajectory
from generation.errors import InvalidRequest
from generation.families.pipeline import Pipeline
from generation.phrases import Phrase
from generation.request import GenerationRequest

if TYPE_CHECKING:
    from generation.loading.model_loader import Parts

PATCH = 2  # latent cells a side of a token

# What a person picks is the sampler: it overrides a checkpoint's own.
_OPTIONS = {
    "use_karras_sigmas": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
    "stochastic_sampling": False,
    "invert_sigmas": False,
}
_SOLVER = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "solver_order": 2}
_SOLVERS: dict[Sampler, tuple[type[SchedulerMixin], dict[str, Any]]] = {
    Sampler.DPMPP_2M: (
        DPMSolverMultistepScheduler,
        {**_SOLVER, "algorithm_type": "dpmsolver++", "solver_type": "midpoint"},
    ),
    Sampler.UNIPC: (UniPCMultistepScheduler, {**_SOLVER, "solver_type": "bh2"}),
}


class Flow(Pipeline):
    """A checkpoint whose transformer, in patches of 2 × 2 latent cells, predicts the flow."""

    denoiser = "transformer"
    half = torch.bfloat16

    def __init__(self, parts: "Parts", device: torch.device, *, offloads: bool = False) -> None:
        super().__init__(parts, device, offloads=offloads)
        self.transformer = parts.components["transformer"]

    def latents(self, width: int, height: int) -> torch.Tensor:
        """Return empty latents; raises InvalidRequest, naming a side that is no whole tokens."""
        multiple = PATCH * self.scale_factor
        for name, side in (("width", width), ("height", height)):
            if side % multiple:
                raise InvalidRequest(name, Phrase("bound-multiple", of=multiple))
        return super().latents(width, height)

    @classmethod
    def latent_channels(cls, models: Mapping[str, Any]) -> int:
        """Return how many values a latent cell has."""
        return models["vae"].config.latent_channels

    @property
    def prediction_type(self) -> str:
        """What the transformer predicts."""
        return "flow"

    def sigmas(self, steps: int) -> Sequence[float] | None:
        """Return the noise levels before their shift, if not the scheduler's own."""
        del steps
        return None

    def trajectory(self, request: GenerationRequest) -> Trajectory:
        """Return a new picture's way from noise."""
        tokens = request.width * request.height // (PATCH * self.scale_factor) ** 2
        steps = request.num_inference_steps
        scheduler = build_scheduler(
            request.sampler, self.scheduler_config, steps, tokens, self.sigmas(steps)
        )
        return Trajectory(scheduler, request, self.prediction_type)


def build_scheduler(
    sampler: Sampler,
    config: Mapping[str, Any],
    steps: int,
    tokens: int,
    sigmas: Sequence[float] | None = None,
) -> SchedulerMixin:
    """Return a scheduler with its timesteps set, for a picture of so many tokens.

    ``config`` is the checkpoint's scheduler_config.json. The solvers, DPM++ and UniPC, have noise
    levels of their own in place of ``sigmas``, as in diffusers.
    """
    config = {**config, **_OPTIONS}
    mu = _shift_by_size(config, tokens) if config.get("use_dynamic_shifting") else None
    if sampler in _SOLVERS:
        kind, options = _SOLVERS[sampler]
        shift = config.get("shift", 1.0)
        if mu is not None:
            shift = mu if config.get("time_shift_type") == "linear" else math.exp(mu)
        solver = kind.from_config(
            {**config, **options, "use_dynamic_shifting": False, "flow_shift": shift}
        )
        solver.set_timesteps(steps, device="cpu")
        return solver
    kind = FlowMatchLCMScheduler if sampler == Sampler.LCM else FlowMatchEulerDiscreteScheduler
    scheduler = kind.from_config(config)
    scheduler.set_timesteps(steps, device="cpu", sigmas=sigmas, mu=mu)
    return _heun(scheduler) if sampler == Sampler.HEUN else scheduler


def _shift_by_size(config: Mapping[str, Any], tokens: int) -> float:
    """Return μ, the logarithm of the shift: a line through two sizes, in tokens."""
    least, most = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    # In this order, as in diffusers, for the same rounding.
    slope = (high - low) / (most - least)
    return tokens * slope + (low - slope * least)


def _heun(euler: SchedulerMixin) -> SchedulerMixin:
    """Return Heun's scheduler on Euler's noise levels, each but the first evaluated twice.

    diffusers' own knows a fixed shift only.
    """
    steps = len(euler.timesteps)
    heun = FlowMatchHeunDiscreteScheduler.from_config(euler.config)
    heun.set_timesteps(steps, device="cpu")
    twice = torch.tensor([1] + [2] * (steps - 1))
    heun.timesteps = euler.timesteps.repeat_interleave(twice)
    heun.sigmas = torch.cat([euler.sigmas[:-1].repeat_interleave(twice), euler.sigmas[-1:]])
    return heun

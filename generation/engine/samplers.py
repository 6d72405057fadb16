"""Maps sampler names to diffusers' noise schedulers."""

import math
from collections.abc import Mapping
from typing import Any

from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)
from diffusers.schedulers.scheduling_utils import SchedulerMixin

from generation.request import Sampler

# Options that define the sampler: they override a checkpoint's own scheduler configuration.
_SPACING = {
    "use_karras_sigmas": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
    "use_lu_lambdas": False,
}
_DPMPP_2M = {"algorithm_type": "dpmsolver++", "solver_order": 2, "solver_type": "midpoint"}
_KARRAS = {"use_karras_sigmas": True}
_SCHEDULERS: dict[Sampler, tuple[type[SchedulerMixin], dict[str, Any]]] = {
    Sampler.DDIM: (DDIMScheduler, {}),
    Sampler.EULER: (EulerDiscreteScheduler, {}),
    Sampler.EULER_A: (EulerAncestralDiscreteScheduler, {}),
    Sampler.DPMPP_2M: (DPMSolverMultistepScheduler, _DPMPP_2M),
    Sampler.DPMPP_2M_KARRAS: (DPMSolverMultistepScheduler, _DPMPP_2M | _KARRAS),
    Sampler.DPMPP_2M_SDE_KARRAS: (
        DPMSolverMultistepScheduler,
        _DPMPP_2M | _KARRAS | {"algorithm_type": "sde-dpmsolver++"},
    ),
    Sampler.UNIPC: (UniPCMultistepScheduler, {"solver_order": 2, "solver_type": "bh2"}),
    # Without its Runge-Kutta start, which takes twelve more forward passes and which nobody uses.
    Sampler.PNDM: (PNDMScheduler, {"skip_prk_steps": True}),
    Sampler.HEUN: (HeunDiscreteScheduler, {}),
    Sampler.LCM: (LCMScheduler, {}),
}


def build_scheduler(sampler: Sampler, config: Mapping[str, Any]) -> SchedulerMixin:
    """Return a new scheduler with the checkpoint's betas, prediction type, offset and spacing.

    ``config`` is the checkpoint's scheduler_config.json. What it does not set keeps the new
    scheduler's default, as with diffusers' ``from_config``; ``clip_sample`` is always set, because
    DDIM's default of True clips latents to ±1.
    """
    kind, options = _SCHEDULERS[sampler]
    return kind.from_config({**config, "clip_sample": False, **_SPACING, **options})


def noise_level(scheduler: SchedulerMixin, step: int) -> float:
    """Return the noise level σ before step ``step``.

    That is the noise's standard deviation over the signal's scale, infinite where there is no
    signal; with flow matching it is the noise's share.
    """
    if hasattr(scheduler, "sigmas"):
        return float(scheduler.sigmas[step])
    kept = float(scheduler.alphas_cumprod[int(scheduler.timesteps[step])])
    return math.inf if kept == 0 else ((1 - kept) / kept) ** 0.5

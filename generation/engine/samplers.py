"""Maps sampler names to diffusers' noise schedulers."""

import inspect
import math
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    TCDScheduler,
    UniPCMultistepScheduler,
)
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
from diffusers.schedulers.scheduling_utils import SchedulerMixin

from generation.engine.preview import LEAST_SIGNAL
from generation.request import Sampler

ZERO_SNR = "rescale_betas_zero_snr"
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
    Sampler.TCD: (TCDScheduler, {}),
}


def build_scheduler(sampler: Sampler, config: Mapping[str, Any]) -> SchedulerMixin:
    """Return a new scheduler with the checkpoint's betas, prediction type, offset and spacing.

    ``config`` is the checkpoint's scheduler_config.json. What it does not set keeps the new
    scheduler's default, as with diffusers' ``from_config``; ``clip_sample`` is always set, because
    DDIM's default of True clips latents to ±1.
    """
    kind, options = _SCHEDULERS[sampler]
    scheduler = kind.from_config({**config, "clip_sample": False, **_SPACING, **options})
    if config.get(ZERO_SNR):
        _end_in_noise(scheduler, config)
    return scheduler


def _end_in_noise(scheduler: SchedulerMixin, config: Mapping[str, Any]) -> None:
    """Let a scheduler have zero terminal SNR, and divide by no signal of zero.

    diffusers' PNDM and Heun have no option for it (Lin et al. 2024, algorithm 1). Where it has one,
    some bound the last signal themselves; the others can only do without if v is predicted.
    """
    lacks = not _knows_zero_snr(scheduler)
    if lacks:
        scheduler.betas = rescale_zero_terminal_snr(scheduler.betas)
        scheduler.alphas = 1.0 - scheduler.betas
        scheduler.alphas_cumprod = torch.cumprod(scheduler.alphas, dim=0)
    if lacks or config.get("prediction_type") != "v_prediction":
        scheduler.alphas_cumprod[-1].clamp_(min=LEAST_SIGNAL**2)


def needs_exactness(scheduler: SchedulerMixin) -> bool:
    """Whether half precision would lose the little signal that a step starts from.

    That is with zero terminal SNR where diffusers has none, and its steps do not reckon with it.
    """
    kept = getattr(scheduler, "alphas_cumprod", None)
    if kept is None or _knows_zero_snr(scheduler):
        return False
    return float(kept[-1]) <= LEAST_SIGNAL**2


def begin_plainly(scheduler: SchedulerMixin) -> bool:
    """Let Heun take its first interval from noise alone in one plain step; return whether it does.

    There its second evaluation would weigh what it corrects by half the ratio of both noise levels.
    """
    if scheduler.order != 2 or len(scheduler.sigmas) < 3:
        return False
    if scheduler.sigmas[0] < 0.9 / LEAST_SIGNAL:
        return False
    scheduler.timesteps = torch.cat([scheduler.timesteps[:1], scheduler.timesteps[2:]])
    scheduler.sigmas = torch.cat([scheduler.sigmas[:1], scheduler.sigmas[2:]])
    return True


def _knows_zero_snr(scheduler: SchedulerMixin) -> bool:
    return ZERO_SNR in inspect.signature(type(scheduler).__init__).parameters


def noise_level(scheduler: SchedulerMixin, step: int) -> float:
    """Return the noise level σ before step ``step``.

    That is the noise's standard deviation over the signal's scale, infinite where there is no
    signal; with flow matching it is the noise's share.
    """
    if hasattr(scheduler, "sigmas"):
        return float(scheduler.sigmas[step])
    kept = float(scheduler.alphas_cumprod[int(scheduler.timesteps[step])])
    return math.inf if kept == 0 else ((1 - kept) / kept) ** 0.5

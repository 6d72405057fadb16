"""diffusers' own pipelines, to compare every family's pictures with."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
    TCDScheduler,
    UniPCMultistepScheduler,
)
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
from PIL import Image

from generation.request import GenerationRequest, Sampler

Draw = Callable[[GenerationRequest], np.ndarray]

DPM = DPMSolverMultistepScheduler
SCHEDULERS = {
    Sampler.DDIM: (DDIMScheduler, {"clip_sample": False}),
    Sampler.EULER: (EulerDiscreteScheduler, {}),
    Sampler.EULER_A: (EulerAncestralDiscreteScheduler, {}),
    Sampler.DPMPP_2M: (DPM, {}),
    Sampler.DPMPP_2M_KARRAS: (DPM, {"use_karras_sigmas": True}),
    Sampler.DPMPP_2M_SDE_KARRAS: (
        DPM,
        {"use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++"},
    ),
    Sampler.UNIPC: (UniPCMultistepScheduler, {}),
    Sampler.PNDM: (PNDMScheduler, {"skip_prk_steps": True}),
    Sampler.HEUN: (HeunDiscreteScheduler, {}),
    Sampler.LCM: (LCMScheduler, {}),
    Sampler.TCD: (TCDScheduler, {}),
}
PIPELINES = {
    "sd1": (StableDiffusionPipeline, StableDiffusionImg2ImgPipeline),
    "sdxl": (StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline),
}


def scheduler_for(sampler: Sampler, config: Mapping[str, Any]) -> Any:
    """Build a scheduler as somebody would who has a checkpoint's configuration."""
    kind, options = SCHEDULERS[sampler]
    scheduler = kind.from_config({**config}, **options)
    if config.get("rescale_betas_zero_snr") and sampler in (Sampler.PNDM, Sampler.HEUN):
        # They have no such option, but take any betas.
        betas = rescale_zero_terminal_snr(scheduler.betas)
        scheduler = kind.from_config({**config}, **options, trained_betas=betas.tolist())
        scheduler.alphas_cumprod[-1] = 2**-24  # as in those that have it
    return scheduler


def diffusers_own(folder: Path, family: str = "sd1", **config: object) -> Draw:
    """Draw a request the way diffusers' own pipelines do: uint8 [n, height, width, 3]."""
    kind, other_kind = PIPELINES[family]
    from_text = kind.from_pretrained(folder, dtype=torch.float32)
    from_text.vae.enable_slicing()
    own_scheduler = {**from_text.scheduler.config, **config}
    # The watermark is of a library that is not here.
    from_image = other_kind(**from_text.components)
    for pipeline in (from_text, from_image):
        pipeline.set_progress_bar_config(disable=True)

    def draw(request: GenerationRequest) -> np.ndarray:
        scheduler = scheduler_for(request.sampler, own_scheduler)
        generators = [
            torch.Generator("cpu").manual_seed(request.seed + i) for i in range(request.num_images)
        ]
        common = {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt or None,
            "num_inference_steps": request.num_inference_steps,
            "guidance_scale": request.guidance_scale,
            "num_images_per_prompt": request.num_images,
            "generator": generators,
        }
        if request.guidance_rescale:
            common["guidance_rescale"] = request.guidance_rescale
        if request.image is None:
            from_text.scheduler = scheduler
            drawn = from_text(**common, width=request.width, height=request.height)
        else:
            from_image.scheduler = scheduler
            picture = Image.open(io.BytesIO(request.image))
            drawn = from_image(**common, image=picture, strength=request.strength)
        return np.stack([np.asarray(picture) for picture in drawn.images])

    return draw

"""Pictures as diffusers' own pipelines of the flow families draw them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    DiffusionPipeline,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    FlowMatchLCMScheduler,
    FluxImg2ImgPipeline,
    FluxPipeline,
    StableDiffusion3Img2ImgPipeline,
    StableDiffusion3Pipeline,
    UniPCMultistepScheduler,
    ZImageImg2ImgPipeline,
    ZImagePipeline,
)
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from PIL import Image

from generation.request import GenerationRequest, Sampler

Draw = Callable[[GenerationRequest], np.ndarray]

IMG2IMG = {
    StableDiffusion3Pipeline: StableDiffusion3Img2ImgPipeline,
    FluxPipeline: FluxImg2ImgPipeline,
    ZImagePipeline: ZImageImg2ImgPipeline,
}


class _Heun(FlowMatchHeunDiscreteScheduler):
    """Heun on the sigmas that the pipeline passes, which diffusers' own does not accept."""

    def set_timesteps(self, num_inference_steps=None, device=None, sigmas=None, mu=None):
        if sigmas is None and mu is None:
            super().set_timesteps(num_inference_steps, device)
            return
        euler = FlowMatchEulerDiscreteScheduler.from_config(self.config)
        euler.set_timesteps(num_inference_steps, sigmas=sigmas, device=device, mu=mu)
        super().set_timesteps(len(euler.timesteps), device)
        repeats = torch.tensor([1] + [2] * (len(euler.timesteps) - 1))
        self.timesteps = euler.timesteps.repeat_interleave(repeats)
        self.sigmas = torch.cat([euler.sigmas[:-1].repeat_interleave(repeats), euler.sigmas[-1:]])


class _LCM(FlowMatchLCMScheduler):
    """LCM that is handed the generators, which the pipelines keep to themselves.

    Its noise has the order of latents also where the pipeline steps with packed ones, Flux's.
    """

    def step(self, model_output, timestep, sample, return_dict=True):
        packed = sample.ndim == 3
        if packed:
            height, width = self.size
            rows, _, channels = sample.shape
            model_output, sample = (
                FluxPipeline._unpack_latents(one, height, width, 4)
                for one in (model_output, sample)
            )
        [latents] = super().step(
            model_output, timestep, sample, generator=self.generators, return_dict=False
        )
        if packed:
            size = latents.shape[-2:]
            latents = FluxPipeline._pack_latents(latents, rows, channels // 4, *size)
        return (latents,)


class _Solver:
    """A solver on its own flow sigmas, with the one method of a flow scheduler that it lacks."""

    def scale_noise(self, sample, timestep, noise):
        return self.add_noise(sample, noise, timestep)

    def set_timesteps(self, num_inference_steps=None, device=None, sigmas=None, mu=None):
        num_inference_steps = num_inference_steps or len(sigmas)
        dynamic = {"mu": mu} if self.config.use_dynamic_shifting else {}
        super().set_timesteps(num_inference_steps, device, **dynamic)


class _DPM(_Solver, DPMSolverMultistepScheduler):
    pass


class _UniPC(_Solver, UniPCMultistepScheduler):
    pass


_FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
SCHEDULERS: dict[Sampler, tuple[type[SchedulerMixin], dict[str, object]]] = {
    Sampler.EULER: (FlowMatchEulerDiscreteScheduler, {}),
    Sampler.HEUN: (_Heun, {}),
    Sampler.DPMPP_2M: (_DPM, _FLOW),
    Sampler.UNIPC: (_UniPC, _FLOW),
    Sampler.LCM: (_LCM, {}),
}


def diffusers_own(folder: Path) -> Draw:
    """Draw a request the way diffusers' own pipelines do: uint8 [n, height, width, 3]."""
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    absent = {name: None for name, part in index.items() if part == [None, None]}
    from_text = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32, **absent)
    from_image = IMG2IMG[type(from_text)](**from_text.components)
    from_text.vae.enable_slicing()
    config = dict(from_text.scheduler.config)
    for pipeline in (from_text, from_image):
        pipeline.set_progress_bar_config(disable=True)

    def draw(request: GenerationRequest) -> np.ndarray:
        kind, options = SCHEDULERS[request.sampler]
        scheduler = kind.from_config({**config, "flow_shift": config["shift"], **options})
        generators = [
            torch.Generator("cpu").manual_seed(request.seed + i) for i in range(request.num_images)
        ]
        if isinstance(scheduler, _LCM):
            scheduler.generators = generators
            scheduler.size = request.height, request.width
        common = {
            "prompt": request.prompt,
            "num_inference_steps": request.num_inference_steps,
            "num_images_per_prompt": request.num_images,
            "generator": generators,
            **_guidance(from_text, request),
        }
        if request.image is None:
            from_text.scheduler = scheduler
            drawn = from_text(**common, width=request.width, height=request.height)
        else:
            from_image.scheduler = scheduler
            # Given noise levels, the pipeline takes Heun's evaluations for steps.
            from_image.get_timesteps = lambda _steps, *rest: type(from_image).get_timesteps(
                from_image, request.num_inference_steps, *rest
            )
            picture = Image.open(io.BytesIO(request.image))
            drawn = from_image(
                **common,
                # Without them, two of the pipelines draw 1024² px, or 64².
                width=request.width,
                height=request.height,
                # One for each picture: otherwise only the first is its seed's own.
                image=[picture] * request.num_images,
                strength=request.strength,
            )
        return np.stack([np.asarray(picture) for picture in drawn.images])

    return draw


def _guidance(pipeline: DiffusionPipeline, request: GenerationRequest) -> dict[str, object]:
    """Return guidance as the pipeline names it."""
    scale, negative = request.guidance_scale, request.negative_prompt
    if isinstance(pipeline, ZImagePipeline):  # which counts from 0
        return {"guidance_scale": scale - 1, "negative_prompt": negative}
    if isinstance(pipeline, StableDiffusion3Pipeline):
        return {"guidance_scale": scale, "negative_prompt": negative}
    if pipeline.transformer.config.guidance_embeds:
        return {"guidance_scale": scale}
    # Schnell was trained on prompts of 256 tokens.
    return {"true_cfg_scale": scale, "negative_prompt": negative, "max_sequence_length": 256}

"""Pictures as diffusers' own inpainting pipelines draw them, before anything is pasted back."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    DiffusionPipeline,
    FluxInpaintPipeline,
    FluxPipeline,
    StableDiffusion3InpaintPipeline,
    StableDiffusion3Pipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    ZImageInpaintPipeline,
    ZImagePipeline,
)
from PIL import Image

from generation.request import GenerationRequest
from tests.generation.families.flow import flow_reference
from tests.generation.families.reference import scheduler_for

Draw = flow_reference.Draw
INPAINT = {
    StableDiffusionPipeline: StableDiffusionInpaintPipeline,
    StableDiffusionXLPipeline: StableDiffusionXLInpaintPipeline,
    StableDiffusion3Pipeline: StableDiffusion3InpaintPipeline,
    FluxPipeline: FluxInpaintPipeline,
    ZImagePipeline: ZImageInpaintPipeline,
}


def diffusers_inpaint(folder: Path) -> Draw:
    """Draw each picture of a request by itself: uint8 [n, height, width, 3].

    The second picture of one call is not its seed's own. A request without a mask draws over
    everything, as an inpainting model does then.
    """
    from_text = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    inpaint = INPAINT[type(from_text)](**from_text.components)
    inpaint.set_progress_bar_config(disable=True)
    config = dict(from_text.scheduler.config)
    flow = "num_train_timesteps" in config and "shift" in config

    def draw_one(request: GenerationRequest) -> np.ndarray:
        if flow:
            kind, options = flow_reference.SCHEDULERS[request.sampler]
            inpaint.scheduler = kind.from_config(
                {**config, "flow_shift": config["shift"], **options}
            )
            guidance = flow_reference._guidance(from_text, request)
            inpaint.get_timesteps = lambda _steps, *rest: type(inpaint).get_timesteps(
                inpaint, request.num_inference_steps, *rest
            )
        else:
            inpaint.scheduler = scheduler_for(request.sampler, config)
            guidance = {
                "guidance_scale": request.guidance_scale,
                "negative_prompt": request.negative_prompt or None,
            }
        size = request.width, request.height
        grey = Image.new("RGB", size, (90, 100, 110))
        forgets = isinstance(inpaint, StableDiffusion3InpaintPipeline)
        drawn = inpaint(
            prompt=request.prompt,
            image=Image.open(io.BytesIO(request.image)) if request.image else grey,
            mask_image=(
                Image.open(io.BytesIO(request.mask)) if request.mask else Image.new("L", size, 255)
            ),
            width=request.width,
            height=request.height,
            strength=1.0 if request.strength is None else request.strength,
            num_inference_steps=request.num_inference_steps,
            generator=torch.Generator("cpu").manual_seed(request.seed),
            output_type="latent" if forgets else "pil",
            **guidance,
        )
        if not forgets:
            return np.asarray(drawn.images[0])
        # Its decoding forgets the VAE's shift, which its other pipelines know.
        vae, (latents,) = inpaint.vae, drawn.images.split(1)
        with torch.no_grad():
            values = vae.decode(
                latents / vae.config.scaling_factor + vae.config.shift_factor, return_dict=False
            )[0]
        return np.asarray(inpaint.image_processor.postprocess(values, output_type="pil")[0])

    def draw(request: GenerationRequest) -> np.ndarray:
        alone = [
            replace(request, seed=request.seed + index, num_images=1)
            for index in range(request.num_images)
        ]
        return np.stack([draw_one(one) for one in alone])

    return draw

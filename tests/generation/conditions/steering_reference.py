"""diffusers' own pipelines with control nets and IP-Adapters, to compare pictures with."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers import ControlNetModel, ControlNetUnionModel
from PIL import Image
from transformers import CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from generation.catalog.controls import ControlModel, ReferenceModel
from generation.request import GenerationRequest
from tests.generation.families.reference import PIPELINES, scheduler_for

NAMES = {"sd1": "StableDiffusion", "sdxl": "StableDiffusionXL"}


def open_image(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def pipeline_for(folder: Path, request: GenerationRequest, controls: Sequence[ControlModel]) -> Any:
    """Return the pipeline that somebody would use for a request, with its nets."""
    plain = PIPELINES[request.family][0].from_pretrained(folder, dtype=torch.float32)
    plain.vae.enable_slicing()
    parts, name = dict(plain.components), NAMES[request.family]
    image = "Img2Img" if request.image is not None else ""
    if not controls:
        kind = getattr(diffusers, f"{name}{image}Pipeline")
    else:
        union = controls[0].mode is not None
        model = ControlNetUnionModel if union else ControlNetModel
        files = dict.fromkeys(one.path.parent for one in controls)
        if not union:
            files = [one.path.parent for one in controls]
        nets = [model.from_pretrained(one) for one in files]
        parts["controlnet"] = nets[0] if len(nets) == 1 else nets
        kind = getattr(diffusers, f"{name}ControlNet{'Union' if union else ''}{image}Pipeline")
    if request.family == "sd1":
        parts["requires_safety_checker"] = False
    pipeline = kind(**parts)
    pipeline.scheduler = scheduler_for(request.sampler, pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    if request.tiling:
        nets = parts.get("controlnet") or []
        nets = nets if isinstance(nets, list) else [nets]
        for model in (pipeline.unet, pipeline.vae.decoder, *nets):
            for layer in model.modules():
                if isinstance(layer, torch.nn.Conv2d):
                    layer.padding_mode = "circular"
    return pipeline


def draw(
    folder: Path,
    request: GenerationRequest,
    controls: Sequence[ControlModel] = (),
    references: Sequence[ReferenceModel] = (),
) -> np.ndarray:
    """Draw a request as diffusers does: uint8 [n, height, width, 3]."""
    pipeline = pipeline_for(folder, request, controls)
    options: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt or None,
        "num_inference_steps": request.num_inference_steps,
        "guidance_scale": request.guidance_scale,
        "num_images_per_prompt": request.num_images,
        "generator": [
            torch.Generator("cpu").manual_seed(request.seed + i) for i in range(request.num_images)
        ],
    }
    if request.image is None:
        options |= {"width": request.width, "height": request.height}
    else:
        options |= {"image": open_image(request.image), "strength": request.strength}
    if controls:
        _add_controls(options, request, controls)
    if references:
        _add_references(pipeline, options, request, references)
    return np.stack([np.asarray(picture) for picture in pipeline(**options).images])


def _add_controls(
    options: dict[str, Any], request: GenerationRequest, controls: Sequence[ControlModel]
) -> None:
    union = controls[0].mode is not None
    pictures = [open_image(png) for png in request.control_images]
    many = union or len(controls) > 1
    place = "control_image" if union or request.image is not None else "image"
    said = {
        "controlnet_conditioning_scale": [one.weight for one in request.controls],
        "control_guidance_start": [one.start for one in request.controls],
        "control_guidance_end": [one.end for one in request.controls],
    }
    options |= said if many else {name: value[0] for name, value in said.items()}
    options[place] = pictures if many else pictures[0]
    if union:
        options["control_mode"] = [one.mode for one in controls]


def _add_references(
    pipeline: Any,
    options: dict[str, Any],
    request: GenerationRequest,
    references: Sequence[ReferenceModel],
) -> None:
    encoder = CLIPVisionModelWithProjection.from_pretrained(references[0].encoder.parent).eval()
    size = encoder.config.image_size
    pipeline.image_encoder = encoder
    pipeline.feature_extractor = CLIPImageProcessorPil(size=size, crop_size=size)
    pipeline.load_ip_adapter(
        [str(one.path.parent) for one in references],
        subfolder=[""] * len(references),
        weight_name=[one.path.name for one in references],
        image_encoder_folder=None,
    )
    # InstantStyle's block; the tiny UNet's has two attentions where SDXL's has three.
    scales: list[Any] = [
        one.weight if one.kind == "subject" else {"up": {"block_0": [0.0, one.weight]}}
        for one in request.references
    ]
    pipeline.set_ip_adapter_scale(scales)
    options["ip_adapter_image"] = [open_image(png) for png in request.reference_images]

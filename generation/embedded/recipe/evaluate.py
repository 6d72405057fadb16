"""How well the checkpoint draws what it is asked for."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from PIL import Image

from generation.catalog import EMBEDDED
from generation.embedded.recipe.dataset import Concept, load_picture


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares (0…1) of drawn names whose nearest training picture is the one named."""

    top1: float
    top5: float
    names: int


@torch.no_grad()
def draw(
    pipeline: StableDiffusionPipeline,
    prompts: list[str],
    seed: int,
    steps: int = EMBEDDED.num_inference_steps,
    guidance: float = EMBEDDED.guidance_scale,
) -> np.ndarray:
    """Draw one picture a prompt, each from a seed of its own: uint8 [n, height, width, 3]."""
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    drawn: list[Image.Image] = []
    for start in range(0, len(prompts), 32):
        part = prompts[start : start + 32]
        drawn += pipeline(
            part,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=[
                torch.Generator("cpu").manual_seed(seed + start + i) for i in range(len(part))
            ],
        ).images
    return np.stack([np.asarray(picture) for picture in drawn])


def accuracy(
    pipeline: StableDiffusionPipeline,
    concepts: list[Concept],
    names: int = 128,
    seed: int = 4000,
    steps: int = EMBEDDED.num_inference_steps,
    guidance: float = EMBEDDED.guidance_scale,
) -> Accuracy:
    """Draw ``names`` concepts spread over the set; nearest is by squared pixel distance."""
    side = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
    training = np.stack([load_picture(c, side, side) for c in concepts]).astype(np.float32)
    asked = np.unique(np.linspace(0, len(concepts) - 1, names).round().astype(int))
    drawn = draw(pipeline, [concepts[i].name for i in asked], seed, steps, guidance)
    ranks = []
    for row, picture in zip(asked, drawn, strict=True):
        distances = np.square(training - picture.astype(np.float32)).mean(axis=(1, 2, 3))
        ranks.append(int((distances < distances[row]).sum()))
    return Accuracy(
        top1=sum(rank == 0 for rank in ranks) / len(ranks),
        top5=sum(rank < 5 for rank in ranks) / len(ranks),
        names=len(ranks),
    )


def sheet(pictures: np.ndarray, columns: int = 16) -> Image.Image:
    """Lay pictures uint8 [n, height, width, 3] out in rows of ``columns``."""
    count, height, width, _ = pictures.shape
    canvas = Image.new("RGB", (columns * width, math.ceil(count / columns) * height), "white")
    for index, picture in enumerate(pictures):
        place = (index % columns * width, index // columns * height)
        canvas.paste(Image.fromarray(picture), place)
    return canvas

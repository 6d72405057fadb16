"""How well the checkpoint draws what it is asked for."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from PIL import Image

from generation.catalog import EMBEDDED
from generation.embedded.recipe.pictures.arrays import to_tensor
from generation.embedded.recipe.pictures.colours import measure
from generation.embedded.recipe.pictures.dataset import BACKGROUND, Concept, load_picture
from generation.embedded.recipe.scenes.stage import ANGLES
from generation.embedded.recipe.training.autoencoder import decibels
from generation.embedded.recipe.training.lessons import tints
from generation.engine.samplers import build_scheduler

FRAME = 64  # px: the side at which drawings are compared with training pictures
NOT_WHITE = 215  # a channel is below this where something is drawn
HALO = 0.01  # share of an object's darkness attributed to the softness of its edges


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
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Draw one picture per prompt, each from its own seed: uint8 [n, height, width, 3].

    The sampler is the catalog's; ``size`` is (width, height), the checkpoint's own if None.
    """
    pipeline.scheduler = build_scheduler(EMBEDDED.sampler, pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    width, height = size or (None, None)
    drawn: list[Image.Image] = []
    for start in range(0, len(prompts), 32):
        part = prompts[start : start + 32]
        drawn += pipeline(
            part,
            width=width,
            height=height,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=[
                torch.Generator("cpu").manual_seed(seed + start + i) for i in range(len(part))
            ],
        ).images
    return np.stack([np.asarray(picture) for picture in drawn])


def side_of(pipeline: StableDiffusionPipeline) -> int:
    """Return the side in pixels of the checkpoint's training pictures."""
    return int(pipeline.unet.config.sample_size * pipeline.vae_scale_factor)


def accuracy(
    pipeline: StableDiffusionPipeline,
    concepts: list[Concept],
    names: int = 512,
    seed: int = 4000,
    steps: int = EMBEDDED.num_inference_steps,
    guidance: float = EMBEDDED.guidance_scale,
) -> Accuracy:
    """Draw ``names`` concepts, spread over the set, and `rank` the results."""
    asked = np.unique(np.linspace(0, len(concepts) - 1, names).round().astype(int))
    drawn = draw(pipeline, [concepts[i].name for i in asked], seed, steps, guidance)
    side = side_of(pipeline)
    return rank(drawn, np.stack([load_picture(c, side, side) for c in concepts]), asked)


def rank(drawn: np.ndarray, training: np.ndarray, asked: np.ndarray) -> Accuracy:
    """Count how often the picture ``asked`` [n] for is the one nearest to what was ``drawn``.

    Distance is squared pixel distance of what is not white, scaled to fit. Training pictures are
    compared mirrored and turned too, as names are taught.
    """
    seen = np.stack([frame(picture) for picture in drawn])
    nearest = torch.full((len(drawn), len(training)), torch.inf)
    for angle in sorted(set(ANGLES)):
        things = np.stack([frame(turn(picture, angle)) for picture in training])
        for known in (things, things[:, :, ::-1].copy()):
            nearest = torch.minimum(nearest, _distances(seen, known))
    ranks = _ranks(nearest, asked)
    return Accuracy(
        top1=(ranks == 0).float().mean().item(),
        top5=(ranks < 5).float().mean().item(),
        names=len(asked),
    )


def turn(picture: np.ndarray, angle: float) -> np.ndarray:
    """Return a picture turned by an angle in degrees: uint8, larger if necessary."""
    turned = Image.fromarray(picture).rotate(
        angle, Image.Resampling.BICUBIC, expand=True, fillcolor=BACKGROUND
    )
    return np.asarray(turned)


def _distances(drawn: np.ndarray, training: np.ndarray) -> torch.Tensor:
    """Return squared pixel distances [n, m], up to a constant per row."""
    # With white at 0, so that the products below lose no relevant precision.
    known = torch.from_numpy(training).flatten(1).float() / 255 - 1
    seen = torch.from_numpy(drawn).flatten(1).float() / 255 - 1
    return known.square().sum(1) - 2 * seen @ known.T


def _ranks(distances: torch.Tensor, asked: np.ndarray) -> torch.Tensor:
    own = distances[torch.arange(len(asked)), torch.from_numpy(asked)]
    return (distances < own[:, None]).sum(1)


def frame(picture: np.ndarray) -> np.ndarray:
    """Return a picture's non-white part, scaled to fit: uint8 [``FRAME``, ``FRAME``, 3]."""
    dark = np.clip(NOT_WHITE - picture.min(axis=-1).astype(np.float32), 0, None)
    if dark.sum() == 0:
        return np.full((FRAME, FRAME, 3), 255, np.uint8)
    top, bottom = _span(dark.sum(axis=1))
    left, right = _span(dark.sum(axis=0))
    thing = Image.fromarray(picture[top:bottom, left:right])
    factor = FRAME / max(thing.size)
    width, height = (max(1, round(part * factor)) for part in thing.size)
    canvas = Image.new("RGB", (FRAME, FRAME), BACKGROUND)
    thing = thing.resize((width, height), Image.Resampling.BOX)
    canvas.paste(thing, ((FRAME - width) // 2, (FRAME - height) // 2))
    return np.asarray(canvas)


def _span(weights: np.ndarray) -> tuple[int, int]:
    """Return the drawing's extent, without its faintest ``HALO`` at both ends."""
    passed = np.cumsum(weights) / weights.sum()
    first, last = np.searchsorted(passed, (HALO, 1 - HALO))
    return int(first), int(last) + 1


def colour_share(
    pipeline: StableDiffusionPipeline, concepts: list[Concept], seed: int = 5000
) -> tuple[float, np.ndarray]:
    """Return the share of object and colour pairs never trained on that come in that colour.

    The mean hue of the drawing must be nearer to the colour word's hue than to any other word's.
    Also returns the pictures.
    """
    _, held = tints(concepts)
    drawn = draw(pipeline, [tint.caption for tint in held], seed)
    right = [measure(picture).word == t.word for picture, t in zip(drawn, held, strict=True)]
    return sum(right) / len(right), drawn


@torch.no_grad()
def restore(vae: AutoencoderKL, pictures: np.ndarray) -> np.ndarray:
    """Return pictures, uint8 [n, height, width, 3], encoded and decoded by the VAE."""
    parts = []
    for part in np.array_split(pictures, math.ceil(len(pictures) / 16)):
        means = vae.encode(to_tensor(part).to(vae.device)).latent_dist.mean
        back = vae.decode(means).sample.clamp(-1, 1).cpu()
        parts.append(((back + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts)


def vae_psnr(vae: AutoencoderKL, pictures: np.ndarray) -> float:
    """Return the mean PSNR (dB) of the VAE's reconstructions."""
    back = restore(vae, pictures).astype(np.float32)
    errors = np.square((back - pictures) / 127.5).mean(axis=(1, 2, 3))
    return float(np.mean([decibels(error) for error in errors]))


def sheet(pictures: np.ndarray, columns: int = 16) -> Image.Image:
    """Arrange pictures, uint8 [n, height, width, 3], in rows of ``columns``."""
    count, height, width, _ = pictures.shape
    canvas = Image.new("RGB", (columns * width, math.ceil(count / columns) * height), "white")
    for index, picture in enumerate(pictures):
        place = (index % columns * width, index // columns * height)
        canvas.paste(Image.fromarray(picture), place)
    return canvas

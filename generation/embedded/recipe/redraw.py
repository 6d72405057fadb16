"""Latents as the denoiser draws them, for a decoder that must make pictures of such."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.catalog import EMBEDDED
from generation.embedded.recipe.models import noise_schedule

Redraw = Callable[[torch.Tensor, list[str], np.random.Generator], torch.Tensor]
"""Gives scaled latents [n, 4, h, w] of pictures that go by these names as a denoiser sees them."""

FROM, TO = 150, 650  # timesteps: enough noise to be mistaken, not enough to draw another picture


def redrawer(folder: Path, device: str) -> Redraw:
    """Return what adds noise to latents and lets a checkpoint's UNet say what they were.

    What it says has the UNet's own mistakes, guidance's among them, and still means the picture.
    """
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet").float().to(device).eval()
    text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder").float().to(device).eval()
    tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer")
    noise = noise_schedule()

    @torch.no_grad()
    def redraw(latents: torch.Tensor, names: list[str], rng: np.random.Generator) -> torch.Tensor:
        timesteps = torch.from_numpy(rng.integers(FROM, TO, len(latents))).to(device)
        words = ["" for _ in names] + names
        ids = tokenizer(words, padding="max_length", truncation=True, return_tensors="pt").input_ids
        eps = torch.from_numpy(rng.standard_normal(tuple(latents.shape))).to(latents)
        noisy = noise.add_noise(latents, eps, timesteps)
        with torch.autocast(device, torch.bfloat16):
            context = text(ids.to(device)).last_hidden_state
            both = unet(noisy.repeat(2, 1, 1, 1), timesteps.repeat(2), context).sample.float()
        plain, told = both.chunk(2)
        v = plain + EMBEDDED.guidance_scale * (told - plain)
        kept = noise.alphas_cumprod.to(device)[timesteps][:, None, None, None]
        return kept.sqrt() * noisy - (1 - kept).sqrt() * v

    return redraw

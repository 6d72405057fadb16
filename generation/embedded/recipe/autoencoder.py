"""Training the VAE, the first stage."""

import logging
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from generation.embedded.recipe.models import Sizes, build_vae
from generation.embedded.recipe.parts import Parts
from generation.embedded.recipe.progress import Progress, set_rate

log = logging.getLogger(__name__)

KL_WEIGHT = 1e-7  # on the sum over a picture's latents, beside losses that are means over pixels

WHOLE_FROM = 0.8  # of the steps: from here on pictures are seen whole


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """Map uint8 [n, height, width, 3] to float [n, 3, height, width] in -1…1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def train_vae(sizes: Sizes, pictures: np.ndarray, work: Path, device: str) -> AutoencoderKL:
    """Train the VAE on uint8 [n, height, width, 3]: L1, squared error and a small KL term.

    At first it sees windows a quarter as large out of twice as many pictures, at half the cost:
    edges and colours are learned as well from those.
    """
    torch.manual_seed(1)
    vae = build_vae(sizes).to(device)
    optimizer = torch.optim.AdamW(vae.parameters(), weight_decay=0.01, fused=True)
    progress = Progress(work / "vae.pt", {"vae": vae, "optimizer": optimizer})

    def mean_loss(batch: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            posterior = vae.encode(batch).latent_dist
            drawn = vae.decode(posterior.mean + posterior.std * noise).sample.float()
        return _distance(drawn, batch) + KL_WEIGHT * posterior.kl().float().mean()

    parts = Parts(device)
    for step in progress.run(sizes.vae_steps, "vae"):
        set_rate(optimizer, sizes.vae_rate, step, sizes.vae_steps)
        rng = np.random.default_rng([1, step])
        if step < WHOLE_FROM * sizes.vae_steps:
            seen = _window(pictures[rng.integers(len(pictures), size=2 * sizes.vae_batch)], rng)
        else:
            seen = pictures[rng.integers(len(pictures), size=sizes.vae_batch)]
        batch = _vary(to_tensor(seen), rng).to(device)
        noise = _noise_for(vae, batch)
        optimizer.zero_grad(set_to_none=True)
        loss = parts.backward(mean_loss, batch, noise)
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            log.info("vae step %d loss %.4f", step, loss)
    parts.close()
    return vae.eval()


def refine_decoder(
    sizes: Sizes, vae: AutoencoderKL, pictures: np.ndarray, work: Path, device: str
) -> None:
    """Train the decoder further, on whole pictures, for latents that stay what they are.

    It can be done after the denoiser was trained, which knows the latents alone.
    """
    learned = [*vae.decoder.parameters(), *vae.post_quant_conv.parameters()]
    optimizer = torch.optim.AdamW(learned, weight_decay=0.01, fused=True)
    progress = Progress(work / "decoder.pt", {"vae": vae, "optimizer": optimizer})

    def mean_loss(batch: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            with torch.no_grad():
                posterior = vae.encode(batch).latent_dist
            drawn = vae.decode(posterior.mean + posterior.std * noise).sample.float()
        return _distance(drawn, batch)

    parts = Parts(device)
    for step in progress.run(sizes.decoder_steps, "decoder"):
        set_rate(optimizer, sizes.vae_rate / 2, step, sizes.decoder_steps)
        rng = np.random.default_rng([3, step])
        seen = pictures[rng.integers(len(pictures), size=sizes.vae_batch)]
        batch = _vary(to_tensor(seen), rng).to(device)
        noise = _noise_for(vae, batch)
        optimizer.zero_grad(set_to_none=True)
        loss = parts.backward(mean_loss, batch, noise)
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        if step % 50 == 0:
            log.info("decoder step %d loss %.4f", step, loss)
    parts.close()


def _distance(drawn: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
    """Return L1, which keeps edges sharp, with squared error, which PSNR counts."""
    return F.l1_loss(drawn, batch) + 4 * F.mse_loss(drawn, batch)


def _vary(batch: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Mirror half of the batches and give a quarter their colour channels in another order.

    So what the next stage recolours is no stranger.
    """
    if rng.random() < 0.5:
        batch = batch.flip(3)
    return batch[:, rng.permutation(3)] if rng.random() < 0.25 else batch


def _noise_for(vae: AutoencoderKL, batch: torch.Tensor) -> torch.Tensor:
    """Return noise for the latents of a batch."""
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    rows, _, height, width = batch.shape
    shape = (rows, vae.config.latent_channels, height // factor, width // factor)
    return torch.randn(shape, device=batch.device)


def _window(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a window of half the side, the same in each picture."""
    half = pictures.shape[1] // 2
    top, left = rng.integers(half + 1, size=2)
    return pictures[:, top : top + half, left : left + half]


def decibels(squared_error: float) -> float:
    """Return the PSNR (dB) of a mean squared error between values of -1…1."""
    return 10 * math.log10(4 / squared_error)


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: np.ndarray, device: str) -> torch.Tensor:
    """Return the mean latents [n, 4, h, w] of pictures uint8, not yet scaled, on the CPU."""
    parts = np.array_split(pictures, math.ceil(len(pictures) / 16))
    return torch.cat(
        [vae.encode(to_tensor(part).to(device)).latent_dist.mean.cpu() for part in parts]
    )

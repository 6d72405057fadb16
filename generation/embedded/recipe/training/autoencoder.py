"""Training the VAE, the first stage."""

import copy
import logging
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from generation.embedded.recipe.models import LAYER, Sizes, build_vae
from generation.embedded.recipe.pictures.arrays import BEHIND, THINGS, to_tensor
from generation.embedded.recipe.training.gradients import Parts
from generation.embedded.recipe.training.progress import Progress, set_rate

log = logging.getLogger(__name__)

KL_WEIGHT = 1e-7  # on the sum over a picture's latents, beside losses that are means over pixels

EDGES, STRENGTH = 0.5, 1.0  # weights of the other losses of whole pictures
KEPT = 0.1  # weight of how far the latents of white pictures move, in their variance
WHITE = 0.98  # a channel (-1…1) counts as white from here on
WHOLE_FROM = 0.8  # share of the steps after which whole pictures are used


def train_vae(
    sizes: Sizes,
    pictures: np.ndarray,
    work: Path,
    device: str,
    start: AutoencoderKL | None = None,
) -> AutoencoderKL:
    """Train the VAE on uint8 [n, height, width, 3]: L1, squared error and a small KL term.

    With ``start`` it continues from that, and pictures with a white border approximately keep the
    latents they have there, so that what was learned on them remains useful.

    At first it uses windows of a quarter of the area from twice as many pictures, at half the cost:
    edges and colours are learned from those just as well.
    """
    torch.manual_seed(1)
    vae = copy.deepcopy(start) if start is not None else build_vae(sizes)
    vae = vae.to(device).train()
    optimizer = torch.optim.AdamW(vae.parameters(), weight_decay=0.01, fused=True)
    progress = Progress(work / "vae.pt", {"vae": vae, "optimizer": optimizer})

    def mean_loss(batch: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            posterior = vae.encode(batch).latent_dist
            drawn = vae.decode(posterior.mean + posterior.std * noise).sample.float()
        loss = distance(drawn, batch) + KL_WEIGHT * posterior.kl().float().mean()
        return loss if start is None else loss + KEPT * _moved(start, batch, posterior.mean)

    parts = Parts(device)
    for step in progress.run(sizes.vae_steps, "vae"):
        set_rate(optimizer, sizes.vae_rate, step, sizes.vae_steps)
        rng = np.random.default_rng([1, step])
        if step < WHOLE_FROM * sizes.vae_steps:
            seen = window(pictures[rng.integers(len(pictures), size=2 * sizes.vae_batch)], rng)
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


def edges_apart(drawn: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute error of differences between neighbouring pixels."""
    down = F.l1_loss(drawn.diff(dim=2), batch.diff(dim=2))
    return down + F.l1_loss(drawn.diff(dim=3), batch.diff(dim=3))


def strengths_apart(drawn: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
    """Return the error of the strength of edges, in squares of 4² px.

    The position of an edge within its square does not matter: an edge need not be soft because its
    exact position is unknown.
    """
    return F.l1_loss(_strength(drawn), _strength(batch))


def _strength(pictures: torch.Tensor) -> torch.Tensor:
    """Return the strength of edges in each square of 4² px: [n, 1, h / 4, w / 4]."""
    down, across = pictures.diff(dim=2)[..., :-1], pictures.diff(dim=3)[:, :, :-1]
    energy = (down.square() + across.square()).mean(1, keepdim=True)
    return (F.avg_pool2d(energy, 4) + 1e-4).sqrt()


@torch.no_grad()
def _white(batch: torch.Tensor) -> torch.Tensor:
    """Return which pictures [n, 3, h, w] are mostly white: bool [n]."""
    return (batch.amin(1) > WHITE).float().mean((1, 2)) > 0.25


def _moved(start: AutoencoderKL, batch: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
    """Return the squared distance of white pictures' latents from those of ``start``."""
    with torch.no_grad(), torch.autocast(batch.device.type, torch.bfloat16):
        before = start.encode(batch).latent_dist.mean
    squared = (means.float() - before.float()).square().mean((1, 2, 3))
    return (squared * _white(batch)).mean() * start.config.scaling_factor**2


def distance(drawn: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
    """Return L1, which keeps edges sharp, plus squared error, which PSNR measures."""
    return F.l1_loss(drawn, batch) + 4 * F.mse_loss(drawn, batch)


def _vary(batch: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Mirror half of the batches, and permute the colour channels of a quarter.

    This prepares for the pictures that the next stage recolours.
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


def window(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a window of half the side, at the same position in each picture."""
    half = pictures.shape[1] // 2
    top, left = rng.integers(half + 1, size=2)
    return pictures[:, top : top + half, left : left + half]


def decibels(squared_error: float) -> float:
    """Return the PSNR (dB) of a mean squared error between values of -1…1."""
    return 10 * math.log10(4 / squared_error)


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: np.ndarray, device: str) -> torch.Tensor:
    """Return the mean latents [n, channels, h, w] of pictures uint8, unscaled, on the CPU."""
    parts = np.array_split(pictures, math.ceil(len(pictures) / 16))
    return torch.cat(
        [vae.encode(to_tensor(part).to(device)).latent_dist.mean.cpu() for part in parts]
    )


def encode_layers(vae: AutoencoderKL, layers: np.ndarray, device: str) -> torch.Tensor:
    """Return the mean latents [n, 8, h, w] of pictures in layers, each layer encoded alone."""
    things = encode(vae, layers[:, THINGS], device)[:, :LAYER]
    behind = encode(vae, layers[:, BEHIND], device)[:, -LAYER:]
    return torch.cat([things, behind], dim=1)

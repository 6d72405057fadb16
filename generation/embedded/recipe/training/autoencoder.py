"""Training the VAE, whose latents hold a picture's two layers side by side.

The denoiser then draws things and what is behind them as two pictures of the same cells, each as
simple as a thing on white. Joining them is the decoder's work.
"""

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
EDGES, STRENGTH = 0.5, 1.0  # weights of the losses of edges
WHOLE_FROM = 0.8  # share of the steps after which whole pictures are used
ALONE = 0.12  # share of examples without a thing: what is behind it is the whole picture
BLUR = 0.1  # noise, in standard deviations of the latents, as the denoiser's are not exact either
ENCODED = 64  # pictures encoded at a time
SCALED_BY = 500  # pictures whose latents give the scaling factor


def train_vae(sizes: Sizes, layers: np.ndarray, work: Path, device: str) -> AutoencoderKL:
    """Train the VAE on pictures in layers, uint8 [n, 3, height, width, 3], and return it.

    The latents of a picture are those of its things, and those of what is behind them, each encoded
    alone. The decoder learns to put these together; the encoder learns to take a whole picture
    apart into them. L1, squared error, edges and a small KL term.

    At first it uses windows of a quarter of the area from twice as many pictures, at half the cost:
    edges and colours are learned from those just as well.
    """
    torch.manual_seed(1)
    vae = build_vae(sizes).to(device).train()
    optimizer = torch.optim.AdamW(vae.parameters(), weight_decay=0.01, fused=True)
    progress = Progress(work / "vae.pt", {"vae": vae, "optimizer": optimizer})
    pictures = torch.from_numpy(layers).to(device)

    def mean_loss(
        whole: torch.Tensor, things: torch.Tensor, behind: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            posterior = vae.encode(torch.cat([whole, things, behind])).latent_dist
            taken, thing, place = posterior.mean.float().chunk(3)
            apart = torch.cat([thing[:, :LAYER], place[:, LAYER:]], dim=1)
            size = apart.detach().std()
            half = len(whole) // 2
            seen = taken[:half] + posterior.std[:half] * noise[:half]
            drawn = vae.decode(torch.cat([seen, apart[half:] + BLUR * size * noise[half:]])).sample
        loss = distance(drawn.float(), whole) + EDGES * edges_apart(drawn.float(), whole)
        loss = loss + STRENGTH * strengths_apart(drawn.float(), whole)
        split = F.mse_loss(taken / size, apart.detach() / size)
        return loss + split + KL_WEIGHT * posterior.kl().float().mean()

    parts = Parts(device)
    for step in progress.run(sizes.vae_steps, "vae"):
        set_rate(optimizer, sizes.vae_rate, step, sizes.vae_steps)
        windows = step < WHOLE_FROM * sizes.vae_steps
        count = sizes.vae_batch * (2 if windows else 1)
        seen = pictures[torch.randint(len(pictures), (count,), device=device)]
        seen = without_things(seen)
        seen = _window(seen) if windows else seen
        if torch.rand(()) < 0.5:
            seen = seen.flip(3)
        batch = seen.permute(1, 0, 4, 2, 3).float() / 127.5 - 1
        cells = [side // 2 ** (len(sizes.vae_blocks) - 1) for side in batch.shape[3:]]
        noise = torch.randn(count, 2 * LAYER, *cells, device=device)
        optimizer.zero_grad(set_to_none=True)
        loss = parts.backward(mean_loss, *batch, noise)
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            log.info("vae step %d loss %.4f", step, loss)
    parts.close()
    vae.eval().register_to_config(scaling_factor=scale_of(vae, layers[:SCALED_BY]))
    return vae


def without_things(layers: torch.Tensor) -> torch.Tensor:
    """Return pictures in layers, uint8 [n, 3, h, w, 3]; some with a place show the place alone."""
    alone = (torch.rand(len(layers), device=layers.device) < ALONE) & ~on_white(layers)
    whole, things, behind = layers.unbind(1)
    alone = alone[:, None, None, None]
    bare = [torch.where(alone, behind, whole), things.masked_fill(alone, 255), behind]
    return torch.stack(bare, dim=1)


def on_white(layers: torch.Tensor) -> torch.Tensor:
    """Return which pictures in layers, uint8 [n, 3, h, w, 3], have nothing behind their things."""
    return (layers[:, BEHIND] == 255).flatten(1).all(1)


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


def distance(drawn: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
    """Return L1, which keeps edges sharp, plus squared error, which PSNR measures."""
    return F.l1_loss(drawn, batch) + 4 * F.mse_loss(drawn, batch)


def decibels(squared_error: float) -> float:
    """Return the PSNR (dB) of a mean squared error between values of -1…1."""
    return 10 * math.log10(4 / squared_error)


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return the mean latents [n, channels, h, w] of pictures uint8 [n, h, w, 3], unscaled."""
    device = vae.device
    with torch.autocast(device.type, torch.bfloat16):
        parts = [
            vae.encode(to_tensor(part, device)).latent_dist.mean
            for part in torch.as_tensor(pictures).split(ENCODED)
        ]
    return torch.cat(parts).float()


def encode_layers(vae: AutoencoderKL, layers: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return the latents [n, channels, h, w] of pictures in layers, each layer encoded alone."""
    things = encode(vae, layers[:, THINGS])[:, :LAYER]
    behind = encode(vae, layers[:, BEHIND])[:, LAYER:]
    return torch.cat([things, behind], dim=1)


def scale_of(vae: AutoencoderKL, layers: np.ndarray) -> float:
    """Return the factor that gives the latents of pictures in layers a variance of 1."""
    return round(1 / encode_layers(vae, layers).std().item(), 5)


def _window(layers: torch.Tensor) -> torch.Tensor:
    """Return a window of half the side of pictures in layers, at one position in each."""
    half = layers.shape[2] // 2
    top, left = (int(torch.randint(half + 1, ())) for _ in range(2))
    return layers[:, :, top : top + half, left : left + half]

"""Training the VAE of whole pictures, whose latents hold a picture's two layers side by side.

The denoiser then draws things and what is behind them as two pictures of the same cells, each as
simple as a thing on white. Joining them is the decoder's work.
"""

import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from generation.embedded.recipe.models import LAYER, Sizes, build_vae
from generation.embedded.recipe.pictures.arrays import BEHIND, THINGS, WHOLE, to_tensor
from generation.embedded.recipe.training.autoencoder import (
    EDGES,
    KL_WEIGHT,
    STRENGTH,
    WHOLE_FROM,
    distance,
    edges_apart,
    strengths_apart,
    window,
)
from generation.embedded.recipe.training.gradients import Parts
from generation.embedded.recipe.training.progress import Progress, set_rate

log = logging.getLogger(__name__)

ALONE = 0.12  # share of examples without a thing: what is behind it is the whole picture
BLUR = 0.1  # noise, in standard deviations of the latents, as the denoiser's are not exact either


def join_layers(
    sizes: Sizes, layers: np.ndarray, single: AutoencoderKL, work: Path, device: str
) -> AutoencoderKL:
    """Train a VAE on pictures in layers, uint8 [n, 3, height, width, 3], and return it.

    Its encoder learns to take a whole picture apart, into the latents that ``single``, a VAE of
    single layers, has for each; its decoder learns to put those together.
    """
    torch.manual_seed(4)
    vae = widen(single, build_vae(sizes, 2 * LAYER)).to(device).train()
    single = single.to(device).eval().requires_grad_(False)
    scale = single.config.scaling_factor
    optimizer = torch.optim.AdamW(vae.parameters(), weight_decay=0.01, fused=True)
    progress = Progress(work / "layered.pt", {"vae": vae, "optimizer": optimizer})

    def mean_loss(
        whole: torch.Tensor, things: torch.Tensor, behind: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            with torch.no_grad():
                apart = [single.encode(one).latent_dist.mean for one in (things, behind)]
            wanted = torch.cat(apart, dim=1)
            posterior = vae.encode(whole).latent_dist
            told = torch.arange(len(whole)) % 2 == 0
            latents = posterior.mean + posterior.std * noise
            latents[told] = (wanted + noise * BLUR / scale)[told]
            drawn = vae.decode(latents).sample.float()
        split = F.mse_loss(posterior.mean.float() * scale, wanted.float() * scale)
        loss = distance(drawn, whole) + EDGES * edges_apart(drawn, whole)
        loss = loss + STRENGTH * strengths_apart(drawn, whole)
        return loss + split + KL_WEIGHT * posterior.kl().float().mean()

    parts = Parts(device)
    for step in progress.run(sizes.layered_steps, "layered"):
        set_rate(optimizer, sizes.vae_rate, step, sizes.layered_steps)
        rng = np.random.default_rng([4, step])
        windows = step < WHOLE_FROM * sizes.layered_steps
        rows = rng.integers(len(layers), size=sizes.vae_batch * (2 if windows else 1))
        seen = [layers[rows, kind] for kind in (WHOLE, THINGS, BEHIND)]
        seen = _without_things(seen, rng)
        batch = window(np.concatenate(seen, axis=-1), rng) if windows else np.concatenate(seen, -1)
        if rng.random() < 0.5:
            batch = batch[:, :, ::-1].copy()
        pictures = [to_tensor(batch[..., 3 * i : 3 * i + 3]).to(device) for i in range(3)]
        cells = [size // 2 ** (len(sizes.vae_blocks) - 1) for size in pictures[0].shape[2:]]
        noise = torch.randn(len(rows), 2 * LAYER, *cells, device=device)
        optimizer.zero_grad(set_to_none=True)
        loss = parts.backward(mean_loss, *pictures, noise)
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            log.info("layered step %d loss %.4f", step, loss)
    parts.close()
    vae.register_to_config(scaling_factor=scale)
    return vae.eval()


@torch.no_grad()
def widen(single: AutoencoderKL, vae: AutoencoderKL) -> AutoencoderKL:
    """Give a VAE of two layers the weights of one of a single layer, and return it.

    At first it encodes the whole picture as either layer, and decodes the things alone.
    """
    known = single.state_dict()
    mean, spread = slice(0, LAYER), slice(LAYER, 2 * LAYER)
    first, second = known["quant_conv.weight"], torch.zeros(4 * LAYER, 4 * LAYER, 1, 1)
    for layer in range(2):
        for row, to in enumerate((mean, spread)):
            for column, of in enumerate((mean, spread)):
                top, left = (2 * LAYER * i + LAYER * layer for i in (row, column))
                second[top : top + LAYER, left : left + LAYER] = first[to, of]
    known["quant_conv.weight"] = second
    for name in ("encoder.conv_out.weight", "encoder.conv_out.bias", "quant_conv.bias"):
        value = known[name]
        known[name] = torch.cat([value[mean], value[mean], value[spread], value[spread]])
    value = known["post_quant_conv.weight"][..., 0, 0]
    known["post_quant_conv.weight"] = torch.block_diag(value, value)[..., None, None]
    known["post_quant_conv.bias"] = known["post_quant_conv.bias"].repeat(2)
    value = known["decoder.conv_in.weight"]
    known["decoder.conv_in.weight"] = torch.cat([value, torch.zeros_like(value)], dim=1)
    vae.load_state_dict(known)
    return vae


def _without_things(seen: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Return whole, things and behind; some of those with a place show the place alone."""
    whole, things, behind = seen
    alone = (rng.random(len(whole)) < ALONE) & (behind.min((1, 2, 3)) < 255)
    alone = alone[:, None, None, None]
    return [np.where(alone, behind, whole), np.where(alone, np.uint8(255), things), behind]

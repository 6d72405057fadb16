"""Training the decoder against a critic, so that it draws edges where it cannot know them exactly.

A decoder that is only compared with pictures draws the mean of what the latents leave open, which
is soft. A critic that tells its pictures from true ones teaches it to draw one of them (Goodfellow
et al. 2014; for the decoder of a latent model Esser et al. 2021, who weigh the critic as here).
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from diffusers.training_utils import EMAModel
from torch import nn

from generation.embedded.recipe.models import LAYER, Sizes
from generation.embedded.recipe.pictures.arrays import BEHIND, WHOLE, to_tensor
from generation.embedded.recipe.training.autoencoder import (
    EDGES,
    STRENGTH,
    distance,
    edges_apart,
    encode,
    encode_layers,
    strengths_apart,
)
from generation.embedded.recipe.training.gradients import Parts
from generation.embedded.recipe.training.layered import ALONE, BLUR
from generation.embedded.recipe.training.progress import Progress, set_rate

log = logging.getLogger(__name__)

CRITICAL = 2.0  # weight of the critic, in that of all other losses
LEARNS_ALONE = 0.15  # share of the steps in which only the critic learns
LASTING = 0.995  # decay per step of the decoder's moving average
BETAS = (0.5, 0.99)


class Critic(nn.Module):
    """Tells drawn pictures from true ones, patch by patch, knowing their latents."""

    def __init__(self, channels: int, depth: int, width: int = 32) -> None:
        super().__init__()
        self.patches = nn.Sequential()
        before = 3
        for level in range(depth):
            after = width * (level + 1)
            self.patches.extend([nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.2)])
            before = after
        self.judge = nn.Sequential(
            *(nn.Conv2d(before + channels, 2 * before, 3, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(2 * before, 2 * before, 1), nn.LeakyReLU(0.2)),
            nn.Conv2d(2 * before, 1, 1),
        )

    def forward(self, pictures: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """Map float [n, 3, height, width] to [n, 1, h, w] of the latents: the truer, the higher."""
        return self.judge(torch.cat([self.patches(pictures), latents], dim=1))


def sharpen(
    sizes: Sizes,
    layers: np.ndarray,
    single: AutoencoderKL,
    vae: AutoencoderKL,
    work: Path,
    device: str,
) -> AutoencoderKL:
    """Train the decoder of a VAE of two layers on, on pictures uint8 [n, 3, height, width, 3].

    It sees the latents that the denoiser learns, those of ``single`` for each layer, and the
    encoder stays as it is. Return the VAE.
    """
    torch.manual_seed(6)
    vae, scale = vae.to(device).train(), single.config.scaling_factor
    examples = _Examples(layers, single.to(device).eval(), scale, device)
    learned = [*vae.decoder.parameters(), *vae.post_quant_conv.parameters()]
    critic = Critic(2 * LAYER, len(sizes.vae_blocks) - 1).to(device)
    optimizer = torch.optim.AdamW(learned, betas=BETAS, weight_decay=0.01, fused=True)
    other = torch.optim.AdamW(critic.parameters(), betas=BETAS, weight_decay=0.01, fused=True)
    average = EMAModel(learned, decay=LASTING)
    average.to(device)
    models = {"vae": vae, "critic": critic, "average": average}
    progress = Progress(work / "sharpen.pt", {**models, "optimizer": optimizer, "critic's": other})
    alone = LEARNS_ALONE * sizes.sharpen_steps

    def draw(latents: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            return vae.decode(latents / scale).sample.float()

    def judged(pictures: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            return critic(pictures, latents).float()

    def decoders_loss(latents: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
        drawn = draw(latents)
        loss = distance(drawn, whole) + EDGES * edges_apart(drawn, whole)
        loss = loss + STRENGTH * strengths_apart(drawn, whole)
        found = -judged(drawn, latents).mean()
        # As strong in the last layer as everything else, times CRITICAL.
        last = vae.decoder.conv_out.weight
        pulls = [torch.autograd.grad(one, last, retain_graph=True)[0] for one in (loss, found)]
        weight = CRITICAL * pulls[0].norm() / (pulls[1].norm() + 1e-6)
        return loss + weight.clamp(max=10) * found

    def critics_loss(latents: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            drawn = draw(latents)
        true, made = judged(whole, latents), judged(drawn, latents)
        return F.relu(1 - true).mean() + F.relu(1 + made).mean()

    parts = Parts(device)
    for step in progress.run(sizes.sharpen_steps, "sharpen"):
        set_rate(optimizer, sizes.sharpen_rate, step, sizes.sharpen_steps)
        set_rate(other, 2 * sizes.sharpen_rate, step, sizes.sharpen_steps)
        batches = examples.batches(np.random.default_rng([6, step]), sizes.vae_batch)
        other.zero_grad(set_to_none=True)
        sure = parts.backward(critics_loss, *next(batches))
        other.step()
        if step >= alone:
            optimizer.zero_grad(set_to_none=True)
            parts.backward(decoders_loss, *next(batches))
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            average.step(learned)
        if step % 50 == 0:
            log.info("sharpen step %d critic's loss %.4f", step, sure)
    parts.close()
    average.copy_to(learned)
    return vae.eval()


class _Examples:
    """The scaled latents of each layer of pictures, and the whole ones."""

    def __init__(
        self, layers: np.ndarray, single: AutoencoderKL, scale: float, device: str
    ) -> None:
        self._layers, self._device = layers, device
        with torch.no_grad(), torch.autocast(device, torch.bfloat16):
            self._latents = encode_layers(single, layers, device).float() * scale
            white = np.full_like(layers[:1, WHOLE], 255)
            self._nothing = encode(single, white, device).float()[0] * scale

    def batches(
        self, rng: np.random.Generator, count: int
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield latents float [count, 8, h, w] and their pictures float [count, 3, h, w]."""
        while True:
            rows = rng.integers(len(self._layers), size=count)
            latents, whole = self._latents[rows].clone(), self._layers[rows, WHOLE]
            for place, row in enumerate(rows):
                if rng.random() < ALONE and self._layers[row, BEHIND].min() < 255:
                    latents[place, :LAYER] = self._nothing
                    whole[place] = self._layers[row, BEHIND]
            latents += BLUR * torch.randn_like(latents)
            yield latents.to(self._device), to_tensor(whole).to(self._device)

"""Between pictures and latents: the VAE that most families have."""

import logging
from collections.abc import Callable

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

log = logging.getLogger(__name__)

TILED_FROM = 1024 * 1024  # pixels; larger pictures are decoded in tiles, to bound memory


class Autoencoder:
    """A VAE on ``device``; latents are scaled, and shifted where its configuration says so."""

    def __init__(self, vae: AutoencoderKL, device: torch.device) -> None:
        self._vae = vae
        self._device = device
        self.scale_factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self._scale: float = vae.config.scaling_factor
        self._shift: float | None = vae.config.shift_factor

    def encode(
        self, picture: Image.Image, dtype: torch.dtype
    ) -> Callable[[torch.Generator], torch.Tensor]:
        """Return a function that samples latents [1, channels, h, w] of an RGB picture.

        The VAE yields a distribution; every sample draws its own latents, before its noise.
        """
        # Rows first and then the axes: the memory layout, too, affects the choice of kernels.
        unit = torch.from_numpy(np.asarray(picture, np.float32) / 255)[None].movedim(-1, 1)
        pixels = (2.0 * unit - 1.0).to(self._device, self._vae.dtype)
        posterior = self._vae.encode(pixels).latent_dist
        if self._overflows(posterior.parameters):
            posterior = self._vae.encode(pixels.float()).latent_dist

        def draw(generator: torch.Generator) -> torch.Tensor:
            latents = posterior.sample(generator).to(dtype)
            if self._shift is not None:
                latents = latents - self._shift
            return self._scale * latents

        return draw

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the picture of latents [1, channels, h, w]: CPU uint8 [height, width, 3]."""
        latents = latents.to(self._vae.dtype) / self._scale
        if self._shift is not None:
            latents = latents + self._shift
        self._vae.use_tiling = latents[0, 0].numel() * self.scale_factor**2 > TILED_FROM
        picture = self._vae.decode(latents, return_dict=False)[0]
        if self._overflows(picture):
            picture = self._vae.decode(latents.float(), return_dict=False)[0]
        unit = (picture * 0.5 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).float().cpu()
        return (unit * 255).round().byte()

    def _overflows(self, values: torch.Tensor) -> bool:
        """Whether the VAE yielded NaNs: some do in fp16, and run in fp32 from then on."""
        if self._vae.dtype != torch.float16 or values.isfinite().all():
            return False
        log.warning("the VAE overflows in fp16; it runs in fp32 from now on")
        self._vae.float()
        return True

"""Between pictures and latents: the VAE that most families have."""

import logging

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

from generation.conditions.inpainting import DrawLatents
from generation.conditions.tiling import Tiling, around
from generation.loading.memory import room_beside

log = logging.getLogger(__name__)

# What a decode holds at its peak: four tensors at the picture's size with the channels of the VAE's
# second block, as measured with Stable Diffusion's (993 values a pixel at 512²), and some room.
LIVE_TENSORS = 4.5
# Latent cells of the opposite edges that a picture is put together with, where its own convolutions
# cannot wrap around; more than they see.
WRAPPED = 8


class Autoencoder:
    """A VAE on ``device``; latents are scaled, and shifted where its configuration says so.

    Pictures that the device could not decode whole beside a checkpoint's ``resident`` bytes are
    decoded in tiles.
    """

    def __init__(self, vae: AutoencoderKL, device: torch.device, resident: int = 0) -> None:
        self._room = room_beside(device, resident)
        self._vae = vae
        self._device = device
        self._tiling = Tiling(vae.decoder)
        self.scale_factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self._scale: float = vae.config.scaling_factor
        self._shift: float | None = vae.config.shift_factor

    def encode(
        self,
        picture: Image.Image,
        dtype: torch.dtype,
        *,
        hidden: torch.Tensor | None = None,
        tiled: bool = False,
    ) -> DrawLatents:
        """Return a function that samples latents [1, channels, h, w] of an RGB picture.

        The VAE yields a distribution; every sample draws its own latents, before its noise. Where
        it is ``hidden`` [height, width], the picture is grey; with ``tiled``, beyond its edges are
        the opposite ones.
        """
        # Rows first and then the axes: the memory layout, too, affects the choice of kernels.
        unit = torch.from_numpy(np.asarray(picture, np.float32) / 255)[None].movedim(-1, 1)
        pixels = 2.0 * unit - 1.0
        if hidden is not None:
            pixels = pixels * ~hidden
        pixels = pixels.to(self._device, self._vae.dtype)
        edge = 0
        if tiled:
            # The encoder's strides see further to the right and below: it cannot wrap around.
            edge = min(WRAPPED * self.scale_factor, *picture.size)
            pixels = around(pixels, (edge,) * 4)
        self._vae.use_tiling = self._whole_bytes(picture.width * picture.height) > self._room
        posterior = self._vae.encode(pixels).latent_dist
        if self._overflows(posterior.parameters):
            posterior = self._vae.encode(pixels.float()).latent_dist

        def draw(generator: torch.Generator) -> torch.Tensor:
            latents = self._inside(posterior.sample(generator), edge).to(dtype)
            if self._shift is not None:
                latents = latents - self._shift
            return self._scale * latents

        return draw

    def _inside(self, latents: torch.Tensor, edge: int) -> torch.Tensor:
        """Return latents without those of an edge of so many pixels."""
        cells = edge // self.scale_factor
        return latents[..., cells:-cells, cells:-cells].contiguous() if cells else latents

    def decode(self, latents: torch.Tensor, *, tiled: bool = False) -> torch.Tensor:
        """Return the picture of latents [1, channels, h, w]: CPU uint8 [height, width, 3].

        With ``tiled`` its opposite edges continue each other.
        """
        latents = latents.to(self._vae.dtype) / self._scale
        if self._shift is not None:
            latents = latents + self._shift
        self._vae.use_tiling = self._whole_bytes(self._pixels(latents)) > self._room
        edge = 0
        if tiled and self._vae.use_tiling:  # each of its tiles would wrap around by itself
            edge = min(WRAPPED, *latents.shape[-2:])
            latents = around(latents, (edge,) * 4)
        with self._tiling.applied([tiled and not edge]):
            picture = self._vae.decode(latents, return_dict=False)[0]
            if self._overflows(picture):
                picture = self._vae.decode(latents.float(), return_dict=False)[0]
        if edge:
            pixels = edge * self.scale_factor
            picture = picture[..., pixels:-pixels, pixels:-pixels]
        unit = (picture * 0.5 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).float()
        return (unit * 255).round().byte().cpu()

    def spare_memory(self, latents: torch.Tensor) -> bool:
        """Decode pictures of this size in tiles from now on; return whether they were not."""
        needed = self._whole_bytes(self._pixels(latents))
        if needed > self._room:
            return False
        self._room = needed - 1
        return True

    def _pixels(self, latents: torch.Tensor) -> int:
        return latents.shape[-2] * latents.shape[-1] * self.scale_factor**2

    def _whole_bytes(self, pixels: int) -> int:
        """Return what decoding so many pixels as a whole takes at its peak."""
        channels = self._vae.config.block_out_channels
        widest = channels[min(1, len(channels) - 1)]
        return int(pixels * widest * LIVE_TENSORS * self._vae.dtype.itemsize)

    def _overflows(self, values: torch.Tensor) -> bool:
        """Whether the VAE yielded NaNs: some do in fp16, and run in fp32 from then on."""
        if self._vae.dtype != torch.float16 or values.isfinite().all():
            return False
        log.warning("the VAE overflows in fp16; it runs in fp32 from now on")
        self._vae.float()
        return True

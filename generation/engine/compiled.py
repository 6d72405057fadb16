"""The compiled UNet: one size, a few row counts, warmed up before anybody waits for it."""

import logging
import time

import torch
from diffusers import UNet2DConditionModel

from generation.options import Compile

log = logging.getLogger(__name__)

ROWS = (1, 2, 4, 8, 12, 16)


class CompiledUNet:
    """Replaces a UNet's forward pass for latents [rows, channels, h, w] with rows from `ROWS`.

    On a GPU, compiling takes minutes for each row count, the first time; torch caches the result on
    disk. ``latents`` and ``embedding`` are one row of each.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        mode: Compile,
        latents: torch.Tensor,
        embedding: torch.Tensor,
    ) -> None:
        unet.to(memory_format=torch.channels_last)
        self._shapes = (latents.shape[1:], embedding.shape[1:])
        self._run = torch.compile(unet.forward, mode=mode.value, dynamic=False)
        for rows in ROWS:
            begun = time.monotonic()
            self(
                latents.repeat(rows, 1, 1, 1),
                torch.zeros(rows, device=latents.device),
                embedding.repeat(rows, 1, 1),
            )
            log.info("compiled for %d rows in %.0f s", rows, time.monotonic() - begun)

    def takes(self, latents: torch.Tensor, embeddings: torch.Tensor) -> bool:
        """Whether it was compiled for this size and this length of prompt."""
        return (latents.shape[1:], embeddings.shape[1:]) == self._shapes

    def __call__(
        self, latents: torch.Tensor, timesteps: torch.Tensor, embeddings: torch.Tensor
    ) -> torch.Tensor:
        """Return the model output [rows, channels, h, w]."""
        channels_last = latents.contiguous(memory_format=torch.channels_last)
        output = self._run(channels_last, timesteps, embeddings, return_dict=False)[0]
        # With CUDA graphs the next forward pass would overwrite it.
        return output.clone()

"""The compiled UNet: one size, a few row counts, warmed up before anybody waits for it."""

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from diffusers import UNet2DConditionModel

from generation.options import Compile

if TYPE_CHECKING:
    from generation.families.pipeline import Row

log = logging.getLogger(__name__)

ROWS = (1, 2, 4, 8, 12, 16)


class CompiledUNet:
    """Replaces a UNet's forward pass for rows like one of a size, in row counts from `ROWS`.

    On a GPU, compiling takes minutes for each row count, the first time; torch caches the result on
    disk.
    """

    def __init__(self, unet: UNet2DConditionModel, mode: Compile, row: "Row") -> None:
        unet.to(memory_format=torch.channels_last)
        self._shapes = _shapes(row)
        self._run = torch.compile(unet.forward, mode=mode.value, dynamic=False)

    def warm_up(
        self, latents: torch.Tensor, timesteps: torch.Tensor, options: Mapping[str, Any]
    ) -> None:
        """Compile it for this many rows."""
        begun = time.monotonic()
        self(latents, timesteps, options)
        log.info("compiled for %d rows in %.0f s", len(latents), time.monotonic() - begun)

    def takes(self, row: "Row") -> bool:
        """Whether it was compiled for this size and this length of prompt."""
        return _shapes(row) == self._shapes

    def __call__(
        self, latents: torch.Tensor, timesteps: torch.Tensor, options: Mapping[str, Any]
    ) -> torch.Tensor:
        """Return the model output [rows, channels, h, w]; ``options`` are further inputs."""
        channels_last = latents.contiguous(memory_format=torch.channels_last)
        output = self._run(channels_last, timesteps, **options, return_dict=False)[0]
        # With CUDA graphs the next forward pass would overwrite it.
        return output.clone()


def _shapes(row: "Row") -> tuple[object, ...]:
    return row.latents.shape, {name: value.shape for name, value in row.conditioning.items()}

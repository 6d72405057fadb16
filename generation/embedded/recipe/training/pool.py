"""A continuously refilled pool of latents, so that no picture is seen very often."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL

from generation.embedded.recipe.models import LAYER
from generation.embedded.recipe.pictures.captions import Caption
from generation.embedded.recipe.training.autoencoder import encode_layers

SEED = 7


@dataclass(frozen=True, slots=True)
class Exercise:
    """Paints a picture, of a width and a height, in layers: uint8 [3, height, width, 3]."""

    paint: Callable[[int, int], np.ndarray]
    caption: Caption


Maker = Callable[[np.random.Generator], Exercise]


class Pool:
    """Scaled latents of the last ``size`` exercises, each determined by its number.

    Painting and encoding a picture costs about a third of a training step for it, so each is used
    several times before a newer one replaces it.
    """

    def __init__(self, size: int, make: Maker, vae: AutoencoderKL, side: int, device: str) -> None:
        self._make, self._vae, self._device = make, vae, device
        cells = side // 2 ** (len(vae.config.block_out_channels) - 1)
        self._side = side
        self._latents = torch.zeros(size, 2 * LAYER, cells, cells).half()
        self._made = 0

    def refill(self, count: int) -> None:
        """Paint and encode the next exercises; at first, enough to fill the pool."""
        count = max(count, len(self._latents) - self._made)
        for start in range(self._made, self._made + count, 16):
            numbers = range(start, min(start + 16, self._made + count))
            pictures = np.stack(
                [self.exercise(number).paint(self._side, self._side) for number in numbers]
            )
            with torch.no_grad(), torch.autocast(self._device, torch.bfloat16):
                latents = encode_layers(self._vae, pictures, self._device).float()
            scale = self._vae.config.scaling_factor
            slots = [number % len(self._latents) for number in numbers]
            self._latents[slots] = (latents * scale).half()
        self._made += count

    def exercise(self, number: int) -> Exercise:
        """Return an exercise by its number, always the same."""
        return self._make(np.random.default_rng([SEED, number]))

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, Caption]:
        """Return the latents, float [channels, h, w], and the caption of a random one."""
        number = self._made - 1 - int(rng.integers(len(self._latents)))
        slot = number % len(self._latents)
        return self._latents[slot].float(), self.exercise(number).caption

    def state_dict(self) -> dict[str, Any]:
        """Return the state for resuming."""
        return {"latents": self._latents, "made": self._made}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from an earlier run's state."""
        self._latents, self._made = state["latents"], state["made"]

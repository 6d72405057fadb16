"""A continuously refilled pool of latents, so that no picture is seen very often."""

from typing import Any

import torch
from diffusers import AutoencoderKL

from generation.embedded.recipe.training.autoencoder import encode_layers
from generation.embedded.recipe.training.painting import CHUNK, Painters

FEWER = 8  # a ring of another shape is this much smaller than that of square pictures


class Ring:
    """Exercises of one shape as scaled latents and tokens, in chunks: the last ``size`` of them."""

    def __init__(self, size: int) -> None:
        self.size, self.made = size, 0
        self.latents = self.tokens = torch.empty(0)

    def add(self, latents: torch.Tensor, tokens: torch.Tensor) -> None:
        """Put a chunk in the place of the oldest one.

        Latents are [``CHUNK``, channels, h, w], tokens [``CHUNK``, wordings, length].
        """
        if not self.made:
            self.latents = latents.new_zeros(self.size, *latents.shape)
            self.tokens = tokens.new_zeros(self.size, *tokens.shape)
        self.latents[self.made % self.size] = latents
        self.tokens[self.made % self.size] = tokens
        self.made += 1

    def draw(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latents, float [count, channels, h, w], and tokens [count, length] of some."""
        there, device = min(self.made, self.size), self.latents.device
        chunk, row, wording = (
            torch.randint(high, (count,), device=device)
            for high in (there, CHUNK, self.tokens.shape[2])
        )
        return self.latents[chunk, row].float(), self.tokens[chunk, row, wording].long()


class Pool:
    """The last ``size`` square exercises, and fewer of each other shape, as latents and tokens.

    Painting and encoding a picture costs about a third of a training step for it, so each is used
    several times before a newer one replaces it.
    """

    def __init__(self, size: int, painters: Painters, vae: AutoencoderKL) -> None:
        if size < CHUNK or size % CHUNK:
            raise ValueError(f"pool must be a multiple of {CHUNK}, not {size}")
        self._painters, self._vae = painters, vae
        chunks, others = size // CHUNK, max(1, size // CHUNK // FEWER)
        self._square, *self._others = (
            Ring(others if number else chunks) for number in range(len(painters.shapes))
        )
        self._made = 0  # chunks so far
        self._due = 0  # exercises that should be there by now, and are not yet

    def refill(self, count: int) -> None:
        """Paint and encode this many further exercises, in whole chunks; at first, fill it."""
        while self._square.made < self._square.size:
            self._add()
        self._due += count
        while self._due >= CHUNK:
            self._add()
            self._due -= CHUNK

    def draw(self, count: int, otherwise: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Return latents, float [count, channels, h, w], and tokens [count, length] of exercises.

        All are of one shape, in a share of calls not the square one.
        """
        others = [ring for ring in self._others if ring.made]
        if others and torch.rand(()) < otherwise:
            return others[int(torch.randint(len(others), ()))].draw(count)
        return self._square.draw(count)

    def _add(self) -> None:
        layers, words = self._painters.paint(self._made)
        latents = encode_layers(self._vae, layers) * self._vae.config.scaling_factor
        ring = [self._square, *self._others][self._painters.shape_of(self._made)]
        ring.add(latents.half(), torch.from_numpy(words).to(latents.device))
        self._made += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the state for resuming."""
        rings = [
            {"latents": ring.latents, "tokens": ring.tokens, "made": ring.made}
            for ring in (self._square, *self._others)
        ]
        return {"rings": rings, "made": self._made, "due": self._due}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from an earlier run's state."""
        for ring, kept in zip((self._square, *self._others), state["rings"], strict=True):
            ring.latents = kept["latents"].to(self._vae.device)
            ring.tokens = kept["tokens"].to(self._vae.device)
            ring.made = kept["made"]
        self._made, self._due = state["made"], state["due"]

"""What a picture begins with besides noise, and what of a source is put back at every step.

Any denoiser can draw over a part of a picture: after each step, what is to stay becomes the
picture's own latents at the next noise level (Avrahami et al. 2022, "Blended Diffusion"). A
denoiser that was trained for it takes two more inputs beside the latents, the mask and the latents
of the rest of the picture, grey where it is drawn over (Rombach et al. 2022, section 4.5).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from generation.engine.trajectory import Trajectory

DrawLatents = Callable[[torch.Generator], Tensor]


@dataclass(frozen=True, slots=True)
class Start:
    """What each of a request's pictures begins with, besides noise like ``empty``.

    ``picture`` samples the source's latents. ``mask`` [1, 1, h, w] is 1 where it is drawn over, and
    with ``from_noise`` nothing of the source is left there. ``rest`` samples the latents of what
    stays, for a denoiser that takes them.
    """

    empty: Tensor
    picture: DrawLatents | None = None
    mask: Tensor | None = None
    rest: DrawLatents | None = None
    from_noise: bool = False

    def begin(self, trajectory: Trajectory, generator: torch.Generator) -> "Begun":
        """Return a picture before its first step.

        The generator is used in the same order as in diffusers' pipelines.
        """
        empty, mask = self.empty, self.mask
        source = None if self.picture is None else self.picture(generator)
        noise = torch.randn(empty.shape, generator=generator, dtype=empty.dtype).to(empty.device)
        if mask is None:
            return Begun(trajectory.start(noise, source))
        if source is not None:
            source = source.contiguous()  # as repeating it for all pictures leaves it there
        first = None if self.from_noise else source
        latents = trajectory.start(noise, first, blends=True)
        if self.rest is not None:
            return Begun(latents, beside=torch.cat([mask, self.rest(generator)], dim=1))
        # There the rest is sampled in any case; what samplers draw comes after it.
        torch.randn(empty.shape, generator=generator, dtype=empty.dtype)
        return Begun(latents, None if source is None else Kept(mask, source, noise))


@dataclass(frozen=True, slots=True)
class Kept:
    """The part of a source that stays: where the mask is 0."""

    mask: Tensor
    source: Tensor
    noise: Tensor

    def put_back(self, latents: Tensor, trajectory: Trajectory) -> Tensor:
        """Return the latents for the next step, with the source's where they stay."""
        return self.over(latents, trajectory.noised(self.source, self.noise))

    def over(self, latents: Tensor, source: Tensor | None = None) -> Tensor:
        """Return latents where they are drawn, and the source's elsewhere."""
        return (1 - self.mask) * (self.source if source is None else source) + self.mask * latents


@dataclass(frozen=True, slots=True)
class Begun:
    """A picture before its first step; ``beside`` are further inputs of the denoiser."""

    latents: Tensor
    kept: Kept | None = None
    beside: Tensor | None = None


def on_latents(white: Tensor, like: Tensor) -> Tensor:
    """Return a mask [height, width] by latent cells, [1, 1, h, w]: 1 where it is white, else 0.

    A cell counts by its first pixel, as in diffusers; all that a thin mask touches do, where that
    would leave none.
    """
    pixels = white[None, None].float()
    cells = functional.interpolate(pixels, size=like.shape[-2:])
    if not cells.any():
        cells = functional.adaptive_max_pool2d(pixels, like.shape[-2:])
    return cells.to(like.device, like.dtype)

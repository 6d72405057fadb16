"""The upscaler: doubles a picture tile by tile, once or twice."""

import logging
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from generation import weights
from generation.upscaler import WEIGHTS, Medium, check_factor
from generation.upscaler.nets import MARGIN, Lanczos, Upconv7

log = logging.getLogger(__name__)

# A tile's side before doubling, px. One takes 0.1 s and 60 MB on two CPU cores, where larger ones
# are slower; other devices need more work at a time.
CPU_TILE = 128
DEVICE_TILE = 512


class Upscaler:
    """Upscales pictures on one device, loading the weights on first use.

    fp16 on CUDA, as the weights are stored, and fp32 elsewhere.
    """

    def __init__(
        self, device: torch.device, tile: int | None = None, weights: Path = WEIGHTS
    ) -> None:
        self._device = device
        self._dtype = torch.float16 if device.type == "cuda" else torch.float32
        self._tile = tile or (CPU_TILE if device.type == "cpu" else DEVICE_TILE)
        self._weights = weights
        self._nets: dict[Medium, nn.Module] = {}

    def start(
        self, picture: Image.Image, factor: int, medium: Medium = Medium.PHOTO
    ) -> "Upscaling":
        """Return the task of upscaling an RGB picture, not yet started.

        Raises InvalidRequest, naming the field and its limit.
        """
        check_factor(*picture.size, factor)
        if medium not in self._nets:
            net = _load(self._weights / f"{medium}.safetensors")
            self._nets[medium] = net.to(self._device, self._dtype)
        pixels = torch.from_numpy(np.array(picture))
        return Upscaling(self._nets[medium], pixels, factor, self._tile)

    def upscale(
        self, picture: Image.Image, factor: int, medium: Medium = Medium.PHOTO
    ) -> torch.Tensor:
        """Return the upscaled RGB picture: CPU uint8 [height · factor, width · factor, 3].

        Raises InvalidRequest, naming the field and its limit.
        """
        work = self.start(picture, factor, medium)
        while not work.done:
            work.step()
        return work.pixels


def _load(file: Path) -> nn.Module:
    """Return the network of a file, or Lanczos if it is missing or not the published one."""
    net = Upconv7()
    try:
        weights.check(f"{WEIGHTS.name}/{file.name}", file)
        net.load_state_dict(load_file(file))
    except (OSError, SafetensorError, weights.WeightsChanged) as error:
        log.warning("pictures are enlarged by Lanczos, for want of weights: %s", error)
        return Lanczos()
    return net.eval().requires_grad_(requires_grad=False)


class Upscaling:
    """One picture being upscaled, one tile per step; a dropped task leaves nothing behind.

    ``pixels`` is the result, CPU uint8 [height, width, 3], complete once it is ``done``.
    """

    def __init__(self, net: nn.Module, pixels: torch.Tensor, factor: int, tile: int) -> None:
        self._net = net
        self._like = next(iter(net.state_dict().values()))
        self._tile = tile
        self._source = self.pixels = pixels
        self._factor_left = factor
        self._boxes: list[tuple[int, int, int, int]] = []
        height, width = pixels.shape[:2]
        self.steps_taken = 0
        self.steps = sum(
            len(_cut(height * zoom, width * zoom, tile)) for zoom in (1, 2) if zoom < factor
        )

    @property
    def done(self) -> bool:
        """Whether every step is done."""
        return self.steps_taken == self.steps

    def step(self) -> None:
        """Run the network once; after an allocator's error the step can be repeated."""
        if not self._boxes:
            self._double()
        self._draw(*self._boxes[-1])
        self._boxes.pop()
        self.steps_taken += 1

    def _double(self) -> None:
        """Use the current result as the source of a picture of twice its size."""
        height, width = self.pixels.shape[:2]
        # Rounding between two doublings would let one level of difference grow to two.
        dtype = torch.uint8 if self._factor_left == 2 else torch.float32
        target = torch.empty(2 * height, 2 * width, 3, dtype=dtype)
        self._source, self.pixels = self.pixels, target
        self._boxes = _cut(height, width, self._tile)
        self._factor_left //= 2

    @torch.inference_mode()
    def _draw(self, top: int, bottom: int, left: int, right: int) -> None:
        """Double one box of the source, in its pixels; beyond its edges they repeat."""
        height, width = self._source.shape[:2]
        rows = torch.arange(top - MARGIN, bottom + MARGIN).clamp(0, height - 1)
        columns = torch.arange(left - MARGIN, right + MARGIN).clamp(0, width - 1)
        patch = self._source[rows[:, None], columns].movedim(-1, 0)[None].to(self._like)
        if self._source.dtype == torch.uint8:
            patch = patch / 255
        doubled = self._net(patch)[0].movedim(0, -1).float().clamp(0, 1).cpu()
        if self.pixels.dtype == torch.uint8:
            doubled = (doubled * 255).round()
        self.pixels[2 * top : 2 * bottom, 2 * left : 2 * right] = doubled


def _cut(height: int, width: int, tile: int) -> list[tuple[int, int, int, int]]:
    """Return (top, bottom, left, right) of boxes of about equal size, none larger than a tile."""
    rows, columns = (
        [side * i // count for i in range(count + 1)]
        for side, count in ((height, -(-height // tile)), (width, -(-width // tile)))
    )
    return [
        (top, bottom, left, right)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]

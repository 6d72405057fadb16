"""Pictures whose opposite edges continue each other: convolutions that wrap around.

Each row has its own padding, so that such pictures share forwards with others. For others' rows
nothing changes, and a forward without any is the model's own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

TILED = "_tiled_rows"  # of a layer, while some of its rows wrap around: which


class Tiling:
    """The convolutions of a model that look beyond a picture's edges."""

    def __init__(self, model: nn.Module) -> None:
        self._convolutions = [
            one
            for one in model.modules()
            if isinstance(one, nn.Conv2d) and not isinstance(one.padding, str) and any(one.padding)
        ]

    @contextmanager
    def applied(self, tiled: Sequence[bool], *, fixed: bool = False) -> Iterator[None]:
        """Let the rows that are ``tiled`` wrap around.

        With ``fixed`` every row always goes through the same kernels in as many rows as there are.
        """
        if not any(tiled):
            yield
            return
        which = torch.tensor(tiled)
        for one in self._convolutions:
            one.__dict__["_conv_forward"] = partial(_convolve, one, which, fixed)
            one.__dict__[TILED] = which
        try:
            yield
        finally:
            for one in self._convolutions:
                del one.__dict__["_conv_forward"], one.__dict__[TILED]


def around(inputs: Tensor, padding: Sequence[int]) -> Tensor:
    """Return inputs [n, channels, h, w] with so much of the opposite edges: left, right, …."""
    return functional.pad(inputs, tuple(padding), mode="circular")


def tiled_rows(layer: nn.Module) -> Tensor | None:
    """Return which rows of a convolution wrap around now, [n]; None if none does."""
    return layer.__dict__.get(TILED)


def surrounded(layer: nn.Conv2d, rows: Tensor) -> Tensor:
    """Return a convolution's inputs with as much of the opposite edges as it pads."""
    down, across = (int(amount) for amount in layer.padding)
    return around(rows, (across, across, down, down))


def _convolve(
    layer: nn.Conv2d, tiled: Tensor, fixed: bool, inputs: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    def wrapped(rows: Tensor) -> Tensor:
        options: dict[str, Any] = {
            "stride": layer.stride,
            "dilation": layer.dilation,
            "groups": layer.groups,
        }
        return functional.conv2d(surrounded(layer, rows), weight, bias, **options)

    if bool(tiled.all()):
        return wrapped(inputs)
    plain = nn.Conv2d._conv_forward(layer, inputs, weight, bias)  # noqa: SLF001 - what is replaced
    if fixed:
        which = tiled.to(plain.device)
        return torch.where(which[:, None, None, None], wrapped(inputs), plain)
    which = tiled.nonzero().flatten().to(plain.device)
    plain[which] = wrapped(inputs[which])
    return plain

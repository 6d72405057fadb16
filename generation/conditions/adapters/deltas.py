"""What an adapter adds to a layer's weight, kept in its factors.

LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685) is a product of two narrow matrices; LoHa
and LoKr are LyCORIS' (Yeh et al. 2023, https://arxiv.org/abs/2309.14859): the elementwise product
of two of these, and a Kronecker product. All weights are [outputs, inputs, *kernel].
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# A LoHa of rank r is a LoRA of rank r²; above this, its matrix is made when it is needed.
EXPANDED_RANK = 64


@dataclass(frozen=True, slots=True, eq=False)
class LowRank:
    """``up`` [outputs, rank] · ``down`` [rank, inputs, *kernel]."""

    down: Tensor
    up: Tensor

    @property
    def rank(self) -> int:
        """How many numbers there are between the two matrices."""
        return self.down.shape[0]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What it is kept in."""
        return self.down, self.up

    @property
    def outputs(self) -> int:
        """How many outputs it adds to."""
        return self.up.shape[0]

    def dense(self) -> Tensor:
        """Return the weight."""
        return (self.up @ self.down.flatten(1)).unflatten(1, self.down.shape[1:])

    def to(self, device: torch.device, dtype: torch.dtype) -> "LowRank":
        """Return it on a device and in a type."""
        return LowRank(self.down.to(device, dtype), self.up.to(device, dtype))

    def rows(self, part: slice | Tensor) -> "LowRank":
        """Return what it adds to some of the outputs."""
        return LowRank(self.down, self.up[part])

    def apply(self, inputs: Tensor, options: dict[str, Any]) -> Tensor:
        """Return the weight's product with a layer's input; ``options`` are a convolution's."""
        if self.down.ndim == 2:
            return functional.linear(functional.linear(inputs, self.down), self.up)
        narrow = functional.conv2d(inputs, self.down, **options)
        return functional.conv2d(narrow, self.up[..., None, None])


@dataclass(frozen=True, slots=True, eq=False)
class Hadamard:
    """Two weights of low rank, multiplied value by value."""

    first: LowRank
    second: LowRank

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What it is kept in."""
        return *self.first.tensors, *self.second.tensors

    @property
    def outputs(self) -> int:
        """How many outputs it adds to."""
        return self.first.outputs

    def dense(self) -> Tensor:
        """Return the weight."""
        return self.first.dense() * self.second.dense()

    def to(self, device: torch.device, dtype: torch.dtype) -> "Hadamard":
        """Return it on a device and in a type."""
        return Hadamard(self.first.to(device, dtype), self.second.to(device, dtype))

    def rows(self, part: slice | Tensor) -> "Hadamard":
        """Return what it adds to some of the outputs."""
        return Hadamard(self.first.rows(part), self.second.rows(part))

    def apply(self, inputs: Tensor, options: dict[str, Any]) -> Tensor:
        """Return the weight's product with a layer's input; ``options`` are a convolution's."""
        return _apply(self.dense(), inputs, options)

    def expanded(self) -> LowRank:
        """Return it as a LoRA: the rank is the product of both ranks."""
        up = self.first.up[:, :, None] * self.second.up[:, None, :]
        down = self.first.down[:, None] * self.second.down[None, :]
        return LowRank(down.flatten(0, 1).contiguous(), up.flatten(1).contiguous())


@dataclass(frozen=True, slots=True, eq=False)
class Kronecker:
    """``left`` [outputs₁, inputs₁] ⊗ ``right`` [outputs₂, inputs₂, *kernel].

    As a LoRA it would have the rank inputs₁ × rank of ``right``, up to a layer's whole width, where
    its own two products are small. ``part`` are the outputs that it adds to.
    """

    left: Tensor
    right: Tensor
    part: slice | Tensor | None = None  # all

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What it is kept in."""
        return self.left, self.right

    @property
    def outputs(self) -> int:
        """How many outputs it adds to."""
        whole = self.left.shape[0] * self.right.shape[0]
        if self.part is None:
            return whole
        return len(self.part) if isinstance(self.part, Tensor) else len(range(whole)[self.part])

    def dense(self) -> Tensor:
        """Return the weight."""
        whole = torch.einsum("ac,bd...->abcd...", self.left, self.right)
        whole = whole.flatten(0, 1).flatten(1, 2)
        return whole if self.part is None else whole[self.part]

    def to(self, device: torch.device, dtype: torch.dtype) -> "Kronecker":
        """Return it on a device and in a type."""
        part = self.part.to(device) if isinstance(self.part, Tensor) else self.part
        return Kronecker(self.left.to(device, dtype), self.right.to(device, dtype), part)

    def rows(self, part: slice | Tensor) -> "Kronecker":
        """Return what it adds to some of the outputs."""
        return Kronecker(self.left, self.right, part)

    def apply(self, inputs: Tensor, options: dict[str, Any]) -> Tensor:
        """Return the weight's product with a layer's input; ``options`` are a convolution's."""
        blocks = self.left.shape[1]
        if self.right.ndim == 2:
            split = inputs.unflatten(-1, (blocks, -1))
            outputs = torch.einsum(
                "ac,...cb->...ab", self.left, functional.linear(split, self.right)
            )
            outputs = outputs.flatten(-2)
            return outputs if self.part is None else outputs[..., self.part]
        rows = inputs.shape[0]
        split = inputs.unflatten(1, (blocks, -1)).flatten(0, 1)
        inner = functional.conv2d(split, self.right, **options).unflatten(0, (rows, blocks))
        outputs = torch.einsum("ac,ncbhw->nabhw", self.left, inner)
        outputs = outputs.flatten(1, 2)
        return outputs if self.part is None else outputs[:, self.part]


Delta = LowRank | Hadamard | Kronecker


def _apply(weight: Tensor, inputs: Tensor, options: dict[str, Any]) -> Tensor:
    if weight.ndim == 2:
        return functional.linear(inputs, weight)
    return functional.conv2d(inputs, weight, **options)


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What an adapter changes in one layer.

    DoRA (Liu et al. 2024, https://arxiv.org/abs/2402.09353) gives each output, in LyCORIS' older
    files each input, of the changed weight a length of its own. ``output_gain`` [outputs] or
    ``input_gain`` [inputs] is the factor that does so, less one.
    """

    delta: Delta
    output_gain: Tensor | None = None
    input_gain: Tensor | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is of low rank, so that rows can be stacked; DoRA's factor is in it then."""
        return isinstance(self.delta, LowRank)

    def apply(self, inputs: Tensor, options: dict[str, Any]) -> Tensor:
        """Return what is added to a layer's output, without `output_gain` of what was there."""
        if isinstance(self.delta, LowRank):
            return self.delta.apply(inputs, options)
        linear = not options
        if self.input_gain is not None:
            inputs = inputs + inputs * along(self.input_gain, linear=linear)
        outputs = self.delta.apply(inputs, options)
        if self.output_gain is not None:
            outputs = outputs + outputs * along(self.output_gain, linear=linear)
        return outputs

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        gains = [gain for gain in (self.output_gain, self.input_gain) if gain is not None]
        return sum(tensor.nbytes for tensor in (*self.delta.tensors, *gains))


def along(gain: Tensor, *, linear: bool) -> Tensor:
    """Return a gain [..., channels] as it is multiplied with a layer's input or output."""
    return gain if linear else gain[..., None, None]


def dora_change(delta: Delta, base: Tensor, lengths: Tensor, *, of_inputs: bool) -> Change:
    """Return what DoRA with these ``lengths`` changes in a layer with the weight ``base``.

    Numbers are fp32.
    """
    changed = base.float() + delta.dense()
    axes = [axis for axis in range(changed.ndim) if axis != (1 if of_inputs else 0)]
    norms = changed.pow(2).sum(axes).sqrt()
    factor = lengths.flatten().float() / norms.clamp_min(torch.finfo(torch.float32).tiny)
    if isinstance(delta, LowRank):
        if of_inputs:
            shape = (1, -1, *[1] * (delta.down.ndim - 2))
            delta = LowRank(delta.down * factor.view(shape), delta.up)
        else:
            delta = LowRank(delta.down, delta.up * factor[:, None])
    return Change(delta, **{"input_gain" if of_inputs else "output_gain": factor - 1})

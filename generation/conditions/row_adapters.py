"""One forward of many rows, each with adapters of its own.

Nothing is ever merged into a checkpoint's weights: what the adapters add is computed beside them.
The LoRAs of all rows are stacked, so that a layer takes two batched products for all of them,
whoever shares the forward. For rows without adapters nothing is computed, and a forward without
any is the model's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from generation.conditions.adapter_file import Layer, LoadedAdapter, layers_of
from generation.conditions.adapter_keys import Part
from generation.conditions.deltas import Change, LowRank, along
from generation.prompt_adapters import AdapterUse

Adapters = Sequence[tuple[LoadedAdapter, AdapterUse]]  # of a request
Changes = list[tuple[Change, float]]
Gains = tuple[Tensor | None, Tensor]  # the rows [n], None for all, and [n, channels]

# Rows whose LoRAs together have a higher rank in a layer are computed one by one, so that others'
# need not be padded to it.
STACKED_RANK = 128
# Ranks are padded to a multiple of this. With fixed shapes, products have exactly this rank, and
# as many of them are added as the widest row has: their bits depend on no other row.
RANK_STEP = 16
FIXED_RANK = 32


@dataclass(frozen=True, slots=True)
class AdapterSet:
    """A row's adapters of one model, with their weights."""

    part: Part
    adapters: tuple[tuple[LoadedAdapter, float], ...]

    def __bool__(self) -> bool:
        return bool(self.adapters)

    @property
    def layers(self) -> Iterator[str]:
        """The layers that are changed, some more than once."""
        return (layer for loaded, _ in self.adapters for layer in loaded.changes[self.part])

    def of(self, layer: str) -> Changes:
        """Return the changes of a layer, with their weights."""
        tables = ((loaded.changes[self.part], weight) for loaded, weight in self.adapters)
        return [(table[layer], weight) for table, weight in tables if layer in table]

    @property
    def key(self) -> tuple[tuple[object, float], ...]:
        """What is the same for the same adapters and weights, and keeps none in memory."""
        return tuple((loaded.token, weight) for loaded, weight in self.adapters)


NO_ADAPTERS = AdapterSet(Part.DENOISER, ())


def adapter_set(adapters: Adapters, part: Part) -> AdapterSet:
    """Return what a request's adapters change in one model of a checkpoint."""
    weighted = (
        (loaded, use.weight if part is Part.DENOISER else use.text_weight)
        for loaded, use in adapters
        if part in loaded.changes
    )
    return AdapterSet(part, tuple((loaded, weight) for loaded, weight in weighted if weight))


class RowAdapters:
    """Runs a model's forwards with a set of adapters for each row."""

    def __init__(self, model: nn.Module) -> None:
        self._layers = layers_of(model)
        self._fixed = False
        self._rows: tuple[AdapterSet, ...] = ()
        self._plans: dict[str, LayerPlan] = {}  # of these rows

    @contextmanager
    def applied(self, rows: Sequence[AdapterSet], *, fixed: bool = False) -> Iterator[None]:
        """Within this, the model's forwards have these rows, with these adapters.

        A single set is for all rows, however many they are. With ``fixed``, forwards always have
        the same number of rows, and what a row's adapters add depends on the other rows' in no bit.
        """
        if not any(rows):
            yield
            return
        self.prepare(rows, fixed=fixed)
        handles = []
        try:
            for name, plan in self._plans.items():
                layer = self._layers[name]
                if plan.input_gains is not None:
                    handles.append(layer.register_forward_pre_hook(plan.before))
                handles.append(layer.register_forward_hook(plan.after))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def forget(self) -> None:
        """Release the memory of the last rows' stacks."""
        self._rows, self._plans = (), {}

    def prepare(self, rows: Sequence[AdapterSet], *, fixed: bool = False) -> None:
        """Stack the rows' adapters, unless they are those of the last forward with any."""
        rows = tuple(rows)
        if rows == self._rows and fixed == self._fixed:
            return
        self.forget()
        layers = dict.fromkeys(layer for one in dict.fromkeys(rows) for layer in one.layers)
        self._plans = {
            name: _plan_layer(self._layers[name], [row.of(name) for row in rows], fixed=fixed)
            for name in layers
        }
        self._rows, self._fixed = rows, fixed


@dataclass(slots=True, eq=False)
class LayerPlan:
    """What is added in one layer: to which rows, and how.

    ``stacked`` are the rows [n] that ``down`` [n, rank, inputs, *kernel] and ``up``
    [n, outputs, rank] are for, None for all rows; with n = 1 the only matrices are for all of them.
    ``single`` are other changes, with the rows that have them. Gains are [n, channels], for the
    rows beside them.
    """

    options: dict[str, Any]  # of a convolution
    bias: Tensor | None
    step: int  # of the rank; 0 takes it whole
    stacked: Tensor | None = None
    down: Tensor | None = None
    up: Tensor | None = None
    single: list[tuple[Tensor | slice, Change, float]] = field(default_factory=list)
    output_gains: Gains | None = None
    input_gains: Gains | None = None
    inputs: Tensor | None = None

    def before(self, _layer: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Multiply the inputs of the layer itself."""
        assert self.input_gains is not None  # noqa: S101 - or it would not be registered
        self.inputs = args[0]
        return (self._gained(args[0], self.input_gains, None), *args[1:])

    def after(self, _layer: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        """Add to the layer's output what the rows' adapters make of its input."""
        inputs = args[0] if self.inputs is None else self.inputs
        self.inputs = None
        if self.output_gains is not None:
            output = self._gained(output, self.output_gains, self.bias)
        if self.down is not None:
            output = self._add_stacked(inputs, output)
        for rows, change, weight in self.single:
            added = change.apply(inputs[rows], self.options)
            if isinstance(rows, slice):
                output[rows].add_(added, alpha=weight)
            else:
                output.index_add_(0, rows, added, alpha=weight)
        return output

    def _add_stacked(self, inputs: Tensor, output: Tensor) -> Tensor:
        assert self.down is not None  # noqa: S101
        assert self.up is not None  # noqa: S101
        chosen = inputs if self.stacked is None else inputs.index_select(0, self.stacked)
        if len(self.down) == 1:
            return self._add_shared(chosen, LowRank(self.down[0], self.up[0]), output)
        step = self.step or self.down.shape[1]
        for down, up in zip(self.down.split(step, 1), self.up.split(step, 2), strict=True):
            if self.options:
                output = _add(output, self.stacked, _convolve(chosen, down, up, self.options))
            else:
                output = self._add_products(chosen, down, up, output)
        return output

    def _add_shared(self, chosen: Tensor, delta: LowRank, output: Tensor) -> Tensor:
        if self.stacked is None and not self.options and output.is_contiguous():
            narrow = functional.linear(chosen, delta.down).flatten(0, -2)
            output.view(-1, output.shape[-1]).addmm_(narrow, delta.up.T)
            return output
        return _add(output, self.stacked, delta.apply(chosen, self.options))

    def _add_products(self, chosen: Tensor, down: Tensor, up: Tensor, output: Tensor) -> Tensor:
        tokens = chosen.unsqueeze(1) if chosen.ndim == 2 else chosen.flatten(1, -2)
        narrow = torch.bmm(tokens, down.mT)
        if self.stacked is None and output.is_contiguous():
            whole = output.view(len(output), -1, output.shape[-1])
            whole.baddbmm_(narrow, up.mT)
            return output
        added = torch.bmm(narrow, up.mT).view(*chosen.shape[:-1], -1)
        return _add(output, self.stacked, added)

    def _along(self, channels: Tensor, like: Tensor) -> Tensor:
        """Return [channels] or [rows, channels] as it is multiplied with a layer's values."""
        if self.options:
            return along(channels, linear=False)
        if channels.ndim == 1 or like.ndim == 2:
            return channels
        return channels.view(len(channels), *[1] * (like.ndim - 2), -1)

    def _gained(self, values: Tensor, gains: Gains, bias: Tensor | None) -> Tensor:
        """Return values plus the gains of what is not bias, in the rows that have gains."""
        rows, factors = gains
        chosen = values if rows is None else values.index_select(0, rows)
        if bias is not None:
            chosen = chosen - self._along(bias.to(chosen.dtype), chosen)
        added = chosen * self._along(factors, chosen)
        return values + added if rows is None else values.index_add(0, rows, added)


def _add(output: Tensor, rows: Tensor | None, added: Tensor) -> Tensor:
    return output.add_(added) if rows is None else output.index_add_(0, rows, added)


def _convolve(inputs: Tensor, down: Tensor, up: Tensor, options: dict[str, Any]) -> Tensor:
    """Return each row's own convolution: down [n, rank, inputs, *kernel], up [n, outputs, rank]."""
    rows, rank = down.shape[:2]
    together = inputs.reshape(1, -1, *inputs.shape[2:])
    narrow = functional.conv2d(together, down.flatten(0, 1), **options, groups=rows)
    height, width = narrow.shape[2:]
    added = torch.bmm(up, narrow.view(rows, rank, height * width))
    return added.view(rows, -1, height, width)


def _plan_layer(layer: Layer, rows: Sequence[Changes], *, fixed: bool) -> LayerPlan:
    options: dict[str, Any] = {}
    if isinstance(layer, nn.Conv2d):
        options = {
            "stride": layer.stride,
            "padding": layer.padding,
            "dilation": layer.dilation,
        }
    plan = LayerPlan(options, layer.bias, FIXED_RANK if fixed else 0)
    stacked: dict[int, Changes] = {}
    for number, changes in enumerate(rows):
        low = [(change, weight) for change, weight in changes if change.is_plain]
        if low and sum(_rank(change) for change, _ in low) <= STACKED_RANK:
            stacked[number] = low
    _stack(plan, layer, stacked, len(rows), fixed=fixed)
    _singles(plan, layer, rows, stacked, fixed=fixed)
    plan.output_gains = _gains(rows, "output_gain")
    plan.input_gains = _gains(rows, "input_gain")
    return plan


def _rank(change: Change) -> int:
    assert isinstance(change.delta, LowRank)  # noqa: S101
    return change.delta.rank


def _stack(
    plan: LayerPlan, layer: Layer, stacked: Mapping[int, Changes], count: int, *, fixed: bool
) -> None:
    """Put the factors of the stacked rows one after another, padded to the same rank."""
    if not stacked:
        return
    some = next(iter(stacked.values()))
    same = not fixed and all(
        [(id(change), weight) for change, weight in changes]
        == [(id(change), weight) for change, weight in some]
        for changes in stacked.values()
    )
    numbers = range(count) if fixed else sorted(stacked)
    if len(numbers) < count:
        plan.stacked = torch.tensor(numbers, device=layer.weight.device)
    first = some[0][0].delta
    assert isinstance(first, LowRank)  # noqa: S101
    step = FIXED_RANK if fixed else RANK_STEP
    widest = max(sum(_rank(change) for change, _ in changes) for changes in stacked.values())
    padded = sum(_rank(change) for change, _ in some) if same else -(-widest // step) * step
    shape = (1 if same else len(numbers), padded)
    plan.down = first.down.new_zeros((*shape, *first.down.shape[1:]))
    plan.up = first.up.new_zeros((shape[0], first.outputs, padded))
    for place, number in enumerate(numbers[: shape[0]]):
        begin = 0
        for change, weight in stacked.get(number, ()):
            delta = change.delta
            assert isinstance(delta, LowRank)  # noqa: S101
            end = begin + delta.rank
            plan.down[place, begin:end] = delta.down
            torch.mul(delta.up, weight, out=plan.up[place, :, begin:end])
            begin = end


def _singles(
    plan: LayerPlan,
    layer: Layer,
    rows: Sequence[Changes],
    stacked: Mapping[int, Changes],
    *,
    fixed: bool,
) -> None:
    """Collect what is not stacked; rows with the same change are computed together."""
    together: dict[tuple[int, float], tuple[Change, list[int]]] = {}
    for number, changes in enumerate(rows):
        for change, weight in changes:
            if change.is_plain and number in stacked:
                continue
            if fixed:
                plan.single.append((slice(number, number + 1), change, weight))
            else:
                together.setdefault((id(change), weight), (change, []))[1].append(number)
    for (_, weight), (change, numbers) in together.items():
        index: Tensor | slice = torch.tensor(numbers, device=layer.weight.device)
        if len(numbers) == len(rows):
            index = slice(None)
        elif numbers == list(range(numbers[0], numbers[-1] + 1)):
            index = slice(numbers[0], numbers[-1] + 1)
        plan.single.append((index, change, weight))


def _gains(rows: Sequence[Changes], which: str) -> Gains | None:
    """Return the rows with gains [n] and the gains [n, channels], or None."""
    sums: dict[int, Tensor] = {}
    for number, changes in enumerate(rows):
        for change, weight in changes:
            gain = getattr(change, which)
            if gain is not None:
                sums[number] = sums.get(number, 0) + gain * weight
    if not sums:
        return None
    gains = torch.stack(list(sums.values()))
    return None if len(rows) == 1 else torch.tensor(list(sums), device=gains.device), gains

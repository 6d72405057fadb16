"""One forward of many rows, each with adapters of its own.

Nothing is ever merged into a checkpoint's weights: what the adapters add is computed beside them.
The LoRAs of all rows are stacked, so that a layer takes two batched products for all of them,
whoever shares the forward. For rows without adapters nothing is computed, and a forward without
any is the model's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from generation.conditions.adapters.adapter_file import Layer, LoadedAdapter, layers_of
from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.deltas import Change, LowRank, along
from generation.conditions.tiling import surrounded, tiled_rows
from generation.prompts.adapters import AdapterUse

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
        layers = dict.fromkeys(layer for one in dict.fromkeys(rows) for layer in one.layers)
        before = self._plans
        self.forget()
        for name in layers:
            changes = [row.of(name) for row in rows]
            self._plans[name] = _plan_layer(
                self._layers[name], changes, before.pop(name, None), fixed=fixed
            )
        self._rows, self._fixed = rows, fixed


@dataclass(slots=True, eq=False)
class LayerPlan:
    """What is added in one layer: to which rows, and how.

    ``down`` [n, rank, inputs, *kernel] and ``up`` [n, outputs, rank] are what ``stacked`` rows
    have, and ``runs`` are rows beside each other with their places there; a run of several rows
    with one place shares it. ``single`` are other changes, with the rows that have them. Gains are
    [n, channels], for the rows beside them.
    """

    options: dict[str, Any]  # of a convolution
    bias: Tensor | None
    step: int  # of the rank; 0 takes it whole
    stacked: Sequence[Changes] = ()
    runs: Sequence[tuple[slice, slice]] = ()
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

    def after(self, layer: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        """Add to the layer's output what the rows' adapters make of its input."""
        inputs = args[0] if self.inputs is None else self.inputs
        self.inputs = None
        if self.output_gains is not None:
            output = self._gained(output, self.output_gains, self.bias)
        tiled = tiled_rows(layer)
        if tiled is None or not isinstance(layer, nn.Conv2d):
            return self.add(inputs, output)
        plain = self.add(inputs, output.clone())
        around = replace(self, options={**self.options, "padding": 0})
        wrapped = around.add(surrounded(layer, inputs), output)
        return torch.where(tiled.to(output.device)[:, None, None, None], wrapped, plain)

    def add(self, inputs: Tensor, output: Tensor) -> Tensor:
        """Add to an output, in its memory where that is possible, and return it."""
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
        if not self.options:
            output = output.contiguous()
        for rows, places in self.runs:
            down, up = self.down[places], self.up[places]
            if len(down) == 1:
                self._add_shared(inputs[rows], LowRank(down[0], up[0]), output[rows])
                continue
            step = self.step or down.shape[1]
            for narrow, wide in zip(down.split(step, 1), up.split(step, 2), strict=True):
                if self.options:
                    output[rows].add_(_convolve(inputs[rows], narrow, wide, self.options))
                else:
                    _add_products(inputs[rows], narrow, wide, output[rows])
        return output

    def _add_shared(self, inputs: Tensor, delta: LowRank, output: Tensor) -> None:
        if self.options:
            output.add_(delta.apply(inputs, self.options))
        else:
            narrow = functional.linear(inputs, delta.down).flatten(0, -2)
            output.view(-1, output.shape[-1]).addmm_(narrow, delta.up.T)

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


def _add_products(inputs: Tensor, down: Tensor, up: Tensor, output: Tensor) -> None:
    """Add each row's own product: down [n, rank, inputs], up [n, outputs, rank]."""
    tokens = inputs.unsqueeze(1) if inputs.ndim == 2 else inputs.flatten(1, -2)
    whole = output.view(len(output), -1, output.shape[-1])
    whole.baddbmm_(torch.bmm(tokens, down.mT), up.mT)


def _convolve(inputs: Tensor, down: Tensor, up: Tensor, options: dict[str, Any]) -> Tensor:
    """Return each row's own convolution: down [n, rank, inputs, *kernel], up [n, outputs, rank]."""
    rows, rank = down.shape[:2]
    together = inputs.reshape(1, -1, *inputs.shape[2:])
    narrow = functional.conv2d(together, down.flatten(0, 1), **options, groups=rows)
    height, width = narrow.shape[2:]
    added = torch.bmm(up, narrow.view(rows, rank, height * width))
    return added.view(rows, -1, height, width)


def _plan_layer(
    layer: Layer, rows: Sequence[Changes], before: LayerPlan | None, *, fixed: bool
) -> LayerPlan:
    """Plan a layer for rows; ``before`` is what it last did, whose memory is taken over."""
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
    _stack(plan, stacked, len(rows), before, fixed=fixed)
    _singles(plan, layer, rows, stacked, fixed=fixed)
    plan.output_gains = _gains(rows, "output_gain")
    plan.input_gains = _gains(rows, "input_gain")
    return plan


def _rank(change: Change) -> int:
    assert isinstance(change.delta, LowRank)  # noqa: S101
    return change.delta.rank


def _stack(
    plan: LayerPlan,
    stacked: Mapping[int, Changes],
    count: int,
    before: LayerPlan | None,
    *,
    fixed: bool,
) -> None:
    """Put the factors of the stacked rows one after another, padded to the same rank."""
    if not stacked:
        return
    first, *others = stacked.values()
    same = not fixed and all(one == first for one in others)
    numbers = list(range(count)) if fixed else sorted(stacked)
    plan.stacked = [first] if same else [stacked.get(number, []) for number in numbers]
    plan.runs = _runs(numbers, shared=same)
    if count == 1:
        plan.runs = [(slice(None), slice(0, 1))]
    step = FIXED_RANK if fixed else RANK_STEP
    rank = max(sum(_rank(change) for change, _ in changes) for changes in plan.stacked)
    rank = rank if same else -(-rank // step) * step
    delta = first[0][0].delta
    assert isinstance(delta, LowRank)  # noqa: S101
    shapes = (
        (len(plan.stacked), rank, *delta.down.shape[1:]),
        (len(plan.stacked), delta.outputs, rank),
    )
    kept: Sequence[Changes] = [[]] * len(plan.stacked)
    if before is not None and before.down is not None and before.down.shape == shapes[0]:
        plan.down, plan.up, kept = before.down, before.up, before.stacked
    else:
        plan.down, plan.up = (delta.down.new_zeros(shape) for shape in shapes)
    for place, (changes, old) in enumerate(zip(plan.stacked, kept, strict=True)):
        if changes != old:
            _fill(plan, place, changes, sum(_rank(change) for change, _ in old))


def _fill(plan: LayerPlan, place: int, changes: Changes, used: int) -> None:
    """Put a row's factors in its place, where the last one's had the rank ``used``."""
    assert plan.down is not None  # noqa: S101
    assert plan.up is not None  # noqa: S101
    begin = 0
    for change, weight in changes:
        delta = change.delta
        assert isinstance(delta, LowRank)  # noqa: S101
        end = begin + delta.rank
        plan.down[place, begin:end] = delta.down
        torch.mul(delta.up, weight, out=plan.up[place, :, begin:end])
        begin = end
    if begin < used:
        plan.down[place, begin:used] = 0
        plan.up[place, :, begin:used] = 0


def _runs(numbers: Sequence[int], *, shared: bool) -> list[tuple[slice, slice]]:
    """Return ascending numbers as runs of neighbours, each with its places among the numbers."""
    runs: list[tuple[slice, slice]] = []
    begin = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            rows = slice(numbers[begin], numbers[place - 1] + 1)
            runs.append((rows, slice(0, 1) if shared else slice(begin, place)))
            begin = place
    return runs


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
        index: Tensor | slice
        if len(numbers) == len(rows):
            index = slice(None)
        elif numbers == list(range(numbers[0], numbers[-1] + 1)):
            index = slice(numbers[0], numbers[-1] + 1)
        else:
            index = torch.tensor(numbers, device=layer.weight.device)
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

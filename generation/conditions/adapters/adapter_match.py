"""Which of an adapter's tensors fit which layers, by names and shapes alone. Imports no torch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from generation.conditions.adapters.adapter_keys import Part, Place, group_keys
from generation.conditions.adapters.layer_names import Target, targets
from generation.loading.safetensors_file import Tensor

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
FLOATS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")


@dataclass(frozen=True, slots=True)
class LayerShape:
    """A linear layer's or a convolution's weight: [outputs, inputs, *kernel]."""

    outputs: int
    inputs: int
    kernel: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """An adapter's layer: the layers that it changes, and its tensors' names by factor."""

    place: Place
    target: Target
    shape: LayerShape  # of all of the target's layers
    factors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Matches:
    """What of a file can be used, and the names of the tensors that cannot, in the file's order."""

    used: tuple[Match, ...]
    unused: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether it was made for these models: most of it can be used."""
        used = sum(len(match.factors) for match in self.used)
        return used > len(self.unused)


def match(
    tensors: Mapping[str, Tensor], models: Mapping[Part, Mapping[str, LayerShape]]
) -> Matches:
    """Return which of a file's tensors can change which layers of the models."""
    groups, unknown = group_keys(tensors)
    names = {part: targets(layers) for part, layers in models.items()}
    used, unused = [], set(unknown)
    taken: set[tuple[Part, str]] = set()
    for place, factors in groups.items():
        target = names.get(place.part, {}).get(place.path)
        shape = None if target is None else _whole(target, models[place.part])
        shapes = {factor: tensors[key].shape for factor, key in factors.items()}
        if (
            target is None
            or shape is None
            or any(tensors[key].dtype not in FLOATS for key in factors.values())
            or not fit(shapes, shape)
            # Two programs' names of the same layer in one file: only one of them can be meant.
            or not taken.isdisjoint(changed := {(place.part, layer) for layer in target.layers})
        ):
            unused |= set(factors.values())
        else:
            taken |= changed
            used.append(Match(place, target, shape, factors))
    return Matches(tuple(used), tuple(key for key in tensors if key in unused))


def _whole(target: Target, layers: Mapping[str, LayerShape]) -> LayerShape | None:
    """Return the shape of the target's layers one below the other, if they have the same input."""
    parts = [layers[layer] for layer in target.layers]
    if len({(part.inputs, part.kernel) for part in parts}) > 1:
        return None
    return LayerShape(sum(part.outputs for part in parts), parts[0].inputs, parts[0].kernel)


def fit(shapes: Mapping[str, Shape], layer: LayerShape) -> bool:
    """Whether an adapter's factors are one of the known kinds, complete, and of this layer."""
    more = dict(shapes)
    if math.prod(more.pop("alpha", ())) != 1:
        return False
    if (dora := more.pop("dora_scale", None)) is not None and math.prod(dora) not in (
        layer.outputs,
        layer.inputs,
    ):
        return False
    return any(fits(more, layer) for fits in _KINDS)


def _low_rank(shapes: Shapes, layer: LayerShape) -> bool:
    if shapes.keys() - {"mid"} != {"down", "up"}:
        return False
    down, up, mid = shapes["down"], shapes["up"], shapes.get("mid")
    if len(down) < 2 or len(up) < 2:
        return False
    if mid is None:
        return _is(down, up[1], layer.inputs, *layer.kernel) and _is(up, layer.outputs, down[0])
    return (
        mid == (up[1], down[0], *layer.kernel)
        and _is(down, down[0], layer.inputs)
        and _is(up, layer.outputs, up[1])
    )


def _hadamard(shapes: Shapes, layer: LayerShape) -> bool:
    needed = {f"hada_w{one}_{side}" for one in (1, 2) for side in "ab"}
    cores = {"hada_t1", "hada_t2"}
    if shapes.keys() - cores != needed or shapes.keys() & cores not in (set(), cores):
        return False
    return all(
        _product(
            shapes[f"hada_w{one}_a"], shapes[f"hada_w{one}_b"], shapes.get(f"hada_t{one}"), layer
        )
        for one in (1, 2)
    )


def _kronecker(shapes: Shapes, layer: LayerShape) -> bool:
    first = _kronecker_side(shapes, 1, ())
    second = _kronecker_side(shapes, 2, layer.kernel)
    names = {"lokr_t2"}
    for one in (1, 2):
        whole, pair = {f"lokr_w{one}"}, {f"lokr_w{one}_a", f"lokr_w{one}_b"}
        names |= whole if whole <= shapes.keys() else pair
    if first is None or second is None or shapes.keys() - names:
        return False
    return (first.outputs * second.outputs, first.inputs * second.inputs) == (
        layer.outputs,
        layer.inputs,
    )


def _kronecker_side(shapes: Shapes, number: int, kernel: tuple[int, ...]) -> LayerShape | None:
    """Return the shape of one of the two factors, None if it is not whole."""
    whole = shapes.get(f"lokr_w{number}")
    core = shapes.get("lokr_t2") if number == 2 else None
    if whole is not None:
        good = len(whole) >= 2 and core is None and _is(whole, whole[0], whole[1], *kernel)
        return LayerShape(whole[0], whole[1], kernel) if good else None
    left, right = shapes.get(f"lokr_w{number}_a"), shapes.get(f"lokr_w{number}_b")
    if left is None or right is None or len(left) != 2 or len(right) < 2:
        return None
    inputs = right[1] if core is not None else math.prod(right[1:]) // math.prod(kernel)
    side = LayerShape(left[0] if core is None else left[1], inputs, kernel)
    return side if _product(left, right, core, side) else None


def _product(left: Shape, right: Shape, core: Shape | None, layer: LayerShape) -> bool:
    """Whether left · right is a layer's weight or, with a core, its Tucker decomposition."""
    if len(left) != 2 or len(right) < 2:
        return False
    if core is None:
        return _is(left, layer.outputs, right[0]) and _is(
            right, left[1], layer.inputs, *layer.kernel
        )
    return (
        bool(layer.kernel)
        and core == (left[0], right[0], *layer.kernel)
        and left == (left[0], layer.outputs)
        and _is(right, right[0], layer.inputs)
    )


def _is(shape: Shape, first: int, *rest: int) -> bool:
    """Whether a tensor is [first, *rest], whatever the axes after the first are made of."""
    return bool(shape) and shape[0] == first > 0 and math.prod(shape[1:]) == math.prod(rest)


_KINDS: tuple[Callable[[Shapes, LayerShape], bool], ...] = (_low_rank, _hadamard, _kronecker)

"""Loading an adapter's file for a checkpoint."""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from generation.conditions.adapters.adapter_keys import Part, PeftScales, peft_scales
from generation.conditions.adapters.adapter_match import LayerShape, Match, match
from generation.conditions.adapters.deltas import (
    EXPANDED_RANK,
    Change,
    Delta,
    Hadamard,
    Kronecker,
    LowRank,
    dora_change,
)
from generation.errors import AdapterUnavailable
from generation.loading.detect import NAMES, Kind, describe
from generation.loading.key_rules import TITLES
from generation.loading.safetensors_file import open_header
from generation.phrases import Phrase, reason_of

log = logging.getLogger(__name__)

Layer = nn.Linear | nn.Conv2d


@dataclass(frozen=True, slots=True, eq=False)
class LoadedAdapter:
    """An adapter's changes by model and layer, on the device; ``unused`` are its other tensors.

    ``token`` stands for it where it must not be kept in memory.
    """

    changes: Mapping[Part, Mapping[str, Change]]
    unused: tuple[str, ...]
    token: object = field(default_factory=object, repr=False)

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return sum(one.bytes for part in self.changes.values() for one in part.values())


# Z-Image's, whose input is that of all rows in one.
_TOGETHER = ("all_x_embedder.", "cap_embedder.")


def layers_of(model: nn.Module) -> dict[str, Layer]:
    """Return the layers that adapters can change, by name."""
    return {
        name: layer
        for name, layer in model.named_modules()
        if not name.startswith(_TOGETHER)
        and (isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1))
    }


def shapes_of(model: nn.Module) -> dict[str, LayerShape]:
    """Return the shapes of `layers_of`; the model may be on the device "meta"."""
    shapes = {}
    for name, layer in layers_of(model).items():
        outputs, inputs, *kernel = layer.weight.shape
        shapes[name] = LayerShape(outputs, inputs, tuple(kernel))
    return shapes


def load_adapter(
    name: str,
    path: Path,
    models: Mapping[Part, Any],
    device: torch.device,
    *,
    family: str,
    most_bytes: int,
) -> LoadedAdapter:
    """Load a file onto a device for the models of a checkpoint of a family.

    ``most_bytes`` limits the file. Raises AdapterUnavailable if it is damaged, made for another
    family, or no adapter.
    """
    header = open_header(path)
    found = describe(path, header)
    if header.problem is not None:
        raise AdapterUnavailable(name, header.problem)
    if found.kind in NAMES and found.kind is not Kind.LORA:
        raise AdapterUnavailable(
            name, Phrase("adapter-kind", file=path.name, what=NAMES[found.kind])
        )
    matches = match(header.tensors, {part: shapes_of(model) for part, model in models.items()})
    if found.family not in (None, family) or not matches.used:
        _refuse(name, path, found.family, family)
    if found.family is None and not matches.fits:
        _refuse(name, path, None, family)
    size = sum(header.tensors[key].bytes for one in matches.used for key in one.factors.values())
    if size > most_bytes:
        raise AdapterUnavailable(
            name, Phrase("adapter-size", file=path.name, most=most_bytes // 2**20)
        )
    try:
        with safe_open(path, "pt") as opened:
            changes, damaged = _load(
                matches.used, opened.get_tensor, peft_scales(header.metadata), models, device
            )
    except (OSError, SafetensorError) as error:
        why = reason_of(error)
        raise AdapterUnavailable(
            name, Phrase("checkpoint-file", file=path.name, why=why)
        ) from error
    unused = (*matches.unused, *damaged)
    if unused:
        log.info("%s: %d of its tensors are not used, such as %s", name, len(unused), unused[0])
    return LoadedAdapter(changes, unused)


def _refuse(name: str, path: Path, made: str | None, wanted: str) -> None:
    titles = {"made": TITLES.get(made or "", made or ""), "wanted": TITLES.get(wanted, wanted)}
    if made in (None, wanted):
        raise AdapterUnavailable(
            name, Phrase("adapter-does-not-fit", file=path.name, wanted=titles["wanted"])
        )
    raise AdapterUnavailable(name, Phrase("adapter-other-family", file=path.name, **titles))


def _load(
    used: tuple[Match, ...],
    read: Callable[[str], Tensor],
    scales: PeftScales,
    models: Mapping[Part, Any],
    device: torch.device,
) -> tuple[dict[Part, dict[str, Change]], list[str]]:
    """Return the changes, and the tensors that are not finite and cannot be used."""
    layers = {part: layers_of(model) for part, model in models.items()}
    changes: dict[Part, dict[str, Change]] = {part: {} for part in models}
    damaged: list[str] = []
    for one in used:
        here = changes[one.place.part]
        targets = [layers[one.place.part][layer] for layer in one.target.layers]
        factors = {factor: read(key).to(device).float() for factor, key in one.factors.items()}
        if not all(factor.isfinite().all() for factor in factors.values()):
            damaged += one.factors.values()
            continue
        for layer, change in _changes(one, factors, scales, targets):
            dtype = layers[one.place.part][layer].weight.dtype
            if dtype.itemsize == 1:  # as it is stored; it computes in the model's type
                dtype = models[one.place.part].dtype
            here[layer] = _moved(change, device, dtype)
    return {part: table for part, table in changes.items() if table}, damaged


def _moved(change: Change, device: torch.device, dtype: torch.dtype) -> Change:
    gains = (
        None if gain is None else gain.to(device, dtype)
        for gain in (change.output_gain, change.input_gain)
    )
    return Change(change.delta.to(device, dtype), *gains)


def _changes(
    one: Match, factors: dict[str, Tensor], scales: PeftScales, targets: list[Layer]
) -> list[tuple[str, Change]]:
    """Return what is changed in each of an adapter's layers."""
    delta = build_delta(factors, one, scales)
    lengths = factors.get("dora_scale")
    if lengths is not None:
        base = torch.cat([layer.weight.detach().to(lengths.device).float() for layer in targets])
        if one.target.swapped:
            base = base.roll(len(base) // 2, 0)
        # PEFT's lengths are always the outputs'; LyCORIS' say by their shape whose they are.
        of_outputs = "lora_magnitude_vector" in one.factors["dora_scale"]
        of_outputs = of_outputs or lengths.shape[0] == one.shape.outputs
        whole = dora_change(delta, base, lengths, of_inputs=not of_outputs)
    else:
        whole = Change(delta)
    changes, begin = [], 0
    for layer, module in zip(one.target.layers, targets, strict=True):
        part = slice(begin, begin + len(module.weight))
        begin = part.stop
        changes.append((layer, _part(whole, part, swapped=one.target.swapped)))
    return changes


def _part(whole: Change, part: slice, *, swapped: bool) -> Change:
    """Return a change of some outputs."""
    index: slice | Tensor = part
    if swapped:
        order = torch.arange(part.start, part.stop)
        index = order.roll(len(order) // 2)
    elif part.start == 0 and whole.delta.outputs == part.stop:
        return whole
    gain = None if whole.output_gain is None else whole.output_gain[index]
    return Change(whole.delta.rows(index), gain, whole.input_gain)


def build_delta(factors: Mapping[str, Tensor], one: Match, scales: PeftScales) -> Delta:
    """Return what fp32 factors make, scaled by alpha over rank as trainers do."""
    if "down" in factors:
        return _low_rank(factors, one, scales)
    if "hada_w1_a" in factors:
        return _hadamard(factors, one)
    return _kronecker(factors, one)


def _low_rank(factors: Mapping[str, Tensor], one: Match, scales: PeftScales) -> LowRank:
    down, up = factors["down"], factors["up"].flatten(1)
    rank = down.shape[0]
    if "mid" in factors:
        down = torch.einsum("pqkl,qi->pikl", factors["mid"], down.flatten(1))
    if (alpha := factors.get("alpha")) is not None:
        scale = alpha.item() / rank
    else:
        scale = scales.scale(one.place, rank)
    return LowRank(down.reshape(-1, one.shape.inputs, *one.shape.kernel), up * scale)


def _hadamard(factors: Mapping[str, Tensor], one: Match) -> Delta:
    sides = [
        _product(factors, f"hada_w{number}", f"hada_t{number}", one.shape) for number in (1, 2)
    ]
    scale = _scale(factors, factors["hada_w1_b"])
    delta = Hadamard(LowRank(sides[0].down, sides[0].up * scale), sides[1])
    small = sides[0].rank * sides[1].rank <= EXPANDED_RANK
    return delta.expanded() if small else delta


def _kronecker(factors: Mapping[str, Tensor], one: Match) -> Kronecker:
    sides = []
    scale = 1.0  # alpha counts only where a factor has a rank
    for number, kernel in ((1, ()), (2, one.shape.kernel)):
        whole = factors.get(f"lokr_w{number}")
        if whole is None:
            right = factors[f"lokr_w{number}_b"]
            scale = _scale(factors, right)
            core = "lokr_t2" if number == 2 else ""
            outputs = factors[f"lokr_w{number}_a"].shape[1 if core in factors else 0]
            inputs = right[0].numel() // (1 if core in factors else math.prod(kernel))
            shape = LayerShape(outputs, inputs, kernel)
            whole = _product(factors, f"lokr_w{number}", core, shape).dense()
        sides.append(whole.reshape(*whole.shape[:2], *kernel))
    return Kronecker(sides[0] * scale, sides[1])


def _product(
    factors: Mapping[str, Tensor], name: str, core_name: str, shape: LayerShape
) -> LowRank:
    """Return left · right or, with a core, a Tucker decomposition, as one of low rank."""
    left, right = factors[f"{name}_a"], factors[f"{name}_b"]
    core = factors.get(core_name)
    if core is None:
        return LowRank(right.reshape(-1, shape.inputs, *shape.kernel), left)
    # As LyCORIS rebuilds it: the core's first axis goes with the outputs.
    return LowRank(torch.einsum("pq...,qi->pi...", core, right.flatten(1)), left.T.contiguous())


def _scale(factors: Mapping[str, Tensor], right: Tensor) -> float:
    alpha = factors.get("alpha")
    return 1.0 if alpha is None else alpha.item() / right.shape[0]

"""The control nets and IP-Adapters among what lies in the folders. Imports no torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from generation.catalog.controls import UNION_MODES, ControlModel, ReferenceModel, what_controls
from generation.library.naming import shortened, unused
from generation.library.shelf import Item, Shelf
from generation.loading.model_file import Kind, ModelFile
from generation.loading.steering_files import STEERING, steering_problem
from generation.phrases import Phrase

FAMILIES = ("sd1", "sd2", "sdxl")
CONFIG = "config.json"
# What diffusers and transformers call every file; then its folder has the name.
_NAMELESS = ("diffusion_pytorch_model", "model", "pytorch_model", "ip_adapter", "ip-adapter")


def controls_on(shelf: Shelf) -> dict[str, ControlModel]:
    """Return the control nets by name; a net for several purposes is there once for each."""
    found: dict[str, ControlModel] = {}
    for item in _usable(shelf, Kind.CONTROL):
        for model in _controls_of(item, _taken(found)):
            found[model.name] = model
    return found


def references_on(shelf: Shelf) -> dict[str, ReferenceModel]:
    """Return the IP-Adapters by name whose image encoders are there, too."""
    found: dict[str, ReferenceModel] = {}
    for item in _usable(shelf, Kind.IP_ADAPTER):
        if (encoder := _encoder_for(item.file, shelf)) is None:
            continue
        name = unused(_wanted(item), _taken(found))
        found[name] = ReferenceModel(
            name=name,
            path=item.path,
            family=item.file.family or "",
            encoder=encoder,
            config=_config_beside(encoder),
        )
    return found


def steering_notes(shelf: Shelf) -> Iterator[tuple[Item, str]]:
    """Yield what cannot be used, where its owner put it to be, with why not, in a line."""
    for item in shelf.items:
        if item.file.kind not in (Kind.CONTROL, Kind.IP_ADAPTER):
            continue
        if item.candidate.place not in (*STEERING, None):
            continue
        problem = item.problem or steering_problem(item.file, FAMILIES)
        if problem is None and item.file.kind is Kind.IP_ADAPTER:
            problem = _lacks_encoder(item, shelf)
        if problem is not None:
            yield item, problem


def _usable(shelf: Shelf, kind: Kind) -> Iterator[Item]:
    for item in shelf.items:
        sound = item.file.kind is kind and item.problem is None
        if sound and steering_problem(item.file, FAMILIES) is None:
            yield item


def _controls_of(item: Item, taken: set[str]) -> Iterator[ControlModel]:
    file, config = item.file, _config_beside(item.path)
    name = unused(_wanted(item), taken)
    if file.algorithm != "union":
        yield ControlModel(
            name=name,
            path=item.path,
            family=file.family or "",
            controls=what_controls(name) or what_controls(item.path.stem),
            config=config,
        )
        return
    modes = next(iter(file.sizes), 0)
    for mode, controls in enumerate(UNION_MODES[:modes]):
        yield ControlModel(
            name=shortened(name, f" ({controls})"),
            path=item.path,
            family=file.family or "",
            controls=controls,
            config=config,
            mode=mode,
            modes=modes,
        )


def _encoder_for(file: ModelFile, shelf: Shelf) -> Path | None:
    """Return an encoder whose embeddings are as wide as an IP-Adapter takes them; nearest first."""
    fitting = [
        one.path
        for one in shelf.items
        if one.file.kind is Kind.IMAGE_ENCODER and one.problem is None and _fits(file, one.file)
    ]
    return min(fitting, key=lambda path: (-_shared(path, file.path), str(path)), default=None)


def _fits(file: ModelFile, encoder: ModelFile) -> bool:
    place = 0 if file.algorithm == "base" else 1
    return encoder.sizes[place : place + 1] == file.sizes


def _shared(one: Path, other: Path) -> int:
    """Return how many folders two files have in common, from the root."""
    same = 0
    for left, right in zip(one.parts, other.parts, strict=False):
        if left != right:
            break
        same += 1
    return same


def _lacks_encoder(item: Item, shelf: Shelf) -> Phrase | None:
    if _encoder_for(item.file, shelf) is not None:
        return None
    width = next(iter(item.file.sizes), 0)
    return Phrase("reference-encoder", file=item.path.name, width=width)


def _config_beside(path: Path) -> Path | None:
    config = path.with_name(CONFIG)
    return config if config.is_file() else None


def _wanted(item: Item) -> Sequence[str]:
    """Return the names that it could have: its own, or that of the folder that has one."""
    stem = item.path.stem.split(".fp16")[0]
    if stem.lower() not in _NAMELESS:
        return [item.name]
    return [item.path.parent.name, item.name]


def _taken(found: dict[str, ControlModel] | dict[str, ReferenceModel]) -> set[str]:
    return {name.casefold() for name in found}

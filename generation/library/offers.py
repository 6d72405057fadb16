"""From what lies in the folders to the catalog that people choose from. Imports no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from generation.architectures import ARCHITECTURES
from generation.catalog import Checkpoint, Offers, read_offers, settings_of
from generation.catalog.adapter_tables import adapter_with
from generation.catalog.adapters import TITLE_LENGTH, Adapter, adapters_of
from generation.catalog.defaults import DRAWN, settings_in
from generation.errors import CatalogInvalid, CheckpointUnavailable, InvalidRequest
from generation.library.diffusers_folder import inspect_folder
from generation.library.footprint import Footprint, memory_needed
from generation.library.layout import SETTINGS
from generation.library.shelf import SHELF, Item, Library, Shelf
from generation.library.steering import controls_on, references_on, steering_notes
from generation.loading.detect import PICKLES, Kind, ModelFile, checkpoint_problem, inspect_file
from generation.loading.key_rules import TITLES
from generation.loading.layouts.composition import companions, lacks
from generation.phrases import Phrase

# Files of other kinds are said to be in the wrong place in the folders for these only.
_FOR_CHECKPOINTS = (Kind.CHECKPOINT, Kind.DIFFUSION_MODEL)


class Looker:
    """Looks at folders and reads the owner's catalog ``file``, again and again.

    What the files' headers say is kept in ``folder``. Calling it blocks, and raises CatalogInvalid,
    or CheckpointUnavailable where there are no folders.
    """

    def __init__(
        self, folders: Sequence[Path], folder: Path, file: Path | None, default: str | None
    ) -> None:
        self._library = Library(folders, folder / SHELF)
        self._file, self._default = file, default

    def __call__(self) -> Offers:
        """Return the catalog as it is now."""
        return offers(
            self._library.look(), self._file, self._default, strict=not self._library.exists
        )

    def close(self) -> None:
        """End a look in another thread, which raises LookEnded there."""
        self._library.close()


def offers(shelf: Shelf, file: Path | None, default: str | None, *, strict: bool) -> Offers:
    """Return the catalog, and a line for each file that somebody may miss in it."""
    found: dict[str, Checkpoint] = {}
    notes = [f"{one.path}: {one.why}" for one in shelf.unread]
    for item in shelf.items:
        made = checkpoint_of(item, shelf)
        if isinstance(made, Checkpoint):
            found[made.name] = made
        elif made is not None:
            notes.append(line_about(item, made))
    adapters = adapters_on(shelf, Kind.LORA, notes)
    embeddings = adapters_on(shelf, Kind.EMBEDDING, notes)
    notes += [line_about(item, why) for item, why in steering_notes(shelf)]
    owner = read_offers(file, default, None if strict else found, adapters, embeddings)
    owner.catalog.controls, owner.catalog.references = controls_on(shelf), references_on(shelf)
    owner.catalog.captioners = folders_on(shelf, Kind.CAPTIONER, notes)
    owner.catalog.segmenters = folders_on(shelf, Kind.SEGMENTER, notes)
    return Offers(owner.catalog, (*notes, *owner.notes))


def folders_on(shelf: Shelf, kind: Kind, notes: list[str]) -> tuple[Path, ...]:
    """Return the folders of captioners or segmenters, in order.

    Adds a line to ``notes`` for each that cannot be used.
    """
    found = []
    for item in shelf.items:
        if item.file.kind is kind:
            if item.problem is None:
                found.append(item.path.parent)
            elif not is_missed(item):  # which is said already
                notes.append(line_about(item, item.problem))
    return tuple(found)


def adapters_on(shelf: Shelf, kind: Kind, notes: list[str]) -> dict[str, Adapter]:
    """Return the shelf's LoRAs, or its embeddings, by name, with what lies beside them.

    Adds a line to ``notes`` for each that cannot be read, or that its owner's settings keep from
    being offered.
    """
    for item in shelf.items:
        if item.candidate.place is kind and not _is_of(item, kind):
            problem = problem_of(item) if item.file.kind in (kind, Kind.UNKNOWN) else None
            notes += [line_about(item, problem)] if problem is not None else []
    items = {item.path: item for item in shelf.items if _is_of(item, kind)}
    found = adapters_of([item.file for item in items.values()], kind)
    offered = {}
    for name, adapter in found.items():
        try:
            offered[name] = _with_sidecar(adapter, items[adapter.path])
        except CatalogInvalid as error:
            notes.append(f"{error.path.name}: {error.reason}")
    return offered


def _is_of(item: Item, kind: Kind) -> bool:
    if kind is Kind.EMBEDDING and item.candidate.place is kind:
        # A pickled one is among them, so that a prompt that names it is told how to convert it.
        return item.file.kind is kind or item.path.suffix.lower() in PICKLES
    return item.problem is None and item.file.kind is kind


def _with_sidecar(adapter: Adapter, item: Item) -> Adapter:
    """Return an adapter with what lies beside it: the owner's words, else other programs'."""
    beside, told = item.sidecar, item.sidecar.told
    more: dict[str, Any] = {
        "title": (beside.title or adapter.title)[:TITLE_LENGTH],
        "triggers": told.triggers or adapter.triggers,
        "weight": adapter.weight if told.weight is None else told.weight,
        "age_restricted": told.for_adults,
        "sha256": told.sha256,
        "picture": beside.picture,
    }
    place = item.path.with_name(item.candidate.beside.get(SETTINGS, item.path.name))
    return adapter_with(replace(adapter, **more), place, item.name, beside.settings)


def checkpoint_of(item: Item, shelf: Shelf) -> Checkpoint | str | None:
    """Return what can be drawn with; a line that says why not; None where nobody expects it to.

    What the file lacks, such as its VAE, is taken from the others on the shelf.
    """
    if (problem := problem_of(item)) is not None:
        return problem if is_missed(item) else None
    beside, settings = item.sidecar, settings_in(item.file)
    if not item.candidate.is_folder:
        parts = companions(item.file, [one.file for one in shelf.items if one.problem is None])
        lost = lacks(item.file, parts)
        if lost is not None and "parts" not in beside.settings:
            return lost
        settings["parts"] = tuple(parts.values())
    used = [item.candidate]
    used += [one.candidate for one in shelf.items if one.path in settings.get("parts", ())]
    place = item.path.with_name(item.candidate.beside.get(SETTINGS, item.path.name))
    try:
        settings |= settings_of(place, item.name, beside.settings)
        return Checkpoint(
            name=item.name,
            source=item.path,
            picture=beside.picture,
            changed=(sum(one.size for one in used), max(one.changed for one in used)),
            **settings,
        )
    except (CatalogInvalid, CheckpointUnavailable) as error:
        return f"{place.name}: {error.reason}"
    except InvalidRequest as error:
        return f"{place.name}: {error}"


def problem_of(item: Item) -> str | None:
    """Return why there is no drawing with it, in a line; None if there is."""
    return item.problem or checkpoint_problem(item.file, DRAWN)


def why_not(file: ModelFile) -> str | None:
    """Return why there is no drawing with a file that could be a checkpoint; else None."""
    if file.kind in (*_FOR_CHECKPOINTS, Kind.UNKNOWN):
        return checkpoint_problem(file, DRAWN)
    return None


def family_title(file: ModelFile) -> str:
    """Return the name of a file's family as people know it; "" if it is not known."""
    if file.family in DRAWN:
        return ARCHITECTURES[settings_in(file)["family"]].title
    return TITLES.get(file.family or "", file.family or "")


def memory_of(checkpoint: Checkpoint, shelf: Shelf, *, half: bool) -> Footprint | None:
    """Return what drawing with a checkpoint takes; None of one that is not on this machine.

    With ``half`` it is computed in fp16 or bf16, as on a GPU, else in fp32.
    """
    known = {item.path: item.file for item in shelf.items}
    paths = [checkpoint.source, *checkpoint.parts]
    files = [known.get(path) or _inspected(path) for path in paths if isinstance(path, Path)]
    if len(files) < len(paths) or files[0].family is None:
        return None
    return memory_needed(files[0], files[1:], half=half, side=checkpoint.size)


def _inspected(path: Path) -> ModelFile:
    return inspect_folder(path) if path.is_dir() else inspect_file(path)


def line_about(item: Item, problem: str) -> str:
    """Return a line about a file that says where it lies, once."""
    if isinstance(problem, Phrase) and "file" in problem.values:
        return Phrase(problem.code, **{**problem.values, "file": str(item.path)})
    return f"{item.path}: {problem}"


def is_missed(item: Item) -> bool:
    """Whether its owner may miss it among the checkpoints: by its place, or by what it is."""
    kind, place = item.file.kind, item.candidate.place
    if place is not None:
        return place in _FOR_CHECKPOINTS
    return kind in (*_FOR_CHECKPOINTS, Kind.UNKNOWN)


def by_kind(items: Sequence[Item]) -> Iterator[tuple[Kind, list[Item]]]:
    """Yield the items of each kind, in the order of the kinds."""
    for kind in Kind:
        if of_kind := [item for item in items if item.file.kind is kind]:
            yield kind, of_kind

"""Validates checkpoint folders in diffusers' format. Imports no torch.

The layout is that of diffusers' ``save_pretrained``: ``model_index.json`` and one folder per
component.
"""

import re
from pathlib import Path
from typing import Any

from generation import weights
from generation.architectures import SD1, Architecture, Component
from generation.errors import CheckpointUnavailable
from generation.json_text import loads_finite
from generation.loading.detect import PICKLES
from generation.loading.safetensors_file import read_header
from generation.phrases import Phrase, reason_of

INDEX = "model_index.json"
PREVIEW = "preview.json"
HALF = "fp16"
# Which variant of the weights is loaded, of those that a folder has: without a name, if there are
# such; those that were not averaged are for training on.
VARIANTS = ("", HALF, "bf16", "fp32", "ema")
LAST = "non_ema"

# Optional: Stable Diffusion's safety checker, and its input preprocessor. Either all files are
# present or none.
CHECKER = Component("safety_checker", "config.json", "model")
CHECKER_INPUT = Component("feature_extractor", "preprocessor_config.json")
# A tokenizer is one file, or the two that CLIP was published with.
TOKENIZER = "tokenizer.json"
CLIP_TOKENIZER = ("vocab.json", "merges.txt")


def config_patterns(architecture: Architecture = SD1) -> list[str]:
    """Return the files of a hub repository that describe a checkpoint of an architecture."""
    patterns = [INDEX, PREVIEW]
    for component in architecture.components:
        names = [component.config]
        if _is_tokenizer(component):
            names += [TOKENIZER, *CLIP_TOKENIZER]
        patterns += [f"{component.folder}/{name}" for name in names]
    return patterns


def download_patterns(architecture: Architecture = SD1) -> list[str]:
    """Return the files of a hub repository to download: no pickles, no variants, no extras."""
    patterns = config_patterns(architecture)
    for component in _weighty(architecture):
        stem = f"{component.folder}/{component.weights}"
        patterns += [
            f"{stem}.safetensors",
            f"{stem}.safetensors.index.json",
            f"{stem}-[0-9]*.safetensors",
        ]
    return patterns


def half_patterns(folder: Path, architecture: Architecture = SD1) -> list[str]:
    """Return the half-precision weights that can replace those missing from ``folder``."""
    return [
        f"{component.folder}/{component.weights}.{HALF}.safetensors"
        for component in _weighty(architecture)
        if not _plain(folder, component)
    ]


def check_folder(name: str, folder: Path, architecture: Architecture = SD1) -> None:
    """Raise CheckpointUnavailable, naming the files, unless the checkpoint ``name`` is complete.

    The built-in one must also match what was published.
    """
    missing = _missing_configs(name, folder, architecture)
    for component in components_in(folder, architecture):
        missing += _missing_weights(name, folder, component)
    _refuse(name, folder, missing)
    try:
        weights.check_folder(folder)
    except (weights.WeightsChanged, OSError) as error:
        raise CheckpointUnavailable(name, reason_of(error)) from error


def brings_checker(folder: Path) -> bool:
    """Whether a checkpoint's folder has its own safety checker."""
    return (folder / CHECKER.folder).is_dir()


def check_checker(name: str, folder: Path) -> None:
    """Raise CheckpointUnavailable, naming the files, if its safety checker is incomplete.

    It is never skipped silently: its owner relies on it.
    """
    if brings_checker(folder):
        missing = _lacking(name, folder, (CHECKER, CHECKER_INPUT))
        _refuse(name, folder, missing + _missing_weights(name, folder, CHECKER))


def checker_weights(name: str, folder: Path) -> list[Path]:
    """Return the weights of a complete safety checker."""
    return _files(name, folder, CHECKER)


def components_in(folder: Path, architecture: Architecture) -> tuple[Component, ...]:
    """Return which components a folder should have: the optional ones all, or none of them."""
    optional = architecture.optional
    if any((folder / name).is_dir() for name in optional):
        return architecture.components
    return tuple(one for one in architecture.components if one.folder not in optional)


def check_configs(name: str, folder: Path, architecture: Architecture = SD1) -> None:
    """Raise CheckpointUnavailable, naming the files, unless every configuration exists."""
    _refuse(name, folder, _missing_configs(name, folder, architecture))


def weight_files(name: str, folder: Path, architecture: Architecture = SD1) -> list[Path]:
    """Return the weights of a complete folder."""
    return [
        file
        for component in components_in(folder, architecture)
        if component.weights is not None
        for file in _files(name, folder, component)
    ]


def variant(folder: Path, component: Component) -> str | None:
    """Return which variant of a component's weights to load: None for plain ones, if present."""
    found = _variants(folder, component)
    return min(found, key=_rank, default="") or None


def _rank(variant: str) -> tuple[bool, int, str]:
    known = VARIANTS.index(variant) if variant in VARIANTS else len(VARIANTS)
    return variant == LAST, known, variant


def _variants(folder: Path, component: Component) -> dict[str, Path]:
    """Return the weights that a component has, or the list of their shards, by variant.

    The name of a variant is where diffusers puts it, or transformers.
    """
    stem = re.escape(component.weights or "")
    names = re.compile(
        rf"{stem}(?:\.(?P<one>\w+))?\.safetensors"
        rf"|{stem}\.safetensors(?:\.(?P<diffusers>\w+))?\.index(?:\.(?P<transformers>\w+))?\.json"
    )
    found: dict[str, Path] = {}
    inside = folder / component.folder
    for file in sorted(inside.iterdir()) if inside.is_dir() else ():
        if (match := names.fullmatch(file.name)) and file.is_file():
            name = match["one"] or match["diffusers"] or match["transformers"] or ""
            if file.suffix != ".json" or name not in found:  # the whole file before its shards
                found[name] = file
    return found


def _weighty(architecture: Architecture) -> list[Component]:
    return [component for component in architecture.components if component.weights is not None]


def _is_tokenizer(component: Component) -> bool:
    return component.config == "tokenizer_config.json"


def _refuse(name: str, folder: Path, missing: list[str]) -> None:
    if missing:
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-lacks", folder=str(folder), names=tuple(missing))
        )


def _missing_configs(name: str, folder: Path, architecture: Architecture) -> list[str]:
    if not folder.is_dir():
        raise CheckpointUnavailable(name, Phrase("checkpoint-folder-missing", folder=str(folder)))
    kind = _read_json(name, folder / INDEX).get("_class_name")
    if kind not in architecture.pipelines:
        wanted = architecture.pipelines[0]
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-other-pipeline", file=INDEX, found=str(kind), wanted=wanted)
        )
    components = components_in(folder, architecture)
    missing = _lacking(name, folder, components)
    for component in filter(_is_tokenizer, components):
        inside = folder / component.folder
        if not (inside / TOKENIZER).is_file():
            missing += [
                f"{component.folder}/{file}"
                for file in CLIP_TOKENIZER
                if not (inside / file).is_file()
            ]
    return missing


def _lacking(name: str, folder: Path, components: tuple[Component, ...]) -> list[str]:
    """Check the configurations; return the missing files."""
    missing = []
    for component in components:
        config = folder / component.folder / component.config
        if config.is_file():
            _read_json(name, config)
        else:
            missing.append(f"{component.folder}/{component.config}")
    return missing


def _plain(folder: Path, component: Component) -> bool:
    """Whether a component has plain weights, in one file or sharded."""
    return "" in _variants(folder, component)


def _files(name: str, folder: Path, component: Component) -> list[Path]:
    """Return the weight files of the variant that is loaded, whole or sharded."""
    inside = folder / component.folder
    found = _variants(folder, component).get(variant(folder, component) or "")
    if found is None:
        return [inside / f"{component.weights}.safetensors"]
    if found.suffix == ".json":
        return [inside / shard for shard in sorted(_shards(name, found))]
    return [found]


def _missing_weights(name: str, folder: Path, component: Component) -> list[str]:
    """Check a component's weights; return the missing files."""
    if component.weights is None:
        return []
    missing = []
    for file in _files(name, folder, component):
        if file.is_file():
            read_header(name, file)
        else:
            _refuse_pickles(name, file)
            missing.append(f"{component.folder}/{file.name}")
    return missing


def _refuse_pickles(name: str, wanted: Path) -> None:
    pickles = sorted(
        file.name for file in wanted.parent.glob("*") if file.suffix.lower() in PICKLES
    )
    if pickles:
        raise CheckpointUnavailable(
            name,
            Phrase(
                "checkpoint-pickled",
                folder=wanted.parent.name,
                names=tuple(pickles),
                wanted=wanted.name,
            ),
        )


def _shards(name: str, index: Path) -> set[str]:
    shards = _read_json(name, index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise CheckpointUnavailable(name, Phrase("checkpoint-no-weight-map", file=str(index)))
    files = {str(file) for file in shards.values()}
    for file in files:
        if not file.endswith(".safetensors") or Path(file).name != file:
            raise CheckpointUnavailable(
                name, Phrase("checkpoint-shard", file=str(index), shard=file)
            )
    return files


def _read_json(name: str, file: Path) -> dict[str, Any]:
    try:
        table = loads_finite(file.read_text("utf-8"))
    except FileNotFoundError:
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-lacks", folder=str(file.parent), names=(file.name,))
        ) from None
    except OSError as error:
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-file", file=str(file), why=str(error.strerror))
        ) from error
    except ValueError as error:
        raise CheckpointUnavailable(name, Phrase("checkpoint-no-json", file=str(file))) from error
    if not isinstance(table, dict):
        raise CheckpointUnavailable(name, Phrase("checkpoint-no-object", file=str(file)))
    return table

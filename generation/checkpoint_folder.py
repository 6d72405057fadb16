"""Whether a folder holds a Stable Diffusion 1 checkpoint in diffusers' format. Imports no torch.

The layout is the one that diffusers' ``save_pretrained`` writes: ``model_index.json`` and one
folder a component.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.errors import CheckpointUnavailable

INDEX = "model_index.json"
PREVIEW = "preview.json"
PIPELINE = "StableDiffusionPipeline"
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
HEADER_LIMIT = 100_000_000  # bytes; the safetensors format's own


@dataclass(frozen=True, slots=True)
class Component:
    """One component's folder, its configuration file, and its weights without their ending."""

    folder: str
    config: str
    weights: str | None = None


COMPONENTS = (
    Component("unet", "config.json", "diffusion_pytorch_model"),
    Component("vae", "config.json", "diffusion_pytorch_model"),
    Component("text_encoder", "config.json", "model"),
    Component("tokenizer", "tokenizer_config.json"),
    Component("scheduler", "scheduler_config.json"),
)
# A tokenizer is one file, or the two that CLIP was published with.
TOKENIZER = "tokenizer/tokenizer.json"
CLIP_TOKENIZER = ("tokenizer/vocab.json", "tokenizer/merges.txt")


def download_patterns() -> list[str]:
    """Return the files of a hub repository to download: no pickles, no variants, no extras."""
    patterns = [INDEX, PREVIEW, TOKENIZER, *CLIP_TOKENIZER]
    for component in COMPONENTS:
        patterns.append(f"{component.folder}/{component.config}")
        if component.weights is not None:
            stem = f"{component.folder}/{component.weights}"
            patterns += [
                f"{stem}.safetensors",
                f"{stem}.safetensors.index.json",
                f"{stem}-[0-9]*.safetensors",
            ]
    return patterns


def check_folder(name: str, folder: Path) -> None:
    """Raise CheckpointUnavailable, naming the files, unless the checkpoint ``name`` is whole."""
    if not folder.is_dir():
        raise CheckpointUnavailable(name, f"no such folder: {folder}")
    kind = _read_json(name, folder / INDEX).get("_class_name")
    if kind != PIPELINE:
        raise CheckpointUnavailable(name, f"{INDEX} names {kind}, not a {PIPELINE}")
    missing: list[str] = []
    for component in COMPONENTS:
        config = folder / component.folder / component.config
        if config.is_file():
            _read_json(name, config)
        else:
            missing.append(f"{component.folder}/{component.config}")
        if component.weights is not None:
            missing += _check_weights(name, folder, component)
    if not (folder / TOKENIZER).is_file():
        missing += [file for file in CLIP_TOKENIZER if not (folder / file).is_file()]
    if missing:
        raise CheckpointUnavailable(name, f"{folder} lacks {', '.join(missing)}")


def _check_weights(name: str, folder: Path, component: Component) -> list[str]:
    """Check a component's weights, whole or in shards; return the files that are missing."""
    inside = folder / component.folder
    whole = inside / f"{component.weights}.safetensors"
    index = inside / f"{component.weights}.safetensors.index.json"
    if whole.is_file():
        files = [whole]
    elif index.is_file():
        files = [inside / shard for shard in sorted(_shards(name, index))]
    else:
        pickles = sorted(file.name for file in inside.glob("*") if file.suffix in PICKLES)
        if pickles:
            raise CheckpointUnavailable(
                name,
                f"pickled weights are refused; safetensors only ({component.folder} has"
                f" {', '.join(pickles)} and no {whole.name})",
            )
        return [f"{component.folder}/{whole.name}"]
    for file in files:
        if file.is_file():
            _check_safetensors(name, file)
    return [f"{component.folder}/{file.name}" for file in files if not file.is_file()]


def _shards(name: str, index: Path) -> set[str]:
    shards = _read_json(name, index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise CheckpointUnavailable(name, f"{index} has no weight_map")
    files = {str(file) for file in shards.values()}
    for file in files:
        if not file.endswith(".safetensors") or Path(file).name != file:
            raise CheckpointUnavailable(name, f"{index} names {file}; safetensors only, beside it")
    return files


def _check_safetensors(name: str, file: Path) -> None:
    """Check the header against the file's length: 8 bytes of size, JSON, then the tensors.

    Source: the format's page, https://huggingface.co/docs/safetensors/index#format.
    """
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        if not 2 <= size <= HEADER_LIMIT:
            raise CheckpointUnavailable(name, f"{file} is not a safetensors file")
        header = opened.read(size)
    try:
        table = json.loads(header)
        ends = [entry["data_offsets"][1] for key, entry in table.items() if key != "__metadata__"]
        wanted = 8 + size + max(ends, default=0)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        if len(header) < size:
            raise CheckpointUnavailable(name, f"{file} is cut short in its header") from error
        raise CheckpointUnavailable(name, f"{file} is not a safetensors file") from error
    length = file.stat().st_size
    if length != wanted:
        raise CheckpointUnavailable(name, f"{file} has {length} of its {wanted} bytes")


def _read_json(name: str, file: Path) -> dict[str, Any]:
    try:
        table = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise CheckpointUnavailable(name, f"{file.parent} lacks {file.name}") from None
    except OSError as error:
        raise CheckpointUnavailable(name, f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointUnavailable(name, f"{file} is not valid JSON") from error
    if not isinstance(table, dict):
        raise CheckpointUnavailable(name, f"{file} is not a JSON object")
    return table

"""Loads a checkpoint's parts from a folder, a single file or the hub into CPU memory."""

import logging
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers.utils.logging
import huggingface_hub
import torch
import transformers.utils.logging
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError

from generation.architectures import ARCHITECTURES, SD1, Architecture
from generation.catalog import Checkpoint
from generation.engine.device import pick_dtype
from generation.engine.preview import PreviewColours
from generation.engine.safety import Checker, load_checker
from generation.errors import CheckpointUnavailable
from generation.families.pipeline import Pipeline, family_of
from generation.json_text import loads_finite
from generation.loading.checkpoint_folder import (
    INDEX,
    PREVIEW,
    brings_checker,
    check_checker,
    check_configs,
    check_folder,
    checker_weights,
    components_in,
    config_patterns,
    download_patterns,
    half_patterns,
    variant,
    weight_files,
)
from generation.loading.layouts import components
from generation.loading.layouts.components import finish, tensors_of_part
from generation.loading.layouts.composition import ASSETS, SCHEDULERS
from generation.loading.layouts.tokenizers import load_tokenizers
from generation.loading.memory import is_out_of_memory
from generation.loading.model_file import Part
from generation.loading.revisions import RevisionsDamaged, pin, pinned
from generation.loading.safetensors_file import Tensor, read_header
from generation.loading.single_file import check_file, family_of_name
from generation.phrases import Phrase, reason_of

log = logging.getLogger(__name__)

# Their progress bars and hints are for notebooks; failures are exceptions anyway.
for library in (diffusers.utils.logging, transformers.utils.logging):
    library.disable_progress_bar()
    library.set_verbosity_error()


@dataclass(frozen=True, slots=True)
class Parts:
    """A checkpoint's models and tokenizers by folder; all weights of one type, on the CPU.

    ``index`` is its model_index.json. ``preview_colours`` are its own, if it brings any. ``source``
    is the file or folder it comes from, if any. ``checker`` scores finished pictures.
    """

    components: Mapping[str, Any]
    scheduler_config: Mapping[str, Any]
    architecture: Architecture = SD1
    index: Mapping[str, Any] = field(default_factory=dict)
    preview_colours: PreviewColours | None = None
    source: Path | None = None
    checker: Checker | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """A checkpoint's files on this machine: its configurations, and its single file if it is one.

    ``tensors`` are all its weights by file, as their headers list them. ``checker`` are those of
    its own safety checker, which its owner put there: none is downloaded from the hub. ``parts``
    say which file has which part, of a checkpoint that is no folder. ``denoiser`` is how many of
    the values are the denoiser's.
    """

    name: str
    folder: Path
    single: Path | None
    tensors: tuple[Tensor, ...]
    checker: tuple[Tensor, ...] = ()
    architecture: Architecture = SD1
    parts: Mapping[Part, Path] = field(default_factory=dict)
    denoiser: int = 0

    @property
    def is_shipped(self) -> bool:
        """Whether its configurations are those that come with us."""
        return self.folder.parent == ASSETS

    @property
    def values(self) -> int:
        """How many values there are to load."""
        return sum(tensor.values for tensor in self.tensors)

    @property
    def is_bfloat16(self) -> bool:
        """Whether most are stored as bf16, whose range fp16 lacks."""
        stored = sum(tensor.values for tensor in self.tensors if tensor.dtype == "BF16")
        return 2 * stored > self.values


def load(checkpoint: Checkpoint, device: torch.device) -> Pipeline:
    """Load a folder, a single file, or a hub id, downloading missing files.

    Raises CheckpointUnavailable, naming what is missing or unreachable.
    """
    files = find_files(checkpoint)
    family = family_of(files.architecture)
    dtype = pick_dtype(device, files, family.half)
    return family(load_parts(files, dtype, checkpoint.scheduler_settings), device)


def find_files(checkpoint: Checkpoint, revisions: Path | None = None) -> Files:
    """Return a checkpoint's files, downloading those of a hub id that are missing.

    The first revision downloaded is recorded in the file ``revisions`` and used from then on.
    Raises CheckpointUnavailable, naming what is missing or unreachable.
    """
    name, source = checkpoint.name, checkpoint.source
    architecture = ARCHITECTURES[checkpoint.family]
    if isinstance(source, Path) and source.is_file():
        return _find_single(checkpoint, source, revisions)
    folder = (
        source if isinstance(source, Path) else _download_weights(checkpoint, source, revisions)
    )
    check_folder(name, folder, architecture)
    paths = weight_files(name, folder, architecture)
    tensors = _tensors(name, paths)
    core = family_of(architecture).denoiser
    denoiser = _tensors(name, [path for path in paths if path.parent.name == core])
    checker: tuple[Tensor, ...] = ()
    if isinstance(source, Path) and brings_checker(source):
        check_checker(name, source)
        checker = _tensors(name, checker_weights(name, source))
    values = sum(tensor.values for tensor in denoiser)
    return Files(name, folder, None, tensors, checker, architecture, denoiser=values)


def _find_single(checkpoint: Checkpoint, single: Path, revisions: Path | None) -> Files:
    """Return the files of a checkpoint that is no folder; the hub is used only for an id."""
    name, architecture, configs = checkpoint.name, checkpoint.architecture, checkpoint.config
    if isinstance(configs, str):
        configs = _download(name, configs, config_patterns(architecture), None, revisions)
    if configs is not None:
        check_configs(name, configs, architecture)
    family, parts = check_file(name, single, architecture, checkpoint.parts, configs)
    tensors = tuple(
        tensor for part, file in parts.items() for tensor in tensors_of_part(name, file, part)
    )
    folder = ASSETS / family if configs is None else configs
    denoiser = tensors_of_part(name, parts[Part.DENOISER], Part.DENOISER)
    values = sum(tensor.values for tensor in denoiser)
    return Files(
        name, folder, single, tensors, architecture=architecture, parts=parts, denoiser=values
    )


def _tensors(name: str, files: list[Path]) -> tuple[Tensor, ...]:
    return tuple(tensor for file in files for tensor in read_header(name, file).values())


def load_parts(
    files: Files, dtype: torch.dtype, settings: Mapping[str, Any] | None = None
) -> Parts:
    """Return what `load_gradually` does, at once."""
    return finish(load_gradually(files, dtype, settings))


def load_gradually(
    files: Files, dtype: torch.dtype, settings: Mapping[str, Any] | None = None
) -> Generator[int, None, Parts]:
    """Return a checkpoint's parts; ``settings`` override its scheduler configuration.

    Yields how many values have been read, every now and then. Raises CheckpointUnavailable if they
    do not fit together. Nothing is downloaded.
    """
    try:
        return (yield from _load(files, dtype, settings or {}))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        # What fails here is complete but inconsistent, such as weights whose shapes differ from
        # their configuration.
        place = files.single or files.folder
        raise CheckpointUnavailable(
            files.name, Phrase("checkpoint-file", file=str(place), why=reason_of(error))
        ) from error


def store_in_fp8(parts: Parts) -> None:
    """Keep the denoiser's weights in 8 bits a value; each layer computes in the type it has now."""
    denoiser = parts.components[family_of(parts.architecture).denoiser]
    denoiser.enable_layerwise_casting(
        storage_dtype=torch.float8_e4m3fn, compute_dtype=denoiser.dtype
    )


def _load(
    files: Files, dtype: torch.dtype, settings: Mapping[str, Any]
) -> Generator[int, None, Parts]:
    folder, family = files.folder, family_of(files.architecture)
    config = _read(folder / "scheduler" / "scheduler_config.json")
    if files.is_shipped:
        config |= SCHEDULERS.get(files.architecture.name, {})
    config |= settings
    kinds = files.architecture.prediction_types
    if config.setdefault("prediction_type", kinds[0]) not in kinds:
        raise ValueError(Phrase("checkpoint-predicts", kind=str(config["prediction_type"])))
    load = _from_folder if files.single is None else _from_file
    models = yield from load(files, dtype)
    for model in models.values():
        lost = [key for key, value in model.named_parameters() if value.is_meta]
        if lost:
            raise ValueError(Phrase("checkpoint-lacks-weights", count=len(lost), first=lost[0]))
    channels = family.latent_channels(models)
    return Parts(
        {**models, **_tokenizers(files, models)},
        config,
        files.architecture,
        _read(folder / INDEX),
        _preview_colours(folder / PREVIEW, channels),
        files.single or folder,
        load_checker(folder) if files.checker else None,
    )


def _tokenizers(files: Files, models: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tokenizers of the text encoders that there are."""
    if files.is_shipped:
        shipped = load_tokenizers(family_of_name(files.architecture.name))
        return {
            name: one
            for name, one in shipped.items()
            if name.replace("tokenizer", "text_encoder") in models
        }
    present = {one.folder for one in components_in(files.folder, files.architecture)}
    return {
        name: kind.from_pretrained(files.folder / name, local_files_only=True)
        for name, kind in family_of(files.architecture).tokenizers.items()
        if name in present
    }


def _from_folder(files: Files, dtype: torch.dtype) -> Generator[int, None, dict[str, Any]]:
    """Return the models of a folder in diffusers' format, one after another."""
    options = {"dtype": dtype, "use_safetensors": True, "local_files_only": True}
    present = components_in(files.folder, files.architecture)
    folders = {component.folder: component for component in present}
    models, done = {}, 0
    for name, kind in family_of(files.architecture).models.items():
        if name in folders:
            models[name] = model = kind.from_pretrained(
                files.folder / name, variant=variant(files.folder, folders[name]), **options
            )
            done += sum(value.numel() for value in model.parameters())
            yield done
    return models


def _from_file(files: Files, dtype: torch.dtype) -> Generator[int, None, dict[str, Any]]:
    """Return the models of a checkpoint of single files."""
    family = family_of_name(files.architecture.name)
    configs = None if files.is_shipped else files.folder
    models = yield from components.load_gradually(family, files.parts, dtype, configs)
    return dict(models)


def _download_weights(checkpoint: Checkpoint, repository: str, revisions: Path | None) -> Path:
    name, revision = checkpoint.name, checkpoint.revision
    architecture = ARCHITECTURES[checkpoint.family]
    folder = _download(name, repository, download_patterns(architecture), revision, revisions)
    if half := half_patterns(folder, architecture):
        return _download(name, repository, half, folder.name, None)  # of the same commit
    return folder


def _download(
    name: str,
    repository: str,
    patterns: list[str],
    revision: str | None,
    revisions: Path | None,
) -> Path:
    """Return the folder of a hub repository, downloading missing files; works offline otherwise.

    Uses the commit in ``revisions``, where the first one downloaded is recorded.
    """
    log.info("fetching %s from the hub, where it is not on disk yet", repository)
    try:
        folder = huggingface_hub.snapshot_download(
            repository,
            revision=pinned(revisions, repository, revision),
            allow_patterns=patterns,
        )
        # The hub's library names a snapshot's folder by its commit.
        pin(revisions, repository, revision, Path(folder).name)
    except LocalEntryNotFoundError as error:
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-hub-out-of-reach", repository=repository)
        ) from error
    except RevisionsDamaged as error:
        raise CheckpointUnavailable(name, reason_of(error)) from error
    except (OSError, HFValidationError) as error:
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-hub", repository=repository, why=reason_of(error))
        ) from error
    return Path(folder)


def _preview_colours(file: Path, channels: int) -> PreviewColours | None:
    if not file.exists():
        return None
    table = _read(file)
    matrix, bias = table["matrix"], table["bias"]
    if [len(row) for row in (*matrix, bias)] != [3] * (channels + 1):
        raise ValueError(Phrase("checkpoint-preview", file=PREVIEW, channels=channels))
    return PreviewColours(tuple(tuple(row) for row in matrix), tuple(bias))


def _read(file: Path) -> dict[str, Any]:
    return loads_finite(file.read_text("utf-8"))

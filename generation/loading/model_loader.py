"""Loads a checkpoint's parts from a folder, a single file or the hub into CPU memory."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers.utils.logging
import huggingface_hub
import torch
import transformers.utils.logging
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    create_diffusers_clip_model_from_ldm,
    load_single_file_checkpoint,
)
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTokenizer

from generation.catalog import PREDICTION_TYPES, Checkpoint
from generation.engine.preview import SD1_COLOURS, PreviewColours
from generation.engine.safety import Checker, load_checker
from generation.errors import CheckpointUnavailable
from generation.json_text import loads
from generation.loading.checkpoint_folder import (
    PREVIEW,
    brings_checker,
    check_checker,
    check_configs,
    check_folder,
    checker_weights,
    config_patterns,
    download_patterns,
    half_patterns,
    variant,
    weight_files,
)
from generation.loading.memory import is_out_of_memory
from generation.loading.revisions import RevisionsDamaged, pin, pinned
from generation.loading.safetensors_file import Tensor, read_header
from generation.loading.single_file import check_file
from generation.phrases import Phrase, reason_of

log = logging.getLogger(__name__)

# Their progress bars and hints are for notebooks; failures are exceptions anyway.
for library in (diffusers.utils.logging, transformers.utils.logging):
    library.disable_progress_bar()
    library.set_verbosity_error()


@dataclass(frozen=True, slots=True)
class Parts:
    """A checkpoint's models; all weights of one type, on the CPU.

    ``source`` is the file or folder they come from, if any. ``checker`` scores finished pictures.
    """

    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    scheduler_config: dict[str, Any]
    preview_colours: PreviewColours
    source: Path | None = None
    checker: Checker | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """A checkpoint's files on this machine: its configurations, and its single file if it is one.

    ``tensors`` are all its weights by file, as their headers list them. ``checker`` are those of
    its own safety checker, which its owner put there: none is downloaded from the hub.
    """

    name: str
    folder: Path
    single: Path | None
    tensors: tuple[Tensor, ...]
    checker: tuple[Tensor, ...] = ()

    @property
    def values(self) -> int:
        """How many values there are to load."""
        return sum(tensor.values for tensor in self.tensors)

    @property
    def is_bfloat16(self) -> bool:
        """Whether most are stored as bf16, whose range fp16 lacks."""
        stored = sum(tensor.values for tensor in self.tensors if tensor.dtype == "BF16")
        return 2 * stored > self.values


def find_files(checkpoint: Checkpoint, revisions: Path | None = None) -> Files:
    """Return a checkpoint's files, downloading those of a hub id that are missing.

    The first revision downloaded is recorded in the file ``revisions`` and used from then on.
    Raises CheckpointUnavailable, naming what is missing or unreachable.
    """
    name, source = checkpoint.name, checkpoint.source
    single = source if isinstance(source, Path) and source.is_file() else None
    if single is not None:
        check_file(name, single)
        folder = _config_folder(checkpoint, revisions)
        return Files(name, folder, single, _tensors(name, [single]))
    folder = (
        source if isinstance(source, Path) else _download_weights(checkpoint, source, revisions)
    )
    check_folder(name, folder)
    tensors = _tensors(name, weight_files(name, folder))
    checker: tuple[Tensor, ...] = ()
    if isinstance(source, Path) and brings_checker(source):
        check_checker(name, source)
        checker = _tensors(name, checker_weights(name, source))
    return Files(name, folder, None, tensors, checker)


def _tensors(name: str, files: list[Path]) -> tuple[Tensor, ...]:
    return tuple(tensor for file in files for tensor in read_header(name, file).values())


def load_parts(files: Files, dtype: torch.dtype, prediction_type: str | None = None) -> Parts:
    """Load a checkpoint's parts; ``prediction_type`` overrides its scheduler configuration.

    Raises CheckpointUnavailable if they do not fit together. Nothing is downloaded.
    """
    try:
        return _load(files, dtype, prediction_type)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        # What fails here is complete but inconsistent, such as weights whose shapes differ from
        # their configuration.
        place = files.single or files.folder
        raise CheckpointUnavailable(
            files.name, Phrase("checkpoint-file", file=str(place), why=reason_of(error))
        ) from error


def _load(files: Files, dtype: torch.dtype, prediction_type: str | None) -> Parts:
    folder = files.folder
    config = _read(folder / "scheduler" / "scheduler_config.json")
    if prediction_type is not None:
        config["prediction_type"] = prediction_type
    kind = config.setdefault("prediction_type", "epsilon")
    if kind not in PREDICTION_TYPES:
        raise ValueError(Phrase("checkpoint-predicts", kind=str(kind)))
    if files.single is None:
        text_encoder, unet, vae = _models_from_folder(folder, dtype)
    else:
        text_encoder, unet, vae = _models_from_file(files.single, folder, dtype)
    for part in (text_encoder, unet, vae):
        lost = [key for key, value in part.named_parameters() if value.is_meta]
        if lost:
            raise ValueError(Phrase("checkpoint-lacks-weights", count=len(lost), first=lost[0]))
    if unet.config.in_channels != vae.config.latent_channels:
        raise ValueError(Phrase("checkpoint-inpainting", channels=unet.config.in_channels))
    return Parts(
        CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
        text_encoder,
        unet,
        vae,
        config,
        _preview_colours(folder / PREVIEW),
        files.single or folder,
        load_checker(folder) if files.checker else None,
    )


Models = tuple[CLIPTextModel, UNet2DConditionModel, AutoencoderKL]


def _models_from_folder(folder: Path, dtype: torch.dtype) -> Models:
    options = {"dtype": dtype, "use_safetensors": True, "local_files_only": True}
    kinds = {
        "text_encoder": CLIPTextModel,
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
    }
    text_encoder, unet, vae = (
        kind.from_pretrained(folder / part, variant=variant(folder, part), **options)
        for part, kind in kinds.items()
    )
    return text_encoder, unet, vae


def _models_from_file(file: Path, folder: Path, dtype: torch.dtype) -> Models:
    weights = load_single_file_checkpoint(str(file), local_files_only=True)
    options = {"config": str(folder), "local_files_only": True}
    text_encoder = create_diffusers_clip_model_from_ldm(
        CLIPTextModel, weights, subfolder="text_encoder", torch_dtype=dtype, **options
    )
    unet, vae = (
        kind.from_single_file(weights, subfolder=part, dtype=dtype, **options)
        for part, kind in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL))
    )
    return text_encoder, unet, vae


def _config_folder(checkpoint: Checkpoint, revisions: Path | None) -> Path:
    """Return the folder with a single file's configurations; the hub is used only for an id."""
    name, config = checkpoint.name, checkpoint.config
    if config is None:
        raise CheckpointUnavailable(name, Phrase("checkpoint-config"))
    if isinstance(config, Path):
        folder = config
    else:
        folder = _download(name, config, config_patterns(), None, revisions)
    check_configs(name, folder)
    return folder


def _download_weights(checkpoint: Checkpoint, repository: str, revisions: Path | None) -> Path:
    name, revision = checkpoint.name, checkpoint.revision
    folder = _download(name, repository, download_patterns(), revision, revisions)
    if half := half_patterns(folder):
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


def _preview_colours(file: Path) -> PreviewColours:
    if not file.exists():
        return SD1_COLOURS
    table = _read(file)
    matrix, bias = table["matrix"], table["bias"]
    if [len(row) for row in (*matrix, bias)] != [3] * 5:
        raise ValueError(Phrase("checkpoint-preview", file=PREVIEW))
    return PreviewColours(tuple(tuple(row) for row in matrix), tuple(bias))


def _read(file: Path) -> dict[str, Any]:
    return loads(file.read_text("utf-8"))

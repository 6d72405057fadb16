"""What a folder in diffusers' format is, from its configurations and its files' headers."""

from collections import Counter
from pathlib import Path
from typing import Any

from generation.architectures import (
    ARCHITECTURES,
    FLUX_SCHNELL,
    Architecture,
    architecture_of,
)
from generation.errors import CheckpointUnavailable
from generation.json_text import loads
from generation.library.layout import INDEX
from generation.loading.checkpoint_folder import check_checker, check_folder, weight_files
from generation.loading.denoisers import named_distillation
from generation.loading.detect import PRECISIONS, Kind, ModelFile, Part
from generation.loading.safetensors_file import read_header
from generation.loading.single_file import family_of_name
from generation.phrases import Phrase, reason_of

MOST_BYTES = 2**20  # of a configuration
_PARTS = {"unet": Part.DENOISER, "transformer": Part.DENOISER, "vae": Part.VAE}


def inspect_folder(folder: Path) -> ModelFile:
    """Return what a folder is; its ``problem`` says what it lacks. Raises nothing for a bad one."""
    try:
        kind = str(_read(folder / INDEX).get("_class_name"))
        name, architecture = folder.name, _family(folder, kind)
        if architecture is None:
            wanted = " or ".join(
                sorted({one for a in ARCHITECTURES.values() for one in a.pipelines})
            )
            return ModelFile(
                path=folder,
                problem=Phrase("checkpoint-other-pipeline", file=INDEX, found=kind, wanted=wanted),
            )
        check_folder(name, folder, architecture)
        check_checker(name, folder)
        scheduler = _read(folder / "scheduler" / "scheduler_config.json")
        parts: Counter[Part] = Counter()
        precisions: Counter[str] = Counter()
        for file in weight_files(name, folder, architecture):
            for tensor in read_header(name, file).values():
                parts[_PARTS.get(file.parent.name, Part.OTHER)] += tensor.values
                precisions[PRECISIONS.get(tensor.dtype, tensor.dtype.lower())] += tensor.values
    except CheckpointUnavailable as error:
        return ModelFile(path=folder, problem=_phrase(folder, error.reason))
    except (OSError, ValueError) as error:
        return ModelFile(path=folder, problem=_phrase(folder, reason_of(error)))
    return ModelFile(
        path=folder,
        kind=Kind.CHECKPOINT,
        family=family_of_name(architecture.name).replace("-", "_"),
        prediction_type=scheduler.get("prediction_type"),
        distillation=_distillation(folder, kind, architecture),
        parts=parts,
        precisions=precisions,
    )


def _distillation(folder: Path, pipeline: str, architecture: Architecture) -> str | None:
    if architecture is FLUX_SCHNELL:
        return "schnell"
    if pipeline == "LatentConsistencyModelPipeline":
        return "lcm"
    return named_distillation(folder.name)


def _phrase(folder: Path, reason: str) -> Phrase:
    if isinstance(reason, Phrase):
        return reason
    return Phrase("checkpoint-file", file=str(folder), why=reason)


def _family(folder: Path, kind: str) -> Architecture | None:
    """Return a pipeline's family; those that share one differ in their denoiser's configuration."""
    found = architecture_of(kind, {})
    if found is None:
        return None
    config = folder / found.components[0].folder / found.components[0].config
    return architecture_of(kind, _read(config)) if config.is_file() else found


def _read(file: Path) -> dict[str, Any]:
    with file.open("rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    table = loads(data.decode("utf-8-sig")) if len(data) <= MOST_BYTES else None
    if not isinstance(table, dict):
        raise ValueError(Phrase("checkpoint-no-object", file=str(file)))  # noqa: TRY004 - of a file
    return table

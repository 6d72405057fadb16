"""Which files a checkpoint of single files is made of, checked by their headers. Imports no torch.

One file has everything, or a diffusion model alone is completed by a VAE and text encoders in files
of their own. Their configurations come with us, or from a folder that the catalog names.
"""

from collections.abc import Iterable
from pathlib import Path

from generation.architectures import Architecture, architecture_of
from generation.errors import CheckpointUnavailable
from generation.json_text import loads
from generation.loading.detect import PICKLES, checkpoint_problem, inspect_file
from generation.loading.key_rules import TITLES
from generation.loading.layouts.composition import COMPONENTS, lacks
from generation.loading.model_file import ModelFile, Part
from generation.loading.safetensors_file import shown
from generation.phrases import Phrase

SUFFIX = ".safetensors"
# The families that files can be made into models of, by the names that their headers get.
FAMILIES = tuple(COMPONENTS)


def check_file(
    name: str,
    file: Path,
    architecture: Architecture | None = None,
    beside: Iterable[Path] = (),
    configs: Path | None = None,
) -> tuple[str, dict[Part, Path]]:
    """Return a checkpoint's family, and the file that has each of its parts.

    ``beside`` are files with parts that come before the checkpoint's own. Raises
    CheckpointUnavailable, saying in a line what keeps it from being drawn with.
    """
    if file.suffix.lower() in PICKLES:
        raise CheckpointUnavailable(name, Phrase("checkpoint-pickled-file", file=shown(file.name)))
    if not file.is_file():
        raise CheckpointUnavailable(name, Phrase("checkpoint-file-missing", file=shown(file)))
    found = inspect_file(file)
    problem = checkpoint_problem(found, FAMILIES)
    if problem is None and architecture is not None:
        problem = _other_family(found, architecture)
    if problem is None and configs is not None:
        problem = _other_config(found, configs)
    if problem is not None:
        raise CheckpointUnavailable(name, problem)
    family = found.family or ""
    parts = {part: file for part in COMPONENTS[family].values() if part in found.parts}
    for path in beside:
        other = inspect_file(path)
        if other.problem is not None:
            raise CheckpointUnavailable(name, other.problem)
        parts |= {part: path for part in COMPONENTS[family].values() if part in other.parts}
    if (missing := lacks(found, parts)) is not None:
        raise CheckpointUnavailable(name, missing)
    return family, parts


def family_of_name(architecture: str) -> str:
    """Return the family, as headers tell it, of an architecture: "flux" of "flux-schnell"."""
    plain = architecture.replace("-", "_")
    return next((one for one in FAMILIES if f"{plain}_".startswith(f"{one}_")), plain)


def _other_family(file: ModelFile, architecture: Architecture) -> Phrase | None:
    if family_of_name(architecture.name) == file.family:
        return None
    found = TITLES.get(file.family or "", "")
    return Phrase(
        "checkpoint-other-family",
        file=shown(file.path.name),
        found=found,
        wanted=architecture.title,
    )


def _other_config(file: ModelFile, configs: Path) -> Phrase | None:
    """Return that a folder of configurations is of another family than the weights."""
    described = described_in(configs)
    if described is None or family_of_name(described.name) == file.family:
        return None
    return Phrase(
        "checkpoint-other-config",
        file=shown(file.path.name),
        found=TITLES.get(file.family or "", ""),
        folder=shown(configs.name),
        wanted=described.title,
    )


def described_in(folder: Path) -> Architecture | None:
    """Return what a diffusers folder's configurations describe; None if it is not drawn."""
    try:
        pipeline = loads((folder / "model_index.json").read_text("utf-8-sig"))["_class_name"]
        found = architecture_of(pipeline, {})
        if found is None:
            return None
        denoiser = folder / found.components[0].folder / found.components[0].config
        return architecture_of(pipeline, loads(denoiser.read_text("utf-8-sig")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None

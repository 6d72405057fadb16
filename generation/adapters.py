"""LoRAs and embeddings as the catalog has them. Imports no torch."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from generation.architectures import Sampler
from generation.errors import AdapterUnavailable
from generation.loading.denoisers import DISTILLED
from generation.loading.detect import PICKLES
from generation.loading.model_file import Kind, ModelFile
from generation.phrases import Phrase


@dataclass(frozen=True, slots=True)
class Distillation:
    """What a LoRA that makes a model draw in few steps was trained for.

    ``spacing`` is that of the scheduler's timesteps, in diffusers' words.
    """

    sampler: Sampler
    num_inference_steps: int
    guidance_scale: float
    spacing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A LoRA, or an embedding: its name, its file, and the family it was made for, if known.

    ``distillation`` are the settings that it brings; None leaves the checkpoint's.
    """

    name: str
    path: Path
    family: str | None = None
    distillation: Distillation | None = None


# From the pages of their authors: huggingface.co/latent-consistency/lcm-lora-sdxl,
# huggingface.co/ByteDance/SDXL-Lightning, huggingface.co/ByteDance/Hyper-SD,
# huggingface.co/tianweiy/DMD2, huggingface.co/stabilityai/sdxl-turbo.
_SETTINGS = {
    "dmd2": Distillation(Sampler.LCM, 4, 1.0),
    "lightning": Distillation(Sampler.EULER, 4, 1.0, "trailing"),
    "hyper": Distillation(Sampler.DDIM, 8, 1.0, "trailing"),
    "lcm": Distillation(Sampler.LCM, 8, 1.0),
    "turbo": Distillation(Sampler.EULER_A, 4, 1.0, "trailing"),
}
_STEPS = re.compile(r"(?<![\d.])(\d{1,2}) ?steps?\b")
_SAID = ("ss_output_name", "modelspec.title", "name")
_GUIDED = 5.0  # Hyper-SD's variants "CFG" are for 5 to 8


def distillation(
    name: str, metadata: Mapping[str, str], family: str | None = None
) -> Distillation | None:
    """Return what a LoRA's name or metadata says it was distilled for, None for any other."""
    for text in (name, *(metadata.get(key, "") for key in _SAID)):
        said = " ".join(re.findall(r"[^\W_]+", text.lower()))
        named = next((one for one in _SETTINGS if DISTILLED[one].search(said)), None)
        if named is None or not _is_meant(named, said, family):
            continue
        settings = _SETTINGS[named]
        if (found := _STEPS.search(said)) and int(found[1]) >= 1:
            settings = replace(settings, num_inference_steps=int(found[1]))
        if named == "hyper" and re.search(r"\bcfg\b", said):
            settings = replace(settings, guidance_scale=_GUIDED)
        return settings
    return None


def adapters_of(files: Iterable[ModelFile], kind: Kind = Kind.LORA) -> dict[str, Adapter]:
    """Return the adapters, or embeddings, among files by name: that of the file, each once.

    Pickled embeddings are among them, so that a prompt that names one is told how to convert it.
    """
    found: dict[str, Adapter] = {}
    taken: set[str] = set()
    for file in files:
        pickled = kind is Kind.EMBEDDING and file.path.suffix.lower() in PICKLES
        if file.kind is not kind and not pickled:
            continue
        name = file.path.stem
        if name.casefold() in taken:
            name = f"{file.path.parent.name}/{name}"
        if name.casefold() in taken:
            continue
        taken.add(name.casefold())
        found[name] = Adapter(
            name=name,
            path=file.path,
            family=file.family,
            distillation=distillation(file.path.stem, file.metadata, file.family),
        )
    return found


def _is_meant(named: str, said: str, family: str | None) -> bool:
    """Whether a word is about distillation: some LoRAs draw lightning, and "turbo" is praise."""
    if named == "turbo":
        return family == "sdxl" and re.search(r"\bxl turbo\b|\bsdxl ?turbo\b", said) is not None
    if named == "lightning":
        return re.search(r"xl lightning\b|\bsteps?\b|\dsteps?\b", said) is not None
    return True


def find_adapter(name: str, adapters: Mapping[str, Adapter]) -> Adapter:
    """Return the adapter of this name, in any case; raises AdapterUnavailable."""
    if name in adapters:
        return adapters[name]
    folded = name.casefold()
    found = next((one for one in adapters.values() if one.name.casefold() == folded), None)
    if found is None:
        raise AdapterUnavailable(name, Phrase("adapter-not-listed"))
    return found

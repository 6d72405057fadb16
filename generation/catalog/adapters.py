"""LoRAs and embeddings as the catalog has them. Imports no torch."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from generation import architectures
from generation.architectures import Sampler
from generation.errors import AdapterUnavailable, InvalidRequest
from generation.library.naming import clean, shortened, unused
from generation.loading.denoisers import DISTILLED
from generation.loading.detect import PICKLES
from generation.loading.key_rules import TITLES
from generation.loading.model_file import Kind, ModelFile
from generation.phrases import Phrase
from generation.prompts.adapters import ADAPTER_WEIGHT
from generation.request import GUIDANCE, LCM_STEPS, STEPS, bounded
from generation.styles import NAME_LENGTH

MOST_TRIGGERS, TRIGGER_LENGTH = 20, 300
TITLE_LENGTH = 100
_UNTYPABLE = re.compile(r"[<>:]+")  # in a tag of a prompt
_SUFFIX = re.compile(r"\.(?:safetensors|sft|pt)$", re.IGNORECASE)
# The families of files, where an architecture is one of several for them.
_WEIGHTS = {"sd3-large": "sd3", "flux-schnell": "flux", "z-image": "z_image"}


@dataclass(frozen=True, slots=True)
class Distillation:
    """What a LoRA that makes a model draw in few steps was trained for; None leaves a setting.

    ``spacing`` is that of the scheduler's timesteps, in diffusers' words.
    """

    sampler: Sampler | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    spacing: str | None = None

    def __post_init__(self) -> None:
        if self.num_inference_steps is not None:
            most = LCM_STEPS if self.sampler in architectures.DISTILLED else STEPS
            bounded("num_inference_steps", self.num_inference_steps, most)
        if self.guidance_scale is not None:
            bounded("guidance_scale", self.guidance_scale, GUIDANCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A LoRA, or an embedding: its name, its file, and the family it was made for, if known.

    ``family`` is that of files, as `ModelFile` has it. ``distillation`` are the settings that it
    brings; None leaves the checkpoint's. ``alias`` is the name its trainer gave it, under which it
    is found, too. ``title`` is shown beside the name. ``triggers`` are words that it was trained
    with, the best first. ``weight`` is what is offered with its name. ``age_restricted``, for
    age-restricted channels only; ``roles``, the ids of Discord's roles that may draw with it,
    everybody if empty. ``picture`` is shown as its example. ``sha256`` is the whole file's and
    ``tensors_sha256`` that of all but its header, in hex, where a file says them: it may err.
    Raises InvalidRequest, naming the field and its limit.
    """

    name: str
    path: Path
    family: str | None = None
    distillation: Distillation | None = None
    alias: str = ""
    title: str = ""
    triggers: tuple[str, ...] = ()
    weight: float = 1.0
    age_restricted: bool = False
    roles: tuple[int, ...] = ()
    picture: Path | None = None
    sha256: str | None = None
    tensors_sha256: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= NAME_LENGTH or _UNTYPABLE.search(self.name):
            raise InvalidRequest("name", Phrase("bound-adapter-typable", most=NAME_LENGTH))
        if len(self.title) > TITLE_LENGTH:
            raise InvalidRequest("title", Phrase("bound-characters-most", most=TITLE_LENGTH))
        if len(self.triggers) > MOST_TRIGGERS or any(
            not 1 <= len(one) <= TRIGGER_LENGTH for one in self.triggers
        ):
            bound = Phrase("bound-trigger-words", most=MOST_TRIGGERS, length=TRIGGER_LENGTH)
            raise InvalidRequest("trigger_words", bound)
        bounded("weight", self.weight, ADAPTER_WEIGHT)

    @property
    def names(self) -> frozenset[str]:
        """All names under which it is found, without case."""
        own = (self.name, self.path.stem, self.alias, self.title)
        return frozenset(one.casefold() for one in own if one)

    def admits(self, roles: frozenset[int]) -> bool:
        """Whether somebody with these roles may draw with it."""
        return not self.roles or not roles.isdisjoint(self.roles)

    def fits(self, architecture: str) -> bool:
        """Whether it was made for an architecture's weights, as far as is known."""
        return self.family in (None, weights_of(architecture))

    @property
    def family_title(self) -> str:
        """Its family as people know it; "" if it is not known."""
        return TITLES.get(self.family or "", self.family or "")


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


def weights_of(architecture: str) -> str:
    """Return the family of an architecture's files, as `ModelFile` has it."""
    return _WEIGHTS.get(architecture, architecture)


def adapter_of(file: ModelFile) -> Adapter:
    """Return a file's adapter, with what its header says."""
    said = file.metadata
    title = said.get("modelspec.title", "")
    return Adapter(
        name=_stem(file.path),
        path=file.path,
        family=file.family,
        distillation=distillation(file.path.stem, said, file.family),
        alias=_UNTYPABLE.sub("", said.get("ss_output_name", "")).strip()[:NAME_LENGTH],
        title="" if title == file.path.stem else title[:TITLE_LENGTH],
        triggers=triggers_in(said),
        tensors_sha256=hash_in(said.get("sshs_model_hash", "")),
    )


def adapters_of(files: Iterable[ModelFile], kind: Kind = Kind.LORA) -> dict[str, Adapter]:
    """Return the adapters, or embeddings, among files by name: that of the file, each once.

    Pickled embeddings are among them, so that a prompt that names one is told how to convert it.
    """
    found = []
    for file in files:
        pickled = kind is Kind.EMBEDDING and file.path.suffix.lower() in PICKLES
        if file.kind is kind or pickled:
            found.append(adapter_of(file))
    return each_once(found)


def each_once(adapters: Iterable[Adapter]) -> dict[str, Adapter]:
    """Return adapters by name; of two with one name, the first keeps it, as files do."""
    named: dict[str, Adapter] = {}
    taken: set[str] = set()
    for one in adapters:
        place = _UNTYPABLE.sub("", one.path.parent.name)
        name = unused([one.name, f"{place}/{one.name}"], taken)
        taken.add(name.casefold())
        named[name] = replace(one, name=name)
    return named


def triggers_in(said: Mapping[str, str]) -> tuple[str, ...]:
    """Return the trigger words in a file's metadata, of the first key that has any.

    Without any that are meant as such, the words that its pictures were most often tagged with.
    """
    for key in ("modelspec.trigger_phrase", "trigger_words", "trigger_word"):
        if text := said.get(key, "").strip():
            return (text[:TRIGGER_LENGTH],)
    tags = said.get("ss_tag_frequency", "").split(", ")
    return tuple(one[:TRIGGER_LENGTH] for one in tags if one.strip())


def hash_in(text: str) -> str | None:
    """Return a SHA-256 in hex, None for any other text."""
    text = text.lower().removeprefix("0x")
    return text if re.fullmatch(r"[0-9a-f]{64}", text) else None


def _stem(path: Path) -> str:
    """Return a file's name as one that can be typed."""
    return shortened(clean(_UNTYPABLE.sub("", path.stem))) or "file"


def find_adapter(name: str, adapters: Mapping[str, Adapter]) -> Adapter:
    """Return the adapter of this name, in any case; raises AdapterUnavailable."""
    if (found := adapter_named(name, adapters)) is None:
        raise AdapterUnavailable(name, Phrase("adapter-not-listed"))
    return found


def adapter_named(name: str, adapters: Mapping[str, Adapter]) -> Adapter | None:
    """Return the adapter that a name means: its own, in any case, else one that it has, too.

    A folder before the name and a file's suffix behind it are passed over, as ComfyUI writes them.
    """
    last = _SUFFIX.sub("", re.split(r"[\\/]", name)[-1])
    if (found := adapters.get(name)) is not None:  # of thousands, perhaps
        return found
    every = adapters.values()
    for wanted in dict.fromkeys((name.casefold(), last.casefold())):
        own = next((one for one in every if one.name.casefold() == wanted), None)
        if own is not None:
            return own
        more = [one for one in every if wanted in one.names]
        if len(more) == 1:
            return more[0]
    return None


def _is_meant(named: str, said: str, family: str | None) -> bool:
    """Whether a word is about distillation: some LoRAs draw lightning, and "turbo" is praise."""
    if named == "turbo":
        return family == "sdxl" and re.search(r"\bxl turbo\b|\bsdxl ?turbo\b", said) is not None
    if named == "lightning":
        return re.search(r"xl lightning\b|\bsteps?\b|\dsteps?\b", said) is not None
    return True

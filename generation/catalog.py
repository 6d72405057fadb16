"""The available checkpoints and styles, from the owner's TOML file. Imports no torch.

The file has an optional ``default`` and one table per checkpoint or style::

    default = "Stable Diffusion v1.5"

    [checkpoints."Stable Diffusion v1.5"]
    source = "stable-diffusion-v1-5/stable-diffusion-v1-5"   # a hub id, or a diffusers folder
    size = 512

    [checkpoints."From a friend"]
    source = "friend.safetensors"                            # a single file; needs config:
    config = "stable-diffusion-v1-5/stable-diffusion-v1-5"   # architecture; weights not needed
    prediction_type = "epsilon"                              # what it was trained to predict
    age_restricted = true                                    # for age-restricted channels only

    [styles."Line art"]
    prompt = "line drawing of {prompt}, black ink"           # {prompt} is the person's prompt
    negative_prompt = "colour"
    checkpoints = ["Stable Diffusion v1.5"]                  # optional: those it suits
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from generation.adapters import Adapter
from generation.architectures import ARCHITECTURES, DISTILLED, SD1, Architecture
from generation.embedded import CHECKPOINT as EMBEDDED_FOLDER
from generation.errors import CatalogInvalid, CheckpointUnavailable, InvalidRequest
from generation.loading.checkpoint_folder import (
    PICKLES,
    check_checker,
    check_configs,
    check_folder,
)
from generation.loading.single_file import SUFFIX, check_file
from generation.phrases import Phrase
from generation.request import GUIDANCE, LCM_STEPS, STEPS, Aspect, Sampler, bounded
from generation.styles import NAME_LENGTH, NO_STYLE, Style

SIZE = (32, 1536)  # whose widest shape still has sides of `SIDE`
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
SPACINGS = ("leading", "trailing", "linspace")
FAMILY_S: Any = None  # stands for the default of the checkpoint's family
KNOWN_NAMES = {"stable-diffusion-v1-5/stable-diffusion-v1-5": "Stable Diffusion v1.5"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint and its recommended settings; the defaults are those of its family.

    ``source`` is a diffusers folder or a single file (Path), or a hub id (str). ``config`` is the
    folder or hub id with a single file's configurations. ``family`` is the name of an architecture.
    ``prediction_type``, ``timestep_spacing`` and ``zero_terminal_snr`` override the
    configuration's. ``size`` is the side in pixels of a square picture; ``lcm`` means distilled for
    the LCM and TCD samplers; ``age_restricted``, for age-restricted channels only. Raises
    InvalidRequest, naming the field and its limit.
    """

    name: str
    source: Path | str
    revision: str | None = None
    config: Path | str | None = None
    family: str = SD1.name
    prediction_type: str | None = None
    timestep_spacing: str | None = None
    zero_terminal_snr: bool | None = None
    size: int = FAMILY_S
    num_inference_steps: int = FAMILY_S
    guidance_scale: float = FAMILY_S
    sampler: Sampler = FAMILY_S
    lcm: bool = False
    age_restricted: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= NAME_LENGTH:
            raise InvalidRequest("name", Phrase("bound-characters", least=1, most=NAME_LENGTH))
        if self.family not in ARCHITECTURES:
            raise InvalidRequest("family", Phrase("bound-one-of", names=tuple(ARCHITECTURES)))
        for name in ("size", "num_inference_steps", "guidance_scale", "sampler"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(self.architecture, name))
        bounded("size", self.size, SIZE)
        multiple = self.architecture.side_multiple
        if self.size % multiple:
            raise InvalidRequest("size", Phrase("bound-multiple", of=multiple))
        bounded("num_inference_steps", self.num_inference_steps, STEPS)
        bounded("guidance_scale", self.guidance_scale, GUIDANCE)
        if self.sampler not in self.samplers:
            raise InvalidRequest("sampler", Phrase("bound-without-lcm", sampler=self.sampler))
        for name, known in (
            ("prediction_type", self.architecture.prediction_types),
            ("timestep_spacing", SPACINGS),
        ):
            if getattr(self, name) not in (None, *known):
                raise InvalidRequest(name, Phrase("bound-either", names=known))
        if self.sampler in DISTILLED:
            bounded("num_inference_steps", self.num_inference_steps, LCM_STEPS)

    @property
    def architecture(self) -> Architecture:
        """The facts of its family."""
        return ARCHITECTURES[self.family]

    @property
    def scheduler_settings(self) -> dict[str, Any]:
        """What overrides its scheduler configuration, by diffusers' names."""
        said = {
            "prediction_type": self.prediction_type,
            "timestep_spacing": self.timestep_spacing,
            "rescale_betas_zero_snr": self.zero_terminal_snr,
        }
        return {name: value for name, value in said.items() if value is not None}

    @property
    def samplers(self) -> tuple[Sampler, ...]:
        """The samplers it offers, those for distilled checkpoints only where it is one."""
        return tuple(one for one in self.architecture.samplers if self.lcm or one not in DISTILLED)

    def size_for(self, aspect: Aspect) -> tuple[int, int]:
        """Return (width, height) in pixels as its family takes them, at about ``size``² pixels."""
        return self.architecture.size_for(aspect.ratio, self.size)


EMBEDDED = Checkpoint(
    name="Emoji", source=EMBEDDED_FOLDER, size=128, num_inference_steps=20, guidance_scale=3.0
)


STYLES = (
    Style(
        name="Portrait",
        prompt="{prompt} face",
        description="The head of an animal",
        checkpoints=(EMBEDDED.name,),
    ),
    Style(
        name="In blue",
        prompt="{prompt} blue",
        description="Most things in blue",
        checkpoints=(EMBEDDED.name,),
    ),
    Style(
        name="In pink",
        prompt="{prompt} pink",
        description="Most things in pink",
        checkpoints=(EMBEDDED.name,),
    ),
)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Checkpoints and styles by name, in the owner's order, and the default checkpoint's name.

    ``adapters`` are LoRAs and their relatives, ``embeddings`` words for prompts. A ``discreet``
    catalog finds everything, but lists nothing age-restricted.
    """

    checkpoints: Mapping[str, Checkpoint]
    default: str
    styles: Mapping[str, Style] = field(default_factory=dict)
    discreet: bool = False
    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    embeddings: Mapping[str, Adapter] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Checkpoint:
        """Return the checkpoint; raises CheckpointUnavailable if it is not in the catalog."""
        try:
            return self.checkpoints[name]
        except KeyError:
            known = Phrase("checkpoint-none-here")
            if self.names:
                known = Phrase("checkpoint-not-listed", names=tuple(self.names))
            raise CheckpointUnavailable(name, known) from None

    def style(self, name: str | None) -> Style | None:
        """Return the style, None for no name and for "none"; raises InvalidRequest."""
        if not name or (name.casefold() == NO_STYLE and name not in self.styles):
            return None
        if name not in self.styles:
            raise InvalidRequest(
                "style", Phrase("bound-one-of", names=(*self.style_names, NO_STYLE))
            )
        return self.styles[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of checkpoints that people can choose, in order."""
        return tuple(one.name for one in self.checkpoints.values() if self._names(one))

    @property
    def style_names(self) -> tuple[str, ...]:
        """The names of styles that people can choose, in order."""
        return tuple(one.name for one in self.styles.values() if self._names(one))

    def for_everybody(self) -> "Catalog":
        """Return the catalog for places that are not age-restricted, with a suitable default."""
        discreet = replace(self, discreet=True)
        if self.default in discreet.names or not discreet.names:
            return discreet
        return replace(discreet, default=discreet.names[0])

    def _names(self, one: Checkpoint | Style) -> bool:
        return not (self.discreet and one.age_restricted)


def is_file_name(text: str) -> bool:
    """Whether a catalog's ``source`` means a single file, even one of an unsupported type."""
    return Path(text).suffix.lower() in (SUFFIX, *PICKLES)


def load_catalog(path: Path | None = None, default: str | None = None) -> Catalog:
    """Return what `read_catalog` does, after checking every checkpoint's files too."""
    catalog = read_catalog(path, default)
    for checkpoint in catalog.checkpoints.values():
        check_files(checkpoint)
    return catalog


def check_files(checkpoint: Checkpoint) -> None:
    """Raise CheckpointUnavailable, naming the files, if any on this machine are incomplete."""
    name, source, config = checkpoint.name, checkpoint.source, checkpoint.config
    if not isinstance(source, Path):
        return
    if not is_file_name(source.name) or source.is_dir():
        check_folder(name, source, checkpoint.architecture)
        check_checker(name, source)
        return
    check_file(name, source)
    if config is None:
        raise CheckpointUnavailable(
            name,
            Phrase("checkpoint-config-file", file=source.name),
        )
    if isinstance(config, Path):
        check_configs(name, config, checkpoint.architecture)


def read_catalog(path: Path | None = None, default: str | None = None) -> Catalog:
    """Return the owner's checkpoints and styles, followed by the built-in ones.

    ``path`` is the owner's file. ``default`` is the one-line setting: a name from the catalog, or a
    folder or hub id, which is added to the catalog. Without it, the file's ``default`` applies,
    then the file's first checkpoint. Raises CatalogInvalid (file and key) or CheckpointUnavailable.
    """
    checkpoints: dict[str, Checkpoint] = {}
    styles: dict[str, Style] = {}
    chosen = None
    if path is not None:
        chosen, checkpoints, styles = _read(path)
    checkpoints.setdefault(EMBEDDED.name, EMBEDDED)
    for style in STYLES:
        styles.setdefault(style.name, style)
    if default and default not in checkpoints:
        added = _from_setting(default, taken=checkpoints)
        checkpoints[added.name] = added
        default = added.name
    for style in styles.values():
        for one in style.checkpoints:
            if path is not None and one not in checkpoints:
                raise CatalogInvalid(
                    path, f"styles.{style.name}.checkpoints names {one!r}, which is none of them"
                )
    return Catalog(checkpoints, default or chosen or next(iter(checkpoints)), styles)


def _read(path: Path) -> tuple[str | None, dict[str, Checkpoint], dict[str, Style]]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CatalogInvalid(path, error.strerror or str(error)) from error
    except RecursionError:
        raise CatalogInvalid(path, "not valid TOML: nested too deeply") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogInvalid(path, f"not valid TOML: {error}") from error
    for key in table.keys() - {"default", "checkpoints", "styles"}:
        raise CatalogInvalid(
            path, f"unknown key {key}; only default, checkpoints and styles are known"
        )
    for key in ("checkpoints", "styles"):
        if not isinstance(table.setdefault(key, {}), dict):
            raise CatalogInvalid(path, f'{key} must be tables, as in [{key}."A name"]')
    checkpoints = {
        name: _checkpoint(path, name, entry) for name, entry in table["checkpoints"].items()
    }
    styles = {name: _style(path, name, entry) for name, entry in table["styles"].items()}
    default = table.get("default")
    if default is not None and default not in (*checkpoints, EMBEDDED.name):
        raise CatalogInvalid(path, f"default must name one of its checkpoints, not {default!r}")
    return default, checkpoints, styles


# The TOML types allowed for each field; an int is accepted for a float.
_CHECKPOINT: dict[str, tuple[type, ...]] = {
    "source": (str,),
    "revision": (str,),
    "config": (str,),
    "family": (str,),
    "prediction_type": (str,),
    "timestep_spacing": (str,),
    "zero_terminal_snr": (bool,),
    "size": (int,),
    "num_inference_steps": (int,),
    "guidance_scale": (float, int),
    "sampler": (str,),
    "lcm": (bool,),
    "age_restricted": (bool,),
}
_STYLE: dict[str, tuple[type, ...]] = {
    "prompt": (str,),
    "negative_prompt": (str,),
    "description": (str,),
    "checkpoints": (list,),
    "age_restricted": (bool,),
}
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list of names",
}


def _checkpoint(path: Path, name: str, entry: object) -> Checkpoint:
    place = f"checkpoints.{name}"
    entry = _table(path, place, entry, _CHECKPOINT)
    if "source" not in entry:
        raise CatalogInvalid(path, f"{place}.source is missing: a folder, a file or a hub id")
    if entry.get("sampler", Sampler.DDIM) not in tuple(Sampler):
        raise CatalogInvalid(path, f"{place}.sampler must be one of {', '.join(Sampler)}")
    settings = dict(entry, source=_source(name, entry["source"], path.parent))
    if "config" in entry:
        settings["config"] = _source(name, entry["config"], path.parent)
    if "sampler" in entry:
        settings["sampler"] = Sampler(entry["sampler"])
    try:
        return Checkpoint(name=name, **settings)
    except InvalidRequest as error:
        raise CatalogInvalid(path, f"{place}: {error}") from error


def _style(path: Path, name: str, entry: object) -> Style:
    place = f"styles.{name}"
    settings = _table(path, place, entry, _STYLE)
    if "prompt" not in settings:
        raise CatalogInvalid(path, f"{place}.prompt is missing: a text with {{prompt}} in it")
    if "checkpoints" in settings:
        settings["checkpoints"] = tuple(settings["checkpoints"])
    try:
        return Style(name=name, **settings)
    except InvalidRequest as error:
        raise CatalogInvalid(path, f"{place}: {error}") from error


def _table(
    path: Path, place: str, entry: object, types: Mapping[str, tuple[type, ...]]
) -> dict[str, Any]:
    """Return a table's values after checking their types; raises CatalogInvalid."""
    if not isinstance(entry, dict):
        raise CatalogInvalid(path, f"{place} must be a table")
    for key, value in entry.items():
        if key not in types:
            raise CatalogInvalid(path, f"{place}.{key} is unknown; known are {', '.join(types)}")
        if type(value) not in types[key]:  # a bool would pass as an int
            wanted = _WORDS[types[key][0]]
            raise CatalogInvalid(path, f"{place}.{key} must be {wanted}, not {value!r}")
    return dict(entry)


def _source(name: str, text: str, base: Path) -> Path | str:
    """Parse a folder or a single file (relative to ``base``) or, if neither exists, a hub id."""
    place = base / Path(text).expanduser()
    if place.is_dir() or is_file_name(text):
        return place.resolve()
    if HUB_ID.fullmatch(text):
        return text
    raise CheckpointUnavailable(name, Phrase("checkpoint-no-source", source=text))


def _from_setting(setting: str, taken: Mapping[str, Checkpoint]) -> Checkpoint:
    source = _source(setting, setting, Path())
    name = KNOWN_NAMES.get(setting, Path(source).name)
    return Checkpoint(name=setting if name in taken or not name else name, source=source)

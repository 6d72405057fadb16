"""Checkpoints people can pick, from the owner's TOML file and one-line setting. Imports no torch.

The file has an optional ``default`` and one table a checkpoint::

    default = "Stable Diffusion v1.5"

    [checkpoints."Stable Diffusion v1.5"]
    source = "stable-diffusion-v1-5/stable-diffusion-v1-5"   # a hub id, or a diffusers folder
    size = 512

    [checkpoints."From a friend"]
    source = "friend.safetensors"                            # a single file; needs config:
    config = "stable-diffusion-v1-5/stable-diffusion-v1-5"   # how it is built; weights not needed
    prediction_type = "epsilon"                              # what it was trained to predict
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.checkpoint_folder import check_configs, check_folder
from generation.embedded import CHECKPOINT as EMBEDDED_FOLDER
from generation.errors import CatalogInvalid, CheckpointUnavailable, InvalidRequest
from generation.request import GUIDANCE, LCM_STEPS, SIDE_MULTIPLE, STEPS, Aspect, Sampler, bounded
from generation.single_file import check_file, is_file_name

NAME_LENGTH = 100  # Discord's longest autocomplete choice
SIZE = (32, 1024)
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
PREDICTION_TYPES = ("epsilon", "v_prediction")
KNOWN_NAMES = {"stable-diffusion-v1-5/stable-diffusion-v1-5": "Stable Diffusion v1.5"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One checkpoint and the settings it draws best with; the defaults are Stable Diffusion 1's.

    ``source`` is a diffusers folder or a single file (Path), or a hub id (str). ``config`` is the
    folder or hub id with a single file's configurations. ``prediction_type`` wins over what the
    configuration says. ``size`` is the side in pixels of a square picture; ``lcm`` says that it
    was distilled for the LCM sampler. Raises InvalidRequest, naming the field and its bound.
    """

    name: str
    source: Path | str
    revision: str | None = None
    config: Path | str | None = None
    prediction_type: str | None = None
    size: int = 512
    num_inference_steps: int = 25
    guidance_scale: float = 7.5
    sampler: Sampler = Sampler.DPMPP_2M_KARRAS
    lcm: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= NAME_LENGTH:
            raise InvalidRequest("name", f"1 to {NAME_LENGTH} characters")
        bounded("size", self.size, SIZE)
        if self.size % SIDE_MULTIPLE:
            raise InvalidRequest("size", f"a multiple of {SIDE_MULTIPLE}")
        bounded("num_inference_steps", self.num_inference_steps, STEPS)
        bounded("guidance_scale", self.guidance_scale, GUIDANCE)
        if self.sampler not in self.samplers:
            raise InvalidRequest("sampler", f"another one than {self.sampler} without lcm = true")
        if self.prediction_type not in (None, *PREDICTION_TYPES):
            raise InvalidRequest("prediction_type", " or ".join(PREDICTION_TYPES))
        if self.sampler == Sampler.LCM:
            bounded("num_inference_steps", self.num_inference_steps, LCM_STEPS)

    @property
    def samplers(self) -> tuple[Sampler, ...]:
        """The samplers it offers; LCM draws noise with a checkpoint not distilled for it."""
        return tuple(one for one in Sampler if self.lcm or one != Sampler.LCM)

    def size_for(self, aspect: Aspect) -> tuple[int, int]:
        """Return (width, height) in pixels, multiples of 8, at about ``size``² pixels."""
        root = aspect.ratio**0.5
        width, height = self.size * root, self.size / root
        return (
            SIDE_MULTIPLE * round(width / SIDE_MULTIPLE),
            SIDE_MULTIPLE * round(height / SIDE_MULTIPLE),
        )


EMBEDDED = Checkpoint(
    name="Emoji", source=EMBEDDED_FOLDER, size=64, num_inference_steps=20, guidance_scale=3.0
)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The checkpoints by name, in the owner's order, and the default one's name."""

    checkpoints: Mapping[str, Checkpoint]
    default: str

    def __getitem__(self, name: str) -> Checkpoint:
        """Return the checkpoint; raise CheckpointUnavailable where the catalog lacks it."""
        try:
            return self.checkpoints[name]
        except KeyError:
            known = ", ".join(self.checkpoints)
            raise CheckpointUnavailable(name, f"not in the catalog, which has {known}") from None

    @property
    def names(self) -> tuple[str, ...]:
        """The names people can pick, in order."""
        return tuple(self.checkpoints)


def load_catalog(path: Path | None = None, default: str | None = None) -> Catalog:
    """Return what `read_catalog` reads, once every checkpoint's files are checked, too."""
    catalog = read_catalog(path, default)
    for checkpoint in catalog.checkpoints.values():
        check_files(checkpoint)
    return catalog


def check_files(checkpoint: Checkpoint) -> None:
    """Raise CheckpointUnavailable, naming the files, where what is on this machine is not whole."""
    name, source, config = checkpoint.name, checkpoint.source, checkpoint.config
    if not isinstance(source, Path):
        return
    if not is_file_name(source.name) or source.is_dir():
        check_folder(name, source)
        return
    check_file(name, source)
    if config is None:
        raise CheckpointUnavailable(
            name,
            f"{source.name} needs config in the catalog: a diffusers folder or a hub id that says"
            " how it is built",
        )
    if isinstance(config, Path):
        check_configs(name, config)


def read_catalog(path: Path | None = None, default: str | None = None) -> Catalog:
    """Return the owner's checkpoints with the embedded one after them.

    ``path`` is the owner's file. ``default`` is the one-line setting: a name from the catalog, or
    a folder or hub id, which joins the catalog. Without it the file's ``default`` holds, then the
    file's first checkpoint. Raises CatalogInvalid (file and key) or CheckpointUnavailable.
    """
    checkpoints: dict[str, Checkpoint] = {}
    chosen = None
    if path is not None:
        chosen, checkpoints = _read(path)
    checkpoints.setdefault(EMBEDDED.name, EMBEDDED)
    if default and default not in checkpoints:
        added = _from_setting(default, taken=checkpoints)
        checkpoints[added.name] = added
        default = added.name
    return Catalog(checkpoints, default or chosen or next(iter(checkpoints)))


def _read(path: Path) -> tuple[str | None, dict[str, Checkpoint]]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CatalogInvalid(path, error.strerror or str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogInvalid(path, f"not valid TOML: {error}") from error
    for key in table.keys() - {"default", "checkpoints"}:
        raise CatalogInvalid(path, f"unknown key {key}; only default and checkpoints are known")
    entries = table.get("checkpoints", {})
    if not isinstance(entries, dict):
        raise CatalogInvalid(path, 'checkpoints must be tables, as in [checkpoints."A name"]')
    checkpoints = {name: _checkpoint(path, name, entry) for name, entry in entries.items()}
    default = table.get("default")
    if default is not None and default not in (*checkpoints, EMBEDDED.name):
        raise CatalogInvalid(path, f"default must name one of its checkpoints, not {default!r}")
    return default, checkpoints


# What TOML may hold for each field; an int is welcome where a float is.
_TYPES: dict[str, tuple[type, ...]] = {
    "source": (str,),
    "revision": (str,),
    "config": (str,),
    "prediction_type": (str,),
    "size": (int,),
    "num_inference_steps": (int,),
    "guidance_scale": (float, int),
    "sampler": (str,),
    "lcm": (bool,),
}
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _checkpoint(path: Path, name: str, entry: object) -> Checkpoint:
    place = f"checkpoints.{name}"
    if not isinstance(entry, dict):
        raise CatalogInvalid(path, f"{place} must be a table")
    for key, value in entry.items():
        if key not in _TYPES:
            raise CatalogInvalid(path, f"{place}.{key} is unknown; known are {', '.join(_TYPES)}")
        if type(value) not in _TYPES[key]:  # a bool would pass for an int
            wanted = _WORDS[_TYPES[key][0]]
            raise CatalogInvalid(path, f"{place}.{key} must be {wanted}, not {value!r}")
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


def _source(name: str, text: str, base: Path) -> Path | str:
    """Read a folder or a single file (from ``base`` on) or, where there is none, a hub id."""
    place = base / Path(text).expanduser()
    if place.is_dir() or is_file_name(text):
        return place.resolve()
    if HUB_ID.fullmatch(text):
        return text
    raise CheckpointUnavailable(name, f"{text} is neither a folder nor a hub id (owner/name)")


def _from_setting(setting: str, taken: Mapping[str, Checkpoint]) -> Checkpoint:
    source = _source(setting, setting, Path())
    name = KNOWN_NAMES.get(setting, Path(source).name)
    return Checkpoint(name=setting if name in taken or not name else name, source=source)

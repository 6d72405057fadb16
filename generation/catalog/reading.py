"""Reads the owner's catalog file, over what was found in folders. Imports no torch."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from generation.catalog.adapter_tables import adapter_with
from generation.catalog.adapters import Adapter, adapter_named, adapter_of, each_once
from generation.catalog.catalog import EMBEDDED, STYLES, Catalog, Checkpoint
from generation.catalog.defaults import settings_of_source
from generation.catalog.tables import checked, parse_toml, roles_of, sampler_of
from generation.errors import (
    AdapterUnavailable,
    CatalogInvalid,
    CheckpointUnavailable,
    GenerationError,
    InvalidRequest,
)
from generation.library.naming import unused
from generation.loading.checkpoint_folder import (
    check_checker,
    check_configs,
    check_folder,
)
from generation.loading.detect import PICKLES, inspect_file
from generation.loading.single_file import check_file
from generation.phrases import Phrase
from generation.prompts.adapters import merge_adapters, read_adapter
from generation.styles import Style

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
KNOWN_NAMES = {"stable-diffusion-v1-5/stable-diffusion-v1-5": "Stable Diffusion v1.5"}
SUFFIXES = (".safetensors", ".sft")

_TABLES = ("checkpoints", "adapters", "styles")
# The TOML types allowed for each field; an int is accepted for a float.
_SOURCE: dict[str, tuple[type, ...]] = {"source": (str,), "revision": (str,)}
_SETTINGS: dict[str, tuple[type, ...]] = {
    "config": (str,),
    "parts": (list,),
    "family": (str,),
    "prediction_type": (str,),
    "timestep_spacing": (str,),
    "zero_terminal_snr": (bool,),
    "shift": (float, int),
    "size": (int,),
    "num_inference_steps": (int,),
    "guidance_scale": (float, int),
    "sampler": (str,),
    "lcm": (bool,),
    "age_restricted": (bool,),
    "roles": (list, int, str),
}
_STYLE: dict[str, tuple[type, ...]] = {
    "prompt": (str,),
    "negative_prompt": (str,),
    "description": (str,),
    "checkpoints": (list,),
    "adapters": (list,),
    "age_restricted": (bool,),
}


@dataclass(frozen=True, slots=True)
class Offers:
    """A catalog, and what is wrong with parts of it that were left out, a line of English each."""

    catalog: Catalog
    notes: tuple[str, ...] = ()


def is_file_name(text: str) -> bool:
    """Whether a catalog's ``source`` means a single file, even one of an unsupported type."""
    return Path(text).suffix.lower() in (*SUFFIXES, *PICKLES)


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
    configs = config if isinstance(config, Path) else None
    if configs is not None:
        check_configs(name, configs, checkpoint.architecture)
    check_file(name, source, checkpoint.architecture, checkpoint.parts, configs)


def read_catalog(path: Path | None = None, default: str | None = None) -> Catalog:
    """Return the owner's checkpoints and styles, followed by the built-in ones.

    ``path`` is the owner's file. ``default`` is the one-line setting: a name from the catalog, or a
    folder or hub id, which is added to the catalog. Without it, the file's ``default`` applies,
    then the file's first checkpoint. Raises CatalogInvalid (file and key) or CheckpointUnavailable.
    """
    return read_offers(path, default, None).catalog


def read_offers(
    path: Path | None,
    default: str | None,
    found: Mapping[str, Checkpoint] | None,
    adapters: Mapping[str, Adapter] | None = None,
    embeddings: Mapping[str, Adapter] | None = None,
) -> Offers:
    """Return what `read_catalog` does, with what was ``found`` in folders.

    The owner's file may speak of those by their names, or as the ``source``. What it says of some
    that are not there any more becomes a note: a disk that is away keeps nobody from the others.
    Without a default, it is the file that has been there longest. None means that there are no
    folders. Raises CatalogInvalid for what is wrong whatever is found.
    """
    reading = _Reading(path, dict(found or {}), dict(adapters or {}), strict=found is None)
    offers = reading.offers(default)
    offers.catalog.embeddings = dict(embeddings or {})
    return offers


def settings_of(path: Path, place: str, entry: object) -> dict[str, Any]:
    """Return a table's settings for a Checkpoint; raises CatalogInvalid, naming key and bound."""
    return _settings(path, place, checked(path, place, entry, _SETTINGS))


class _Reading:
    """One reading of the owner's file. If it is not ``strict``, names of others may be unknown."""

    def __init__(
        self,
        path: Path | None,
        found: dict[str, Checkpoint],
        adapters: dict[str, Adapter],
        *,
        strict: bool,
    ) -> None:
        self._path, self._found, self._strict = path, found, strict
        self._adapters, self._own = adapters, dict[str, Adapter]()
        self._notes: list[str] = []
        self._checkpoints: dict[str, Checkpoint] = {}
        self._styles: dict[str, Style] = {}

    def offers(self, default: str | None) -> Offers:
        chosen = None
        if self._path is not None:
            chosen = self._read(self._path)
        first = next(iter(self._checkpoints), None) or _oldest(self._found)
        taken = {name.casefold() for name in (*self._checkpoints, EMBEDDED.name)}
        for name in sorted(self._found, key=str.casefold):
            free = unused([name], taken)  # the owner's own names come first
            self._checkpoints[free] = replace(self._found[name], name=free)
            first = free if first == name else first
            taken.add(free.casefold())
        self._checkpoints.setdefault(EMBEDDED.name, EMBEDDED)
        for style in STYLES:
            self._styles.setdefault(style.name, style)
        if default and default not in self._checkpoints:
            try:
                added = _from_setting(default, taken=self._checkpoints)
                self._checkpoints[added.name], default = added, added.name
            except CheckpointUnavailable as error:
                self._tell(error)
        for wanted in (default, chosen, first, EMBEDDED.name):
            if wanted in self._checkpoints:
                adapters = each_once([*self._own.values(), *self._adapters.values()])
                catalog = Catalog(self._checkpoints, wanted, self._styles, adapters=adapters)
                return Offers(catalog, tuple(self._notes))
        raise AssertionError("the built-in one is always there")

    def _read(self, path: Path) -> str | None:
        """Read the file; return its default."""
        table = _read(path)
        for name, entry in table["checkpoints"].items():
            try:
                checkpoint = self._checkpoint(path, name, entry)
                self._checkpoints[checkpoint.name] = checkpoint
            except CheckpointUnavailable as error:
                self._tell(error)
        for name, entry in table["adapters"].items():
            try:
                self._adapter(path, name, entry)
            except AdapterUnavailable as error:
                self._tell(error)
        known = {*self._checkpoints, *self._found, EMBEDDED.name}
        for name, entry in table["styles"].items():
            self._styles[name] = style = _style(path, name, entry)
            for one in style.checkpoints:
                if one not in known:
                    reason = f"styles.{name}.checkpoints names {one!r}, which is none of them"
                    self._tell(CatalogInvalid(path, reason))
            offered = {**self._adapters, **self._own}
            for use in style.adapters:
                if adapter_named(use.name, offered) is None:
                    reason = f"styles.{name}.adapters names {use.name!r}, which is none of them"
                    self._tell(CatalogInvalid(path, reason))
        default = table.get("default")
        if default is None or (isinstance(default, str) and default in known):
            return default
        reason = f"default must name one of its checkpoints, not {default!r}"
        self._tell(CatalogInvalid(path, reason))
        return None

    def _checkpoint(self, path: Path, name: str, entry: object) -> Checkpoint:
        """Return a table's checkpoint, over the one that was found in a folder if it is of that."""
        place = f"checkpoints.{name}"
        known = {**_SOURCE, **_SETTINGS, "title": (str,)}
        written = checked(path, place, entry, known)
        title = written.pop("title", name)
        settings = _settings(path, place, written)
        if "source" not in settings:
            if self._strict:
                raise CatalogInvalid(
                    path, f"{place}.source is missing: a folder, a file or a hub id"
                )
            found = self._found.pop(name, None)
            if found is None:
                raise CheckpointUnavailable(name, Phrase("checkpoint-not-found"))
        else:
            settings["source"] = source = _source(name, settings["source"], path.parent)
            found = self._taken(source)
            if found is None and isinstance(source, Path):
                settings = {**settings_of_source(source), **settings}
            if isinstance(source, Path) and not source.exists() and not self._strict:
                raise CheckpointUnavailable(
                    name, Phrase("checkpoint-file-missing", file=str(source))
                )
        try:
            if found is not None:
                return replace(found, **settings, name=title)
            return Checkpoint(name=title, **settings)
        except InvalidRequest as error:
            raise CatalogInvalid(path, f"{place}: {error}") from error

    def _adapter(self, path: Path, name: str, entry: object) -> None:
        """Add a table's adapter, or what it says of the one that was found in a folder."""
        place = f"adapters.{name}"
        source = None
        if isinstance(entry, dict):
            source = entry.get("source")
            entry = {key: value for key, value in entry.items() if key != "source"}
        if source is None:
            found = adapter_named(name, self._adapters)
            if found is None:
                # It is read all the same, so that what is wrong with it is said.
                adapter_with(Adapter(name=name, path=path), path, place, entry)
                raise AdapterUnavailable(name, Phrase("adapter-not-found"))
            name = found.name
        elif isinstance(source, str) and Path(source).suffix.lower() in SUFFIXES:
            file = _absolute(path.parent, source)
            found = next((one for one in self._adapters.values() if one.path == file), None)
            if found is None and not file.is_file():
                raise AdapterUnavailable(name, Phrase("checkpoint-file-missing", file=str(file)))
            found = found or adapter_of(inspect_file(file))
        else:
            raise CatalogInvalid(path, f"{place}.source must be a file, such as ink.safetensors")
        self._adapters.pop(found.name, None)
        try:
            own = replace(found, name=name)
        except InvalidRequest as error:
            raise CatalogInvalid(path, f"{place}: {error}") from error
        self._own[own.name] = adapter_with(own, path, place, entry)

    def _taken(self, source: Path | str) -> Checkpoint | None:
        """Take the found checkpoint that this source means, so that it is listed once."""
        if isinstance(source, Path):
            real = os.path.realpath(source)
            for name, one in self._found.items():
                if isinstance(one.source, Path) and os.path.realpath(one.source) == real:
                    return self._found.pop(name)
        return None

    def _tell(self, error: GenerationError) -> None:
        """Raise an error about what is not there, or note it where that is no mistake."""
        if self._strict:
            raise error
        self._notes.append(str(error))


def _oldest(found: Mapping[str, Checkpoint]) -> str | None:
    """Return the name of the checkpoint whose file has not been changed for longest."""
    return min(found, key=lambda name: ((found[name].changed or (0, 0))[1], name), default=None)


def _read(path: Path) -> dict[str, Any]:
    """Return the file's tables; raises CatalogInvalid."""
    try:
        table = parse_toml(path.read_bytes())
    except OSError as error:
        raise CatalogInvalid(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise CatalogInvalid(path, str(error)) from error
    for key in table.keys() - {"default", *_TABLES}:
        known = "default, checkpoints, adapters and styles"
        raise CatalogInvalid(path, f"unknown key {key}; only {known} are known")
    for key in _TABLES:
        if not isinstance(table.setdefault(key, {}), dict):
            raise CatalogInvalid(path, f'{key} must be tables, as in [{key}."A name"]')
    return table


def _settings(path: Path, place: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checkpoint's settings from values of the right types; raises CatalogInvalid."""
    settings = dict(written)
    if (sampler := settings.get("sampler")) is not None:
        settings["sampler"] = sampler_of(path, place, sampler)
    if "config" in settings:
        settings["config"] = _source(place, settings["config"], path.parent)
    if "parts" in settings:
        settings["parts"] = _parts(path, place, settings["parts"])
    if "roles" in settings:
        settings["roles"] = roles_of(path, place, settings["roles"])
    return settings


def _parts(path: Path, place: str, written: list[object]) -> tuple[Path, ...]:
    """Return the files of a list, relative to that of the catalog."""
    if not all(isinstance(one, str) and is_file_name(one) for one in written):
        raise CatalogInvalid(
            path, f"{place}.parts must be a list of files, such as vae.safetensors"
        )
    return tuple(_absolute(path.parent, str(one)) for one in written)


def _absolute(base: Path, text: str) -> Path:
    """Return the path of a file; a link keeps its name, by which its type is known."""
    return Path(os.path.abspath(base / Path(text).expanduser()))  # noqa: PTH100


def _style(path: Path, name: str, entry: object) -> Style:
    place = f"styles.{name}"
    settings = checked(path, place, entry, _STYLE)
    if "prompt" not in settings:
        raise CatalogInvalid(path, f"{place}.prompt is missing: a text with {{prompt}} in it")
    if "checkpoints" in settings:
        settings["checkpoints"] = tuple(settings["checkpoints"])
    try:
        if "adapters" in settings:
            uses = (read_adapter(f"<lora:{one}>", "adapters") for one in settings["adapters"])
            settings["adapters"] = merge_adapters(uses)
        return Style(name=name, **settings)
    except InvalidRequest as error:
        raise CatalogInvalid(path, f"{place}: {error}") from error


def _source(name: str, text: str, base: Path) -> Path | str:
    """Parse a folder or a single file (relative to ``base``) or, if neither exists, a hub id."""
    place = base / Path(text).expanduser()
    if place.is_dir():
        return place.resolve()
    if is_file_name(text):
        return _absolute(base, text)
    if HUB_ID.fullmatch(text):
        return text
    raise CheckpointUnavailable(name, Phrase("checkpoint-no-source", source=text))


def _from_setting(setting: str, taken: Mapping[str, Checkpoint]) -> Checkpoint:
    source = _source(setting, setting, Path())
    name = KNOWN_NAMES.get(setting, Path(source).name)
    said = settings_of_source(source) if isinstance(source, Path) else {}
    return Checkpoint(name=setting if name in taken or not name else name, source=source, **said)

"""What a node has: which Darkroom, and which of the bot's models. Imports no Ray."""

import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import generation
from generation.catalog import Catalog
from generation.library.folder_list import folders_in

PACKAGE = Path(generation.__file__).parent
MODELS = "MODELS__FOLDERS"  # on a node, the environment's; as in the bot's settings
SECRET = "DISCORD__"  # begins what no node needs to know  # noqa: S105 - a prefix
_KINDS = ("checkpoints", "adapters", "embeddings", "controls", "references")
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Version:
    """Which Darkroom runs: its version, and a hash of the code that draws."""

    release: str
    code: str

    def __str__(self) -> str:
        return f"{self.release} (code {self.code})"


@cache
def version() -> Version:
    """Return this process's; the code is read once."""
    try:
        release = importlib.metadata.version("darkroom")
    except importlib.metadata.PackageNotFoundError:
        release = "unknown"
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(file.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return Version(release, digest.hexdigest()[:12])


def forget_secrets() -> None:
    """Remove what is for the bot alone from this process's environment, and its children's."""
    for name in list(os.environ):
        if name.upper().startswith(SECRET):
            del os.environ[name]


def own_folders() -> tuple[Path, ...]:
    """Return this node's folders of models; raises ValueError if they are misspelt."""
    written = os.environ.get(MODELS, "")
    return tuple(folders_in(written)) if written.strip() else ()


def data_folder() -> Path:
    """Return where this node keeps what it measured, which need not exist."""
    if platform.system() == "Windows":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "darkroom"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "darkroom"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the bot has its models and its package, and where they may be on this node."""

    theirs: tuple[Path, ...]
    package: Path
    ours: tuple[Path, ...]

    def find(self, path: Path) -> Path | None:
        """Return where a file or folder of the bot's is here; None if it is not.

        At the same place below one of the folders of models, else at the very same path.
        """
        if path.is_relative_to(self.package):
            return PACKAGE / path.relative_to(self.package)
        for folder in self.theirs:
            if path.is_relative_to(folder):
                inside = path.relative_to(folder)
                for own in self.ours:
                    if (own / inside).exists():
                        return own / inside
        return path if path.exists() else None


def localized(catalog: Catalog, places: Places) -> tuple[Catalog, frozenset[str]]:
    """Return the catalog with this node's paths, and the names of what it lacks, in lower case.

    What is lacking keeps the bot's paths, so that whoever loads it is told which file is not there.
    """
    lacking: set[str] = set()
    changes: dict[str, Any] = {
        kind: _all_here(getattr(catalog, kind), places, lacking) for kind in _KINDS
    }
    return replace(catalog, **changes), frozenset(lacking)


def _all_here(offered: Mapping[str, Kept], places: Places, lacking: set[str]) -> dict[str, Kept]:
    here = {}
    for name, one in offered.items():
        try:
            here[name] = _here(one, places)
        except FileNotFoundError:
            lacking |= {name.lower(), getattr(one, "alias", "").lower()} - {""}
            here[name] = one
    return here


def _here(one: Kept, places: Places) -> Kept:
    """Return a checkpoint or the like with this node's paths; raises FileNotFoundError."""
    changes: dict[str, Any] = {}
    for field in fields(one):  # type: ignore[arg-type]
        value = getattr(one, field.name)
        if field.name == "picture":  # which workers do not look at
            continue
        if isinstance(value, Path):
            changes[field.name] = _found(value, places)
        elif isinstance(value, tuple) and any(isinstance(part, Path) for part in value):
            changes[field.name] = tuple(_found(part, places) for part in value)
    here: Kept = replace(one, **changes)  # type: ignore[type-var]
    return here


def _found(path: Path, places: Places) -> Path:
    found = places.find(path)
    if found is None:
        raise FileNotFoundError(path)
    return found


def absolute(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the folders as the paths in a catalog begin, which may be relative."""
    return tuple(dict.fromkeys(one for folder in folders for one in (folder, folder.absolute())))


def several(names: Sequence[str], most: int = 5) -> str:
    """Return the first of some names, for a line of the log."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

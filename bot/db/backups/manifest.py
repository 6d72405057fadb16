"""The list of what is in a backup, written last: without it a backup is not whole.

A JSON object a line: first the backup's format, its version of Darkroom, the database's revision
and the moment; then each file's name, size in bytes and SHA-256, in order; last how many files and
bytes that are, and the SHA-256 of the lines before.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bot.db.errors import BackupUnusable, StoreTooNew
from bot.db.files import sync_folder

MANIFEST = "manifest.jsonl"
UNFINISHED = "unfinished"  # there while a backup is being made, and after it was interrupted
FORMAT = 1
LONGEST_LINE = 1000  # characters


@dataclass(frozen=True, slots=True)
class Head:
    """What made a backup, and of which database."""

    revision: str
    made_at: str  # ISO 8601, UTC
    version: str
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a backup; the name has forward slashes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read to its end; its entries are read again when asked for."""

    folder: Path
    head: Head
    files: int
    bytes: int

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in order."""
        lines = _lines(self.folder)
        next(lines)
        for line in lines:
            found = _parsed(self.folder, line)
            if "files" in found:
                return
            yield _made(self.folder, Entry, found)


def this_version() -> str:
    """Return Darkroom's version; empty where it is not installed."""
    try:
        return version("darkroom")
    except PackageNotFoundError:
        return ""


def write(folder: Path, head: Head, entries: Iterable[Entry]) -> None:
    """Write a manifest; it is there whole or not at all."""
    digest, files, total = hashlib.sha256(), 0, 0
    part = folder / f"{MANIFEST}.part"
    part.unlink(missing_ok=True)
    part.touch(0o600)
    with part.open("w", encoding="utf-8", newline="\n") as out:

        def put(line: dict[str, Any]) -> None:
            text = json.dumps(line) + "\n"
            digest.update(text.encode())
            out.write(text)

        put(asdict(head))
        for entry in entries:
            put(asdict(entry))
            files, total = files + 1, total + entry.size
        put({"files": files, "bytes": total, "sha256": digest.hexdigest()})
        out.flush()
        os.fsync(out.fileno())
    part.replace(folder / MANIFEST)
    sync_folder(folder)


def read(folder: Path) -> Manifest:
    """Read a manifest to its end; raises BackupUnusable, or StoreTooNew for a later format."""
    if folder.is_file():
        raise BackupUnusable(
            f"{folder} is no folder; `darkroom restore` takes tars of old releases"
        )
    if not folder.is_dir():
        raise BackupUnusable(f"{folder}: there is no such backup")
    if not (folder / MANIFEST).is_file():
        cause = "it was interrupted" if (folder / UNFINISHED).exists() else "it has no manifest"
        raise BackupUnusable(f"{folder} is no whole backup: {cause}")
    digest, files, total = hashlib.sha256(), 0, 0
    lines = _lines(folder)
    first = next(lines, "")
    head = _parsed(folder, first)
    if isinstance(head.get("format"), int) and head["format"] > FORMAT:
        raise StoreTooNew(f"{folder} was made by a newer Darkroom; update Darkroom")
    digest.update(first.encode())
    for line in lines:
        found = _parsed(folder, line)
        if "files" in found:
            end = {"files": files, "bytes": total, "sha256": digest.hexdigest()}
            if found != end or next(lines, None) is not None:
                raise _damaged(folder)
            return Manifest(folder, _made(folder, Head, head), files, total)
        digest.update(line.encode())
        files, total = files + 1, total + _made(folder, Entry, found).size
    raise _damaged(folder)


def _lines(folder: Path) -> Iterator[str]:
    with (folder / MANIFEST).open(encoding="utf-8", errors="replace", newline="\n") as file:
        while line := file.readline(LONGEST_LINE):
            yield line


def _parsed(folder: Path, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line) if line.endswith("\n") else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _damaged(folder)
    return found


def _made(folder: Path, kind: type[Any], found: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return the record of a line; raises BackupUnusable if it is none."""
    try:
        made = kind(**found)
    except TypeError:
        raise _damaged(folder) from None
    if any(type(found[name]).__name__ != known for name, known in _types(kind).items()):
        raise _damaged(folder)
    return made


def _types(kind: type[Any]) -> dict[str, str]:
    return {name: field.type.__name__ for name, field in kind.__dataclass_fields__.items()}


def _damaged(folder: Path) -> BackupUnusable:
    return BackupUnusable(f"{folder / MANIFEST} is damaged, or not whole")

"""Adds models to a folder, and removes them: `darkroom models add` and `remove`.

What is fetched or copied lies in a hidden folder until it is whole and its header has been read.
Then it moves to where its kind lies in this folder, whichever program's layout that has.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from generation.library.fetching.download import (
    CHUNK,
    PART,
    Progress,
    check_address,
    check_space,
    connected,
    fetch,
    file_name,
)
from generation.library.fetching.sites import Found, NotFetched, Remote, Sites, find
from generation.library.headers import HeaderReader
from generation.library.layout import BESIDE, PLACES, walk
from generation.loading.detect import Kind, ModelFile

STAGING = ".darkroom"
_DEEPER = ("models",)  # where programs keep the folders of each kind

# Called with a file's name before it is fetched; returns what its progress is told to.
Begin = Callable[[str], Progress]


@dataclass(frozen=True, slots=True)
class Added:
    """A model that was added: what it is, where it lies now, and whether a SHA-256 was compared."""

    file: ModelFile
    verified: bool


async def add(what: str, root: Path, begin: Begin, sites: Sites | None = None) -> Added:
    """Add what an address, a hub id or a file on this machine has; raises NotFetched."""
    staging = root / STAGING
    try:
        await asyncio.to_thread(staging.mkdir, parents=True, exist_ok=True)
        if "://" in what:
            check_address(what, what)
        elif (local := _local(what)) is not None:
            staged = await asyncio.to_thread(_copy, local, staging, begin(local.name))
            return await asyncio.to_thread(_shelve, staged, root, verified=False)
        sites = sites or Sites()
        async with connected() as session:
            found = await find(what, sites, session)
            if found.folder is not None:
                return await _add_folder(found, found.folder, root, begin, sites)
            (remote,) = found.files
            await asyncio.to_thread(_refuse_twice, remote.name, root)
            progress = begin(remote.name or "the file")
            staged, verified = await fetch(remote, staging, session, sites, progress)
        return await asyncio.to_thread(_shelve, staged, root, verified=verified)
    except OSError as error:
        raise NotFetched(f"{error.filename or root}: {error.strerror}") from error


def place_for(kind: Kind, root: Path) -> Path:
    """Return where files of a kind lie in a folder: as its program has it, else as we do."""
    names = PLACES.get(kind, ())
    for base in (*(root / name for name in _DEEPER), root):
        if not base.is_dir():
            continue
        there = {one.name.lower(): one for one in base.iterdir() if one.is_dir()}
        for name in names:
            if name in there:
                return there[name]
    base = next((root / name for name in _DEEPER if (root / name).is_dir()), root)
    return base / names[0] if names else base


def goes_with(path: Path, beside: Mapping[str, str]) -> list[Path]:
    """Return what goes with a model when it is removed: its settings, title and pictures."""
    return [path.parent / beside[end] for end in BESIDE if end in beside]


def bytes_of(path: Path) -> int:
    """Return how many bytes of the disk removing this frees; of a link, none of its target's."""
    if path.is_symlink():
        return 0
    if not path.is_dir():
        found = path.stat()
        return found.st_size if found.st_nlink == 1 else 0
    return sum(bytes_of(one) for one in path.rglob("*") if one.is_symlink() or one.is_file())


def remove(path: Path) -> None:
    """Remove a model; of a link, the link only. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


async def _add_folder(found: Found, name: str, root: Path, begin: Begin, sites: Sites) -> Added:
    """Fetch a folder in diffusers' format; it has its name when all of it is there."""
    target = _free(place_for(Kind.CHECKPOINT, root) / name)
    staged = root / STAGING / name
    verified = True
    async with connected() as session:
        missing = [one for one in found.files if not _is_there(staged, one)]
        check_space(root, sum(one.size or 0 for one in missing))
        for remote in missing:
            folder = staged / (remote.folder or "")
            folder.mkdir(parents=True, exist_ok=True)
            _, compared = await fetch(remote, folder, session, sites, begin(remote.name))
            verified = verified and (compared or not remote.name.endswith(".safetensors"))
    file = await asyncio.to_thread(_inspected, staged)
    target.parent.mkdir(parents=True, exist_ok=True)
    staged.rename(target)
    return Added(replace(file, path=target), verified)


def _local(what: str) -> Path | None:
    path = Path(what).expanduser()
    return path if path.is_file() else None


def _refuse_twice(name: str, root: Path) -> None:
    """Raise NotFetched if there is a file of this name, before another is fetched."""
    for one in walk([root]):
        if one.path.name == name:
            raise NotFetched(f"{one.path} is there already")


def _is_there(staged: Path, remote: Remote) -> bool:
    path = staged / (remote.folder or "") / remote.name
    return path.is_file() and (remote.size is None or path.stat().st_size == remote.size)


def _copy(source: Path, staging: Path, progress: Progress) -> Path:
    """Copy a file of this machine; raises NotFetched before that if it is not readable."""
    name = file_name(source.name)
    with HeaderReader() as reader:
        file = reader.read(source.absolute())
    if file.problem is not None:
        raise NotFetched(file.problem)
    size, done = source.stat().st_size, 0
    check_space(staging, size)
    part = staging / f"{name}{PART}"
    with source.open("rb") as old, part.open("wb") as new:
        while chunk := old.read(CHUNK):
            new.write(chunk)
            done += len(chunk)
            progress(done, size)
    staged = staging / name
    part.replace(staged)
    return staged


def _shelve(staged: Path, root: Path, *, verified: bool) -> Added:
    """Move a whole file to where its kind lies; raises NotFetched if it is not one to keep."""
    file = _inspected(staged)
    folder = place_for(file.kind, root)
    folder.mkdir(parents=True, exist_ok=True)
    target = _free(folder / staged.name)
    with staged.open("rb") as opened:
        os.fsync(opened.fileno())
    staged.rename(target)
    return Added(replace(file, path=target), verified)


def _inspected(staged: Path) -> ModelFile:
    with HeaderReader() as reader:
        file = reader.read(staged)
    if file.problem is not None:
        remove(staged)
        raise NotFetched(f"{file.problem}; it is removed")
    return file


def _free(target: Path) -> Path:
    if target.exists() or target.is_symlink():
        raise NotFetched(f"{target} is there already")
    return target

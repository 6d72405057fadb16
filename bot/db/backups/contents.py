"""What is in a backup: names, copying with digests, and which files a database needs."""

import hashlib
import os
import re
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bot.db.backups.manifest import MANIFEST, UNFINISHED, Entry, Manifest
from bot.db.database import FILE_NAME
from bot.db.errors import BackupUnusable
from bot.db.examination import needed
from bot.db.picture_files import FOLDERS, PICTURES

UPLOADS = "uploads"
FOLDERS_THERE = (*FOLDERS, UPLOADS)
NAMES = re.compile(
    rf"{re.escape(FILE_NAME)}|pictures/[0-9a-f]{{2}}/[0-9a-f]{{64}}\.png"
    r"|thumbnails/[0-9a-f]{2}/[0-9a-f]{64}\.webp|uploads/[0-9]{1,20}/[0-9a-f]{64}"
)
# The columns that name files, as far as a database of an earlier release has them.
NAMED = {"pictures": "sha256", "jobs": "source_sha256", "job_inputs": "sha256"}
CHUNK_BYTES = 2**20
DEEPEST = 2  # folders are at most two deep

Tell = Callable[[int, int], None]  # how much is done, of how much
Take = Callable[[str], tuple[int, str]]  # a name → its size and SHA-256


def named(database: Path) -> set[str]:
    """Return the SHA-256 of every picture that a row names, there or not."""
    with closing(sqlite3.connect(database)) as connection:
        columns = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for table in NAMED
        }
        return {
            sha256
            for table, column in NAMED.items()
            if column in columns[table]
            for (sha256,) in connection.execute(f"SELECT {column} FROM {table}")  # noqa: S608
        } - {None}


def needed_by(database: Path) -> set[str]:
    """Return the SHA-256 of every picture that should be there."""
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?immutable=1", uri=True)) as opened:
        return {sha256 for sha256, _ in needed(opened)}


def copy(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file to a new one that only its owner may read; return its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    make_private(target.parent)
    with source.open("rb") as file:
        target.touch(0o600, exist_ok=False)
        with target.open("wb") as out:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                out.write(chunk)
                size += len(chunk)
            out.flush()
            os.fsync(out.fileno())
        found = os.fstat(file.fileno())
    os.utime(target, ns=(found.st_mtime_ns, found.st_mtime_ns))
    return size, digest.hexdigest()


def make_private(folder: Path) -> None:
    """Create a folder and those around it, which only their owner may read."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def measure(path: Path) -> tuple[int, str]:
    """Return a file's size and SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return os.fstat(file.fileno()).st_size, digest


def is_genuine(entry: Entry) -> bool:
    """Tell whether a file is what its name says; thumbnails and databases have other names."""
    path = Path(entry.name)
    named_by_content = path.parts[0] in (PICTURES, UPLOADS)
    return not named_by_content or path.stem == entry.sha256


def listed(folder: Path) -> set[str]:
    """Return the names of a backup's files; raises BackupUnusable for links and strange files."""
    found, folders = set(), [folder]
    while folders:
        for path in folders.pop().iterdir():
            name, what = path.relative_to(folder).as_posix(), path.lstat()
            if stat.S_ISDIR(what.st_mode) and not _is_link(what) and name.count("/") < DEEPEST:
                folders.append(path)
            elif not stat.S_ISREG(what.st_mode) or _is_link(what):
                raise BackupUnusable(f"{folder}: {name!r} is a link, or no ordinary file")
            elif name not in (MANIFEST, UNFINISHED):
                found.add(_checked(folder, name))
    return found


def check(manifest: Manifest, take: Take, tell: Tell) -> None:
    """Hold every file against the manifest; raises BackupUnusable for the first that differs.

    ``take`` reads a file, and may copy it.
    """
    folder, seen, done, last = manifest.folder, 0, 0, ""
    present = listed(folder)
    for entry in manifest.entries():
        if _checked(folder, entry.name) <= last:
            raise BackupUnusable(f"{folder}: its manifest names {entry.name} twice")
        last = entry.name
        if entry.name not in present:
            raise BackupUnusable(f"{folder}: {entry.name} is missing")
        if take(entry.name) != (entry.size, entry.sha256) or not is_genuine(entry):
            raise BackupUnusable(f"{folder}: {entry.name} is damaged")
        seen, done = seen + 1, done + entry.size
        tell(done, manifest.bytes)
    if seen != len(present):
        raise BackupUnusable(f"{folder} has {len(present) - seen} files that its manifest has not")
    if FILE_NAME not in present:
        raise BackupUnusable(f"{folder} is no backup: there is no {FILE_NAME} in it")


def _checked(folder: Path, name: str) -> str:
    if not NAMES.fullmatch(name):
        raise BackupUnusable(f"{folder}: {name!r} is in no backup of Darkroom's")
    return name


def _is_link(found: os.stat_result) -> bool:
    """Tell whether it leads elsewhere; on Windows a junction does too, and looks like a folder."""
    return stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_reparse_tag", 0))

"""Backups: a whole data folder as one tar file, and restoring it.

A backup contains the database, the pictures that its rows name, their thumbnails, and the files
waiting for a form. What can be recreated (measurements, logs) is left out.
"""

import hashlib
import logging
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bot.db.database import FILE_NAME, check_sqlite
from bot.db.errors import BackupUnusable
from bot.db.examination import check_database
from bot.db.faults import as_store_errors
from bot.db.files import PART, sync_folder
from bot.db.occupancy import RESTORING, occupied_to_restore
from bot.db.picture_files import FOLDERS, picture_file, thumbnail_file

log = logging.getLogger(__name__)

UPLOADS = "uploads"
MOVED = (FILE_NAME, *FOLDERS, UPLOADS)
# SQLite's files beside the database, which belong to that database only.
BESIDE = (f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", f"{FILE_NAME}-journal")
NAMES = re.compile(
    rf"{re.escape(FILE_NAME)}|pictures/[0-9a-f]{{2}}/[0-9a-f]{{64}}\.png"
    r"|thumbnails/[0-9a-f]{2}/[0-9a-f]{64}\.webp|uploads/\d{1,20}/[0-9a-f]{64}"
)
# The columns that name files, as far as a database of an earlier release has them.
NAMED = {"pictures": "sha256", "jobs": "source_sha256", "job_inputs": "sha256"}


def back_up(folder: Path, file: Path) -> int:
    """Write a data folder to a new tar file while it is in use; return its size in bytes.

    Only its owner can read it, as it contains prompts. Raises StoreError, and leaves nothing
    behind.
    """
    check_sqlite()
    database = folder / FILE_NAME
    if not database.exists():
        raise BackupUnusable(f"{database}: there is nothing to back up")
    if file.exists():
        raise BackupUnusable(f"{file} is there already; choose another name, or remove it")
    with as_store_errors(), tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as work:
        # Rows first: a file is written before its row, so none is missing afterwards.
        copy, whole = Path(work) / FILE_NAME, Path(work) / f"{file.name}{PART}"
        _copy_database(database, copy)
        check_database(copy)
        whole.touch(0o600, exist_ok=False)
        with whole.open("wb") as stream:
            with tarfile.open(fileobj=stream, mode="w") as tar:
                tar.add(copy, FILE_NAME)
                for path in _files(folder, copy):
                    _add(tar, path, path.relative_to(folder).as_posix())
            stream.flush()
            os.fsync(stream.fileno())
        whole.rename(file)
        sync_folder(file.parent)
        return file.stat().st_size


def restore(folder: Path, file: Path) -> Path | None:
    """Replace the data folder with a backup; return where the old one is now, if any.

    The backup is unpacked and examined before anything is moved. Raises StoreInUse if Darkroom is
    running, or StoreError; then nothing has changed.
    """
    check_sqlite()
    if not file.is_file():
        raise BackupUnusable(f"{file}: there is no such file")
    with occupied_to_restore(folder), as_store_errors():
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as work:
            staged = Path(work) / RESTORING
            staged.mkdir()
            _unpack(file, staged)
            check_database(staged / FILE_NAME)
            for name in BESIDE:  # left by the examination
                (staged / name).unlink(missing_ok=True)
            if (folder / RESTORING).exists():
                log.warning("an earlier restore was interrupted; this one begins anew")
                (folder / RESTORING).rename(Path(work) / "interrupted")
            # From here on no start proceeds until everything is in place.
            staged.rename(folder / RESTORING)
            sync_folder(folder)
        return _replace(folder)


def _replace(folder: Path) -> Path | None:
    aside = folder / f"replaced-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    present = [name for name in (*MOVED, *BESIDE) if (folder / name).exists()]
    if present:
        aside.mkdir(mode=0o700)
        for name in present:
            (folder / name).rename(aside / name)
    for name in MOVED:
        if (folder / RESTORING / name).exists():
            (folder / RESTORING / name).rename(folder / name)
    sync_folder(folder)
    (folder / RESTORING).rmdir()
    return aside if present else None


def _copy_database(source: Path, target: Path) -> None:
    """Copy one consistent state, including the write-ahead log, alongside any writer."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


def _files(folder: Path, database: Path) -> Iterator[Path]:
    """Yield the files of a database's rows that were not pruned."""
    with closing(sqlite3.connect(database)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        names = {
            name
            for table, column in NAMED.items()
            if table in tables
            for (name,) in connection.execute(f"SELECT {column} FROM {table}")  # noqa: S608
        }
    for sha256 in names - {None}:
        yield picture_file(folder, sha256)
        yield thumbnail_file(folder, sha256)
    yield from (one for one in folder.glob(f"{UPLOADS}/*/*") if one.suffix != PART)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    try:
        with path.open("rb") as file:
            tar.addfile(tar.gettarinfo(arcname=name, fileobj=file), file)
    except FileNotFoundError:
        return  # pruned, or removed just now


def _unpack(file: Path, folder: Path) -> None:
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                if not member.isfile() or not NAMES.fullmatch(member.name):
                    raise BackupUnusable(f"{file}: {member.name!r} is in no backup of Darkroom's")
                _write(tar, member, folder / member.name)
    except tarfile.TarError as error:
        raise BackupUnusable(f"{file} is no whole backup: {error}") from error
    if not (folder / FILE_NAME).exists():
        raise BackupUnusable(f"{file} is no backup: there is no {FILE_NAME} in it")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - it is a file
    path.touch(0o600, exist_ok=False)
    with content, path.open("wb") as out:
        shutil.copyfileobj(content, out)
        out.flush()
        os.fsync(out.fileno())
    os.utime(path, (member.mtime, member.mtime))
    if path.suffix == ".png" and _digest(path) != path.stem:
        raise BackupUnusable(f"{member.name} is damaged in the backup")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

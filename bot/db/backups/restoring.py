"""Restoring a backup, and examining one."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bot.db import replacing
from bot.db.backups import manifest, tar_archive
from bot.db.backups.contents import Tell, check, copy, measure, needed_by
from bot.db.backups.manifest import Head, Manifest
from bot.db.database import FILE_NAME, check_sqlite
from bot.db.errors import BackupUnusable, StoreFull
from bot.db.examination import check_database, check_revision, count_jobs, revision_of
from bot.db.faults import as_store_errors
from bot.db.occupancy import occupied
from bot.db.picture_files import PICTURES


@dataclass(frozen=True, slots=True)
class BackupState:
    """A backup that is whole; ``missing`` pictures were not there when it was made."""

    head: Head
    files: int
    bytes: int
    jobs: int
    open_jobs: int
    missing: int


def examine_backup(source: Path, tell: Tell = lambda _done, _of: None) -> BackupState:
    """Read all of a backup; raises BackupUnusable, StoreDamaged or StoreTooNew, or StoreError."""
    check_sqlite()
    with as_store_errors():
        found = _read(source)
        check(found, lambda name: measure(source / name), tell)
        database = source / FILE_NAME
        _check_database(found, database)
        there = {path.stem for path in source.glob(f"{PICTURES}/*/*")}
        jobs, open_jobs = count_jobs(database)
        missing = len(needed_by(database) - there)
        return BackupState(found.head, found.files, found.bytes, jobs, open_jobs, missing)


def restore(
    folder: Path,
    source: Path,
    *,
    replace: bool = False,
    tell: Tell = lambda _done, _of: None,
) -> Path | None:
    """Put a backup's data into a data folder; return where the old data is now, if there was any.

    With ``replace`` the folder may hold data, which is moved aside. The backup is copied and
    checked before anything is moved; from then on it is completed whatever happens. A file is a tar
    of an earlier release's. Raises StoreInUse if Darkroom is running, or StoreError; then nothing
    has changed.
    """
    check_sqlite()
    if not source.exists():
        raise BackupUnusable(f"{source}: there is no such backup")
    with occupied(folder), as_store_errors():
        if not replace and (folder / FILE_NAME).exists():
            raise BackupUnusable(f"{folder} holds data already; --replace moves that aside")
        with tempfile.TemporaryDirectory(
            dir=folder, prefix=replacing.UNPACKING, ignore_cleanup_errors=True
        ) as work:
            staged = Path(work) / replacing.RESTORING
            staged.mkdir()
            if source.is_dir():
                _copy(source, staged, tell)
            else:
                tar_archive.unpack(source, staged)
                check_database(staged / FILE_NAME, "immutable=1")
            return replacing.decide(folder, staged)


def _copy(source: Path, staged: Path, tell: Tell) -> None:
    found = _read(source)
    free = shutil.disk_usage(staged).free
    if found.bytes > free:
        raise StoreFull(f"{source} takes {found.bytes} bytes, and {free} are free")
    check(found, lambda name: copy(source / name, staged / name), tell)
    _check_database(found, staged / FILE_NAME)


def _read(source: Path) -> Manifest:
    found = manifest.read(source)
    check_revision(found.head.revision, source / FILE_NAME)
    return found


def _check_database(found: Manifest, database: Path) -> None:
    check_database(database, "immutable=1")
    if revision_of(database) != found.head.revision:
        raise BackupUnusable(f"{found.folder}: its database is of another revision than it says")

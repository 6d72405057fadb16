"""Making a backup of a data folder that is in use."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bot.db.backups import manifest
from bot.db.backups.contents import (
    FOLDERS_THERE,
    NAMES,
    UPLOADS,
    Tell,
    copy,
    is_genuine,
    make_private,
    measure,
    named,
    needed_by,
)
from bot.db.backups.manifest import MANIFEST, UNFINISHED, Entry, Head
from bot.db.database import FILE_NAME, check_sqlite
from bot.db.errors import BackupUnusable, StoreError
from bot.db.examination import check_database, revision_of
from bot.db.faults import as_store_errors
from bot.db.files import PART, sync_folder
from bot.db.picture_files import PICTURES, picture_file, thumbnail_file
from bot.db.replacing import interrupted

# What an interrupted backup may have left.
LEFT = {UNFINISHED, FILE_NAME, f"{FILE_NAME}-journal", f"{MANIFEST}{PART}", *FOLDERS_THERE}
BARRIER_S = 60.0  # to wait for a writer


@dataclass(frozen=True, slots=True)
class Made:
    """A backup: how much is in it, how many files it shares, and which pictures were missing."""

    files: int
    bytes: int
    shared: int
    missing: int


@dataclass(slots=True)
class _Making:
    """What was copied so far, and what an earlier backup beside it has."""

    folder: Path
    target: Path
    earlier: Path | None
    known: dict[str, Entry]
    taken: dict[str, Entry] = field(default_factory=dict)
    shared: int = 0


def back_up(folder: Path, target: Path, tell: Tell = lambda _done, _of: None) -> Made:
    """Copy a data folder into a new folder while it is in use; only its owner can read that.

    Files that an earlier backup beside it has are shared with that one by hard links, where the
    disk has such. Raises StoreError, and leaves nothing behind; a kill leaves a folder without a
    manifest, in which the next backup of that name goes on.
    """
    check_sqlite()
    if interrupted(folder):
        raise BackupUnusable(f"{folder}: a restore was interrupted; the next start completes it")
    if not (folder / FILE_NAME).exists():
        raise BackupUnusable(f"{folder / FILE_NAME}: there is nothing to back up")
    with _unfinished(target):
        made_at = datetime.now(UTC)
        earlier = _earlier(target)
        known = {} if earlier is None else {one.name: one for one in earlier.entries()}
        making = _Making(folder, target, None if earlier is None else earlier.folder, known)
        missing = _copy(making, tell)
        revision = revision_of(target / FILE_NAME)
        size, digest = measure(target / FILE_NAME)
        making.taken[FILE_NAME] = Entry(FILE_NAME, size, digest)
        entries = [making.taken[name] for name in sorted(making.taken)]
        head = Head(revision, made_at.isoformat(timespec="seconds"), manifest.this_version())
        for path in (one for one in target.rglob("*") if one.is_dir()):
            sync_folder(path)
        manifest.write(target, head, entries)
        return Made(len(entries), sum(one.size for one in entries), making.shared, missing)


def _copy(making: _Making, tell: Tell) -> int:
    """Copy one state of the database and its pictures; return how many of these are missing.

    A job's files are removed before its row says so, in one transaction. So a file that is not
    found may be one that is just being removed: then the rows are copied again after that.
    """
    folder, database = making.folder, making.target / FILE_NAME
    before: set[str] = set()
    while True:
        _copy_database(folder / FILE_NAME, database)
        rows = sorted(named(database))
        for done, sha256 in enumerate(rows, 1):
            for path in (picture_file(folder, sha256), thumbnail_file(folder, sha256)):
                _take(making, path.relative_to(folder).as_posix())
            tell(done, len(rows))
        needed = needed_by(database)
        there = {Path(name).stem for name in making.taken if name.startswith(PICTURES)}
        missing = needed - there
        if missing <= before:
            break
        before |= missing
        _wait_for_the_writer(folder / FILE_NAME)
    for name in list(making.taken):  # removed for good meanwhile
        if Path(name).stem not in needed and not (folder / name).exists():
            del making.taken[name]
    for path in making.target.glob("*/*/*"):
        if path.relative_to(making.target).as_posix() not in making.taken:
            path.unlink()
    for path in folder.glob(f"{UPLOADS}/*/*"):
        if NAMES.fullmatch(name := path.relative_to(folder).as_posix()):
            _take(making, name)
    return len(missing)


def _take(making: _Making, name: str) -> None:
    """Copy or share a file, unless that is done, or it is damaged or no longer there."""
    source, target = making.folder / name, making.target / name
    if name in making.taken or not NAMES.fullmatch(name):
        return
    try:
        entry = _shared(making, name, source.stat().st_size) or _left(name, target)
        if entry is None:
            target.unlink(missing_ok=True)
            entry = Entry(name, *copy(source, target))
    except (FileNotFoundError, NotADirectoryError):
        return
    if is_genuine(entry):
        making.taken[name] = entry
    else:
        target.unlink()


def _shared(making: _Making, name: str, size: int) -> Entry | None:
    """Link a file of the earlier backup, if it is the same and the disk has links."""
    entry = making.known.get(name)
    if entry is None or making.earlier is None or entry.size != size:
        return None
    old, new = making.earlier / name, making.target / name
    make_private(new.parent)
    try:
        if old.is_symlink() or measure(old) != (entry.size, entry.sha256):
            return None  # one bad file must not be in every backup
        new.unlink(missing_ok=True)
        os.link(old, new)
    except OSError:
        return None
    making.shared += 1
    return entry


def _left(name: str, target: Path) -> Entry | None:
    """Return what an interrupted backup has copied, if it is whole."""
    if not name.startswith(PICTURES) or not target.is_file():
        return None
    entry = Entry(name, *measure(target))
    return entry if is_genuine(entry) else None


def _copy_database(source: Path, target: Path) -> None:
    """Copy one consistent state, including the write-ahead log, alongside any writer."""
    target.unlink(missing_ok=True)
    target.touch(0o600)
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, also for who looks at it
    check_database(target, "immutable=1")
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _wait_for_the_writer(database: Path) -> None:
    """Return once the transaction has ended that is open now, if any."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=BARRIER_S)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _earlier(target: Path) -> manifest.Manifest | None:
    """Return the latest whole backup of ours beside this one."""
    found = []
    for path in target.absolute().parent.iterdir():
        try:
            if hasattr(os, "getuid") and path.lstat().st_uid != os.getuid():
                continue
            if (path / MANIFEST).is_file():
                found.append(manifest.read(path))
        except (StoreError, OSError):
            continue
    return max(found, key=lambda one: one.head.made_at, default=None)


@contextmanager
def _unfinished(target: Path) -> Iterator[None]:
    """Hold a folder for one backup; what is in it goes again unless that succeeds."""
    try:
        there = {path.name for path in target.iterdir()} if target.exists() else None
    except NotADirectoryError:
        raise BackupUnusable(f"{target} is a file; choose another name") from None
    if there is not None and MANIFEST in there:
        raise BackupUnusable(f"{target} is there already; choose another name, or remove it")
    if there and not (UNFINISHED in there and there <= LEFT):
        raise BackupUnusable(f"{target} holds other things; choose another name")
    try:
        target.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(target / UNFINISHED, mode=0o600, fallback_to_soft=False)
        lock.acquire(blocking=False)
    except Timeout:
        raise BackupUnusable(f"{target} is being written by another backup") from None
    except (OSError, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or error
        raise BackupUnusable(f"{target} must be a folder that can be written ({why})") from error
    try:
        with _named(target), as_store_errors():
            (target / f"{FILE_NAME}-journal").unlink(missing_ok=True)
            _remove_strangers(target)
            yield
    except BaseException:
        for name in (MANIFEST, *(LEFT - {UNFINISHED})):  # first what says that it is whole
            _remove(target / name)
        lock.release()
        with suppress(OSError):
            (target / UNFINISHED).unlink(missing_ok=True)
            if there is None:
                target.rmdir()
        raise
    lock.release()
    (target / UNFINISHED).unlink(missing_ok=True)
    sync_folder(target)
    sync_folder(target.absolute().parent)


def _remove_strangers(target: Path) -> None:
    """Remove what an interrupted backup left but pictures: those are looked at and used."""
    for name in LEFT - {UNFINISHED, PICTURES}:
        _remove(target / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def _named(target: Path) -> Iterator[None]:
    """Say of errors of the disk where they happened."""
    try:
        yield
    except StoreError as error:
        if str(target) in str(error):
            raise
        raise type(error)(f"{target}: {error}") from error

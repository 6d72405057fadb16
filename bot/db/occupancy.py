"""One process per data folder: a lock of the operating system, released even by a crash."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bot.db.errors import StoreInUse, StoreUnwritable

LOCK, HOLDER = "darkroom.lock", "darkroom.pid"
RESTORING = "restoring"  # a folder that exists while a restore moves files


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Be the only process that uses a data folder; raises StoreInUse or StoreUnwritable.

    The folder is created if missing. StoreUnwritable is also raised after an interrupted restore.
    """
    with _locked(folder):
        if (folder / RESTORING).exists():
            raise StoreUnwritable(
                f"{folder}: a restore was interrupted; run `darkroom restore` again"
            )
        yield


@contextmanager
def occupied_to_restore(folder: Path) -> Iterator[None]:
    """Do as `occupied`, even after an interrupted restore."""
    with _locked(folder):
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / LOCK, mode=0o600, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise StoreInUse(
            f"{folder} is in use by another Darkroom{_by_whom(folder)}; stop that one first"
        ) from None
    except (OSError, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or error
        raise StoreUnwritable(
            f"STORE__FOLDER: {folder} must be a folder that can be written ({why})"
        ) from error
    # Beside the lock: on Windows a locked file cannot be read.
    holder = folder / HOLDER
    try:
        with suppress(OSError):  # only informative, and the disk may be full
            holder.write_text(f"{os.getpid()}\n", "ascii")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _by_whom(folder: Path) -> str:
    try:
        return f", process {int((folder / HOLDER).read_text('ascii'))}"
    except (OSError, ValueError):
        return ""

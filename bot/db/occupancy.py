"""One process per data folder: a lock of the operating system, released even by a crash."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bot.db import replacing
from bot.db.errors import StoreInUse, StoreUnwritable
from bot.db.faults import as_store_errors

log = logging.getLogger(__name__)

LOCK, HOLDER = "darkroom.lock", "darkroom.pid"


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Be the only process that uses a data folder; raises StoreInUse or StoreUnwritable.

    The folder is created if missing. A restore that was interrupted is completed first.
    """
    with _locked(folder):
        with as_store_errors():
            replacing.forget_undecided(folder)
            if replacing.interrupted(folder):
                log.warning("a restore was interrupted; completing it")
                replacing.complete(folder)
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

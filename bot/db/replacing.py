"""Putting restored data in place of what is there: all of it, whenever it is interrupted.

A folder RESTORING in the data folder, made by one rename, is the decision: what it holds is whole
and checked. From then on nothing starts before everything in it is in place, and whoever comes next
goes on where the last one was interrupted.
"""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from bot.db.database import FILE_NAME
from bot.db.errors import StoreUnwritable
from bot.db.files import sync_folder
from bot.db.picture_files import FOLDERS

RESTORING = "restoring"
UNPACKING = ".unpacking-"  # what a restore copies into, before it is decided
# SQLite's files beside the database, which belong to that database only.
BESIDE = tuple(f"{FILE_NAME}-{ending}" for ending in ("wal", "shm", "journal"))
# The database last: while it waits, what lies beside the one in use is that one's.
MOVED = (*FOLDERS, "uploads", FILE_NAME)
REPLACED = "replaced"


def decide(folder: Path, staged: Path) -> Path | None:
    """Replace a folder's data with ``staged``, which is in it; return where the old data is.

    Raises StoreUnwritable, with nothing changed, if something there cannot be moved aside.
    """
    for name in MOVED:
        if os.path.ismount(folder / name):
            raise StoreUnwritable(f"{folder / name} is mounted there; unmount it first")
    for name in MOVED[:-1]:
        (staged / name).mkdir(mode=0o700, exist_ok=True)
    staged.rename(folder / RESTORING)
    sync_folder(folder)
    return complete(folder)


def complete(folder: Path) -> Path | None:
    """Put everything in RESTORING in place; return where the old data is now, if there was any.

    Raises StoreUnwritable while something there cannot be moved aside.
    """
    staged = folder / RESTORING
    old = staged / REPLACED
    old.mkdir(mode=0o700, exist_ok=True)
    if (staged / FILE_NAME).exists():
        for name in BESIDE:
            if (old / name).exists():  # moved before; this one is of who has looked at it since
                (folder / name).unlink(missing_ok=True)
            elif (folder / name).exists():
                (folder / name).replace(old / name)
    for name in MOVED:
        if not (staged / name).exists():
            continue  # it is in place
        if os.path.lexists(folder / name):  # or a link that leads nowhere
            _move_aside(folder / name, old / name)
        (staged / name).rename(folder / name)
    sync_folder(folder)
    aside = None
    if any(any(one.iterdir()) if one.is_dir() else True for one in old.iterdir()):
        aside = folder / f"replaced-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
        old.rename(aside)
    shutil.rmtree(staged)
    sync_folder(folder)
    return aside


def _move_aside(path: Path, aside: Path) -> None:
    try:
        path.rename(aside)
    except OSError as error:
        raise StoreUnwritable(
            f"{path} cannot be moved aside ({error.strerror}); the next start completes the restore"
        ) from error


def interrupted(folder: Path) -> bool:
    """Tell whether restored data waits to be put in place."""
    return (folder / RESTORING).exists()


def forget_undecided(folder: Path) -> None:
    """Remove what an interrupted restore has copied."""
    for left in folder.glob(f"{UNPACKING}*"):
        shutil.rmtree(left, ignore_errors=True)

"""Stored data is readable by its owner only: files 0600, folders 0700.

Windows has no such modes, and user folders there are private already: nothing is done.
"""

import logging
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

OTHERS = 0o077  # permissions of the group and everybody else


def keep_private() -> None:
    """Make files of this process and its children private."""
    os.umask(OTHERS)


def tighten(folder: Path) -> int:
    """Remove others' permissions from a folder and everything in it; return the number of files.

    Call before the database is opened: SQLite gives the files beside it the same mode.
    """
    count = 0
    for path, mode in _open_to_others(folder):
        try:
            path.chmod(mode & ~OTHERS)
        except OSError as error:
            log.warning("%s can be read by others: %s", path, error.strerror)
        else:
            count += 1
    if count:
        log.info("%d files and folders in %s are no longer open to others", count, folder)
    return count


def count_open(folder: Path) -> int:
    """Return how many files and folders are accessible to others."""
    return sum(1 for _ in _open_to_others(folder))


def exposed(file: Path) -> bool:
    """Tell whether others on this machine can read a file with secrets.

    Another user's file that our group may read is meant for us.
    """
    if sys.platform == "win32" or not file.exists():
        return False
    found = file.stat()
    ours = found.st_uid == os.getuid()
    return bool(found.st_mode & (OTHERS if ours else 0o007))


def _open_to_others(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield files and folders accessible to others, with their modes."""
    if sys.platform == "win32" or not folder.exists():
        return
    for around, _, files in os.walk(folder):
        for path in (Path(around), *(Path(around, name) for name in files)):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue  # removed meanwhile
            if not stat.S_ISLNK(mode) and mode & OTHERS:
                yield path, stat.S_IMODE(mode)

"""Files that are whole or not there, whatever stops us; errors are the store's."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from bot.db.faults import as_store_errors

PART = ".part"  # how a name ends while its file is written


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the file's place, sync, rename, sync the folder; raises StoreError.

    A kill leaves the whole file or none, and at most a part that `remove_parts` finds.
    """
    with as_store_errors():
        _make_folder(path.parent)
        handle, name = tempfile.mkstemp(suffix=PART, prefix=f"{path.name}.", dir=path.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def read_whole(path: Path) -> bytes | None:
    """Return a file's content, or None where there is no such file; raises StoreError."""
    with as_store_errors():
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None


def remove_parts(folder: Path) -> int:
    """Remove what a kill left half written two folders deep, where the disk lets us; count it."""
    found = list(folder.glob(f"*/*{PART}"))
    for part in found:
        with suppress(OSError):
            part.unlink()
    return len(found)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last; Windows opens no folders, and needs no such thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)

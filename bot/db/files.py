"""Files that are complete or absent, even after a crash; errors are the store's."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from bot.db.faults import as_store_errors

PART = ".part"  # suffix of a file being written


def write_whole(path: Path, content: bytes) -> None:
    """Write a temporary file, sync, rename, sync the folder; raises StoreError.

    A kill leaves the complete file or none, and at most a part that `remove_parts` finds.
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
    """Return a file's content, or None if it does not exist; raises StoreError."""
    with as_store_errors():
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None


def remove_parts(folder: Path) -> int:
    """Remove partial files left by a kill, two folders deep, where possible; return how many."""
    found = list(folder.glob(f"*/*{PART}"))
    for part in found:
        with suppress(OSError):
            part.unlink()
    return len(found)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable; not possible and not needed on Windows."""
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

"""Small files that several workers of one machine write. Imports no torch."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

PATIENCE_S = 10.0  # each holds it for as long as a few kilobytes take to write
ATTEMPTS = 40  # at replacing a file that somebody reads just now, on Windows
PAUSE_S = 0.05


@contextmanager
def only_writer(file: Path) -> Iterator[None]:
    """Be the only one to read and write the file inside; raises OSError if it stays taken."""
    with FileLock(file.with_suffix(".lock"), timeout=PATIENCE_S, mode=0o600):
        yield


def replace_text(file: Path, text: str) -> None:
    """Write the whole file or leave it as it was; call this as its `only_writer`."""
    part = file.with_suffix(".part")
    part.write_text(text, "utf-8")
    for _ in range(ATTEMPTS):
        try:
            part.replace(file)
        except PermissionError:
            time.sleep(PAUSE_S)
        else:
            return
    part.replace(file)

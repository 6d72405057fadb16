"""`darkroom backup` and `darkroom restore`: one line each, and progress on a terminal."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from bot.db.backups.contents import Tell
from bot.db.backups.making import back_up
from bot.db.backups.restoring import restore
from bot.db.replacing import interrupted
from bot.stopping import STOPS

STOPPED = 130  # the exit status, as a shell has it for Ctrl-C
MIB = 2**20

T = TypeVar("T")


def run_backup(folder: Path, target: Path) -> int:
    """Make a backup; return the exit status. Raises StoreError."""
    made = _interruptible(lambda tell: back_up(folder, target, tell), "Copying")
    if made is None:
        return _say_stopped("nothing was left behind")
    shared = f", {made.shared} of them shared with the backup before" if made.shared else ""
    print(f"{target}: {made.files} files, {made.bytes / MIB:.1f} MiB{shared}")
    if made.missing:
        print(
            f"darkroom: {made.missing} pictures are missing or damaged in {folder},"
            " and so in the backup",
            file=sys.stderr,
        )
    return 0


def run_restore(folder: Path, source: Path, *, replace: bool) -> int:
    """Restore a backup; return the exit status. Raises StoreError."""
    done = _interruptible(
        lambda tell: (restore(folder, source, replace=replace, tell=tell),), "Restoring"
    )
    if done is None:
        moving = interrupted(folder)
        return _say_stopped("the next start completes it" if moving else "nothing was changed")
    print(f"{folder}: as in {source}")
    (replaced,) = done
    if replaced is not None:
        print(f"What was there before lies in {replaced}; remove it when all is well.")
    return 0


def _say_stopped(what: str) -> int:
    print(f"darkroom: stopped; {what}", file=sys.stderr)
    return STOPPED


def _interruptible(work: Callable[[Tell], T], title: str) -> T | None:
    """Do it with a bar; return None if it was asked to stop, once it has tidied up."""
    for number in STOPS:
        signal.signal(number, signal.default_int_handler)
    try:
        with _bar(title) as tell:
            return work(tell)
    except KeyboardInterrupt:
        return None


@contextmanager
def _bar(title: str) -> Iterator[Tell]:
    """Show progress on standard error if that is a terminal."""
    shown = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    bar = Progress(*columns, console=shown, disable=not shown.is_terminal, transient=True)
    with bar:
        task = bar.add_task(title, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)

"""`darkroom models`: lists, checks, adds and removes the models in the owner's folders."""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from bot.logs import printable
from bot.settings import Settings
from generation.library.fetching.adding import add, bytes_of, goes_with, remove
from generation.library.fetching.download import Progress as Told
from generation.library.fetching.sites import NotFetched
from generation.library.footprint import Mode
from generation.library.hashes import Hashed, compared, hash_of
from generation.library.offers import (
    by_kind,
    checkpoint_of,
    family_title,
    is_missed,
    line_about,
    memory_of,
    problem_of,
    why_not,
)
from generation.library.shelf import SHELF, Item, Library, Shelf
from generation.library.usable import CHECKED, Usable, UsableReader
from generation.worker.hardware import Hardware, drawing, examine

GIB, MIB = 2**30, 2**20
WHOLE = ("checkpoint", "diffusion model")
# How a checkpoint runs in the memory there is.
FITS = {
    Mode.WHOLE: "fits",
    Mode.OFFLOADED: "fits, its parts in turn,",
    Mode.TOO_LARGE: "is too large for",
}


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Run one of them; return the exit status. Errors are one line on standard error."""
    folders = settings.models.paths
    library = Library(folders, settings.store.folder / SHELF)
    try:
        if chosen.action == "list":
            return _list(library, settings)
        if chosen.action == "check":
            return _check(library, quick=chosen.quick)
        if chosen.action == "remove":
            return _remove(library, chosen.name, sure=chosen.yes)
        return _add(chosen.what, chosen.to or folders[0])
    except (NotFetched, OSError) as error:
        print(f"darkroom: {printable(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("darkroom: stopped; the same command goes on where it was", file=sys.stderr)
        return 130


def _list(library: Library, settings: Settings) -> int:
    shelf = library.look(settled_s=0)
    usable = any(problem_of(one) is None for one in shelf.items)
    hardware = _hardware(settings) if usable else None
    rows = [
        [printable(item.name), family_title(item.file), item.file.precision, _size(item), end]
        for _, items in by_kind(shelf.items)
        for item in items
        for end in (_state(item, shelf, hardware),)
    ]
    kinds = [kind for kind, items in by_kind(shelf.items) for _ in items]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    last = None
    for kind, row in zip(kinds, rows, strict=True):
        if kind != last:
            print(f"{kind}:")
            last = kind
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"  {'  '.join(cells).rstrip()}")
    for one in shelf.unread:
        print(f"!! {printable(str(one.path))}: {one.why}")
    if not shelf.items:
        print(f"No models in {', '.join(map(str, library.folders)) or 'no folder'}.")
    return 0


def _state(item: Item, shelf: Shelf, hardware: Hardware | None) -> str:
    """Return whether there is drawing with it on this machine, or why there is none."""
    if (problem := problem_of(item)) is not None:
        return printable(problem) if item.problem or is_missed(item) else ""
    made = checkpoint_of(item, shelf)
    if isinstance(made, str):
        return printable(made)
    if hardware is None or made is None:
        return ""
    needed = memory_of(made, shelf, half=hardware.is_gpu)
    if needed is None:
        return ""
    mode = needed.mode(int(hardware.memory_gib * GIB), offloads=hardware.is_gpu)
    return f"{FITS[mode]} {hardware.memory_gib:.0f} GiB ({needed.whole / GIB:.1f} needed)"


def _check(library: Library, *, quick: bool) -> int:
    shelf = library.look(settled_s=0)
    fine = not shelf.unread
    for one in shelf.unread:
        print(f"!!  {printable(str(one.path))}: {one.why}")
    hashes: dict[str, Path] = {}
    whole = [one.file for one in shelf.items if one.file.kind in WHOLE and one.problem is None]
    with _bar() as bar, UsableReader(whole) as reader:
        for item in shelf.items:
            made = checkpoint_of(item, shelf)
            wrong = item.problem or (made if isinstance(made, str) else None)
            usable = None
            if not wrong and item.file.kind in CHECKED:
                usable = reader.read(item.path, values=not quick)
                wrong = usable.problem
            hashed = None if quick or item.candidate.is_folder else _hashed(item, bar)
            wrong = wrong or (hashed and hashed.differs) or _twice(item, hashed, hashes)
            fine = fine and not wrong
            if wrong:
                print(f"!!  {printable(line_about(item, wrong))}", flush=True)
            else:
                mark = "!   " if usable is not None and usable.unused else "ok  "
                facts = ", ".join(filter(None, _facts(item, usable, hashed)))
                print(f"{mark}{printable(str(item.path))}: {printable(facts)}", flush=True)
    return 0 if fine else 1


def _facts(item: Item, usable: Usable | None, hashed: Hashed | None) -> Iterator[str]:
    yield str(item.file.kind)
    if usable is not None and item.file.family is None:
        yield f"its family is not told, but it fits {usable.family}"
    yield family_title(item.file)
    if usable is not None and usable.unused:
        such = f"such as {usable.first}" if usable.unused > 1 else usable.first
        yield f"{usable.unused} of its {usable.tensors} tensors cannot be used ({such})"
    yield item.file.precision
    yield f"{item.file.parameters / 1e6:.0f} million parameters" if item.file.parameters else ""
    if hashed is not None:
        known = ", as Civitai has it" if hashed.confirmed else ""
        yield f"SHA-256 {hashed.sha256}{known}"


def _twice(item: Item, hashed: Hashed | None, hashes: dict[str, Path]) -> str | None:
    """Return a line if the same contents lie somewhere else, too."""
    if hashed is None:
        return None
    first = hashes.setdefault(hashed.sha256, item.path)
    return None if first == item.path else f"is the same as {first}"


def _hashed(item: Item, bar: Progress) -> Hashed:
    task = bar.add_task(item.path.name, total=item.candidate.size)
    found = hash_of(item.path, lambda done, _total: bar.update(task, completed=done))
    bar.remove_task(task)
    return compared(item.candidate, found)


def _add(what: str, folder: Path) -> int:
    with _bar() as bar:

        def begin(name: str) -> Told:
            task = bar.add_task(printable(name), total=None)
            return lambda done, total: bar.update(task, completed=done, total=total)

        added = asyncio.run(add(what, folder, begin))
    file = added.file
    facts = [str(file.kind), family_title(file), file.precision]
    print(f"{printable(str(file.path))}: {', '.join(filter(None, facts))}")
    if not added.verified:
        print("Its SHA-256 is not told where it comes from, so nothing was compared with it.")
    if (why := why_not(file)) is not None:
        print(f"There is no drawing with it: {printable(why)}.")
    return 0


def _remove(library: Library, name: str, *, sure: bool) -> int:
    items = library.look(settled_s=0).items
    wanted = name.casefold()
    found = [one for one in items if name in (one.name, str(one.path), one.path.name)]
    found = found or [one for one in items if wanted == one.name.casefold()]
    if len(found) != 1:
        near = ", ".join(one.name for one in items if wanted in one.name.casefold())
        hint = f"; there are {near}" if near else ""
        raise NotFetched(f"{'several are' if found else 'nothing is'} named {name}{hint}")
    (item,) = found
    paths = [item.path, *goes_with(item.path, item.candidate.beside)]
    freed = sum(bytes_of(path) for path in paths)
    for path in paths:
        print(printable(str(path)))
    print(f"Frees {_bytes(freed)}.")
    if not sure and not _agreed("Remove? [y/N] "):
        print("Nothing is removed.")
        return 1
    for path in paths:
        remove(path)
    return 0


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().casefold() in ("y", "yes")
    except EOFError:
        print()
        return False


@contextmanager
def _bar() -> Iterator[Progress]:
    """Show progress on standard error if that is a terminal; the results go to the other."""
    shown = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    bar = Progress(
        *columns,
        TransferSpeedColumn(),
        console=shown,
        disable=not shown.is_terminal,
        redirect_stdout=sys.stdout.isatty(),
        transient=True,
    )
    with bar:
        yield bar


def _hardware(settings: Settings) -> Hardware | None:
    """Return the largest device that draws."""
    try:
        there = drawing(examine(), settings.generation.lanes).values()
    except subprocess.SubprocessError:
        return None  # what is wrong with it, `darkroom doctor` says
    return max(filter(None, there), key=lambda one: one.memory_gib, default=None)


def _size(item: Item) -> str:
    return _bytes(item.candidate.size)


def _bytes(count: int) -> str:
    unit, name = (GIB, "GiB") if count >= GIB else (MIB, "MiB") if count >= MIB else (1024, "KiB")
    return f"{count / unit:.1f} {name}"

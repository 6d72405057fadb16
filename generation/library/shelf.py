"""What lies in the owner's folders, looked at again and again: only what is new is read.

What was read is kept in a file, so that the next start reads only what has changed. Imports no
torch.
"""

import hashlib
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from generation import loading
from generation.catalog.reading import SUFFIXES
from generation.json_text import loads
from generation.library import headers
from generation.library.layout import Candidate, Unread, walk
from generation.library.naming import unused
from generation.library.sidecars import Sidecar, SidecarInvalid, read_sidecar, state_of
from generation.loading.detect import PICKLES, Kind, ModelFile
from generation.phrases import Phrase
from generation.vision import captioners, segmenters

log = logging.getLogger(__name__)

SETTLED_S = 2.0  # a file that was written to within this time may be being copied
READERS, MANY = 4, 20  # processes at once; files of which a start takes seconds
SHELF = "models.json"  # in the data folder
# Models that are told by what lies beside their weights, which all have one name.
BY_FOLDER = {Kind.CAPTIONER: captioners.class_of, Kind.SEGMENTER: segmenters.class_of}


class LookEnded(Exception):
    """The bot stops; nothing of what was being read is kept."""


@dataclass(frozen=True, slots=True)
class Item:
    """A model in a folder: its name, what its header says, and what lies beside it.

    ``problem`` is what keeps it from being used whatever it is, in a line of English or a Phrase.
    """

    name: str
    candidate: Candidate
    file: ModelFile
    sidecar: Sidecar = field(default_factory=Sidecar)
    problem: str | None = None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.candidate.path


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the folders hold, in order, and the places that could not be looked into."""

    items: Sequence[Item] = ()
    unread: Sequence[Unread] = ()


class Library:
    """The owner's folders; ``look`` may be called from any thread, which waits for its turn.

    ``kept`` is the file in which what was read is kept; None keeps it in memory only.
    """

    def __init__(self, folders: Sequence[Path], kept: Path | None = None) -> None:
        self.folders = tuple(folders)
        self._kept = kept
        self._read: dict[Path, tuple[int, int, ModelFile]] = {}
        self._names: dict[Path, str] = {}
        self._sidecars: dict[Path, tuple[Any, Sidecar | str]] = {}
        self._readers: list[headers.HeaderReader] = []
        self._ended, self._looking = threading.Event(), threading.Lock()
        self._restore()

    @property
    def exists(self) -> bool:
        """Whether any of the folders is there."""
        return any(folder.is_dir() for folder in self.folders)

    def look(self, settled_s: float = SETTLED_S) -> Shelf:
        """Return what the folders hold now; reads the headers of what is new or has changed.

        Raises LookEnded if another thread closes it meanwhile.
        """
        with self._looking:
            return self._look(settled_s)

    def _look(self, settled_s: float) -> Shelf:
        found = list(walk(self.folders))
        candidates = [one for one in found if isinstance(one, Candidate)]
        unread = [one for one in found if isinstance(one, Unread)]
        fresh = [one for one in candidates if self._known(one) is None]
        for one, file in zip(fresh, self._inspect_all(fresh), strict=True):
            self._read[one.path] = (one.size, one.changed, file)
        moving = self._moving(fresh, settled_s)
        for one in moving:
            del self._read[one.path]  # it is read again when it is whole
        kept = {one.path for one in candidates}
        gone = self._read.keys() - kept
        for path in gone:
            del self._read[path]
        items = [self._item(one, moving=one in moving) for one in candidates]
        named = tuple(self._named(items))
        if fresh or gone:
            self._keep()
        return Shelf(named, tuple(unread))

    def close(self) -> None:
        """End a look in another thread, and all later ones."""
        self._ended.set()
        for reader in self._readers:
            reader.kill()

    def _inspect_all(self, candidates: Sequence[Candidate]) -> list[ModelFile]:
        """Return what files are, read by a few processes at once."""
        if not candidates:
            return []
        if len(candidates) >= MANY:
            log.info("reading the headers of %d files", len(candidates))
        count = min(READERS, os.cpu_count() or 1, len(candidates))
        free: queue.SimpleQueue[headers.HeaderReader] = queue.SimpleQueue()
        with ExitStack() as stack:
            self._readers = [stack.enter_context(headers.HeaderReader()) for _ in range(count)]
            for one in self._readers:
                free.put(one)

            def inspect(candidate: Candidate) -> ModelFile:
                reader = free.get()
                try:
                    return self._ending_early(candidate, reader)
                finally:
                    free.put(reader)

            with ThreadPoolExecutor(count) as threads:
                return list(threads.map(inspect, candidates))

    def _ending_early(self, candidate: Candidate, reader: headers.HeaderReader) -> ModelFile:
        found = None if self._ended.is_set() else _inspect(candidate, reader)
        if found is None or self._ended.is_set():
            raise LookEnded
        return found

    def _moving(self, fresh: Sequence[Candidate], settled_s: float) -> list[Candidate]:
        """Return those that are still being written, as far as two looks can tell."""
        newest = max((one.changed for one in fresh), default=0) / 1e9
        if (wait := newest + settled_s - time.time()) > 0 and self._ended.wait(
            min(wait, settled_s)
        ):
            raise LookEnded
        moving = []
        for one in fresh:
            try:
                now = one.path.stat()
            except OSError:
                moving.append(one)
                continue
            if not one.is_folder and (now.st_size, now.st_mtime_ns) != (one.size, one.changed):
                moving.append(one)
        return moving

    def _known(self, candidate: Candidate) -> ModelFile | None:
        size, changed, file = self._read.get(candidate.path, (0, 0, None))
        return file if (size, changed) == (candidate.size, candidate.changed) else None

    def _item(self, candidate: Candidate, *, moving: bool) -> Item:
        file = self._known(candidate) or ModelFile(path=candidate.path)
        for kind, class_of in BY_FOLDER.items():
            if class_of(candidate.path) is not None:  # what lies beside it may have come later
                file = replace(file, kind=kind)
        problem: str | None = file.problem
        if moving:
            problem = Phrase("checkpoint-moving", file=candidate.path.name)
        sidecar = self._beside(candidate)
        if isinstance(sidecar, str):
            return Item("", candidate, file, problem=problem or sidecar)
        return Item("", candidate, file, sidecar, problem)

    def _beside(self, candidate: Candidate) -> Sidecar | str:
        """Return what lies beside a file, or what is wrong with the owner's settings there."""
        if not candidate.beside:
            return Sidecar()
        state = state_of(candidate)
        known = self._sidecars.get(candidate.path)
        if known is None or known[0] != state:
            try:
                found: Sidecar | str = read_sidecar(candidate)
            except SidecarInvalid as error:
                found = str(error)
            known = self._sidecars[candidate.path] = state, found
        return known[1]

    def _named(self, items: Sequence[Item]) -> Iterator[Item]:
        """Give every item a name of its own, the one it had if possible.

        Of two files with one name, the first keeps it, and the others' say in which folder.
        """
        order = sorted(items, key=lambda one: one.path not in self._names)
        names: dict[Path, str] = {}
        taken: set[str] = set()
        for item in order:
            names[item.path] = name = unused(self._wanted(item), taken)
            taken.add(name.casefold())
        self._names = names
        for item in items:
            yield replace(item, name=names[item.path])

    def _wanted(self, item: Item) -> list[str]:
        stem, title = item.candidate.stem, item.sidecar.title
        if item.file.kind in BY_FOLDER:
            stem = item.path.parent.name
        place = "/".join((*item.candidate.inside, stem))
        wanted = [title, f"{title} ({stem})", f"{title} ({place})"] if title else [stem, place]
        before = self._names.get(item.path)
        return [before, *wanted] if before in wanted else wanted

    def _restore(self) -> None:
        if self._kept is None:
            return
        try:
            table = loads(self._kept.read_bytes())
            if table["reader"] != _reader():
                return
            for place, (size, changed, said) in table["files"].items():
                path = Path(place)
                self._read[path] = (size, changed, headers.from_json(path, said))
            self._names = {Path(place): name for place, name in table["names"].items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s is written anew: %s", self._kept, error)
            self._read = {}

    def _keep(self) -> None:
        if self._kept is None or not self._kept.parent.is_dir():
            return
        files = {
            str(path): (size, changed, headers.to_json(file))
            for path, (size, changed, file) in self._read.items()
        }
        names = {str(path): name for path, name in self._names.items()}
        part = self._kept.with_suffix(".part")
        try:
            part.write_text(
                json.dumps({"reader": _reader(), "files": files, "names": names}), "utf-8"
            )
            part.replace(self._kept)
        except OSError as error:
            log.warning("%s is not written: %s", self._kept, error.strerror)
            with suppress(OSError):
                part.unlink()


def _inspect(candidate: Candidate, reader: headers.HeaderReader) -> ModelFile:
    """Return what a file is; pickles and formats that are not read are not opened."""
    path = candidate.path
    suffix = path.suffix.lower()
    if candidate.is_folder or suffix in SUFFIXES:
        return reader.read(path)
    problem = Phrase("checkpoint-other-format", file=path.name)
    if suffix in PICKLES:
        problem = Phrase("checkpoint-pickled-file", file=path.name)
    return ModelFile(path=path, bytes=candidate.size, problem=problem)


@cache
def _reader() -> str:
    """Return what changes whenever files may be read otherwise than before."""
    digest = hashlib.sha256()
    for package in (Path(loading.__file__).parent, Path(__file__).parent):
        for source in sorted(package.rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()

"""Loaded adapters, as many as a bound on memory allows."""

import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from generation.conditions.adapter_file import LoadedAdapter
from generation.errors import InvalidRequest
from generation.phrases import Phrase

log = logging.getLogger(__name__)

Key = tuple[str, Path, int, int]


class AdapterPool:
    """Keeps adapters on the device, in at most ``most_bytes``; the least recently used goes first.

    One that is in use is never dropped.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: dict[Key, LoadedAdapter] = {}  # most recently used last

    @property
    def bytes(self) -> int:
        """How much memory they take."""
        return sum(one.bytes for one in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def take(
        self,
        checkpoint: str,
        files: Sequence[Path],
        load: Callable[[Path], LoadedAdapter],
        in_use: Collection[LoadedAdapter],
    ) -> list[LoadedAdapter] | None:
        """Return a checkpoint's adapters, loading those that are not here.

        None as long as those ``in_use`` leave no room for them: ask again later. A file that was
        replaced is loaded again. Raises what ``load`` raises, and InvalidRequest if they do not fit
        even alone.
        """
        mine: list[LoadedAdapter] = []
        for file in files:
            key = _key(checkpoint, file)
            found = self._kept.pop(key, None)
            if found is None:
                self._shrink({*in_use, *mine}, self.most_bytes)
                found = load(file)
            self._kept[key] = found
            mine.append(found)
            if not self._shrink({*in_use, *mine}, self.most_bytes):
                if in_use and not set(in_use) <= set(mine):
                    return None
                raise InvalidRequest(
                    "adapters", Phrase("bound-adapters-memory", most=self.most_bytes // 2**20)
                )
        return mine

    def drop_all_but(self, in_use: Collection[LoadedAdapter]) -> bool:
        """Drop those that are not in use; return whether there were any."""
        before = len(self._kept)
        self._shrink(in_use, 0)
        return len(self._kept) < before

    def _shrink(self, in_use: Collection[LoadedAdapter], most: int) -> bool:
        """Drop the least recently used until the rest takes no more; return whether it does."""
        size = self.bytes
        for key, one in list(self._kept.items()):
            if size <= most:
                break
            if one not in in_use:
                del self._kept[key]
                size -= one.bytes
                log.info("%s makes room", key[1].name)
        return size <= most


def _key(checkpoint: str, file: Path) -> Key:
    try:
        stat = file.stat()
    except OSError:  # loading says so
        return checkpoint, file, 0, 0
    return checkpoint, file, stat.st_size, stat.st_mtime_ns

"""What has been loaded for requests, as much as a bound on memory allows."""

import logging
import weakref
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

log = logging.getLogger(__name__)


class Loaded(Hashable, Protocol):
    """Something on the device; ``token`` stands for it where it must not be kept in memory."""

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        ...

    @property
    def token(self) -> object:
        """What stands for it."""
        ...


One = TypeVar("One", bound=Loaded)
# What it was loaded for, its file, and the file's size and time of change.
Key = tuple[str, Path, int, int]


class NoRoom(Exception):
    """What a request wants does not fit even alone."""


class Held(Generic[One]):
    """What a request has in use, in the order in which it wants it; it stays loaded meanwhile."""

    def __init__(self, items: Sequence[One]) -> None:
        self.items = tuple(items)


class Pool(Generic[One]):
    """Keeps what was loaded in at most ``most_bytes``; the least recently used goes first.

    What is in use is never dropped.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: dict[Key, One] = {}  # most recently used last
        self._in_use: Counter[One] = Counter()  # by how many requests
        self._vain: set[object] = set()  # loaded by a request whose next one could not be
        # A request that waits, by what it wants, and those that it waits for.
        self._blocked: tuple[Sequence[Key], Collection[object]] = ((), ())

    @property
    def bytes(self) -> int:
        """How much memory it all takes."""
        return sum(one.bytes for one in self._kept.values())

    @property
    def in_use(self) -> Collection[One]:
        """What somebody holds."""
        return self._in_use.keys()

    def __len__(self) -> int:
        return len(self._kept)

    def hold(
        self,
        keys: Sequence[Key],
        load: Callable[[int], One],
        ended: Callable[[], object] = lambda: None,
    ) -> Held[One] | None:
        """Return what has these keys, of which ``load`` makes those that are not here.

        None as long as what is in use leaves no room for it: ask again later. ``ended`` is called
        when it is no longer held. Raises what ``load`` raises, or NoRoom.
        """
        wanted, blockers = self._blocked
        if keys == wanted and any(one.token in blockers for one in self._in_use):
            return None
        others = set(self._in_use)
        mine = self._load(keys, load)
        try:
            if self._shrink(self.most_bytes):
                held = Held(mine)
                if mine:
                    self._in_use.update(mine)
                    weakref.finalize(held, self._end, mine, ended).atexit = False
                return held
        finally:
            self._give_back(mine)
        self._shrink(self.most_bytes)
        if not others <= set(mine):
            self._blocked = keys, {one.token for one in others}
            return None
        raise NoRoom

    def drop_idle(self) -> bool:
        """Drop what is not in use; return whether that can help.

        It cannot if only that is dropped that the last request loaded before memory ran out.
        """
        before = {one.token for one in self._kept.values()}
        self._shrink(0)
        return not before - {one.token for one in self._kept.values()} <= self._vain

    def _end(self, mine: list[One], ended: Callable[[], object]) -> None:
        ended()
        self._give_back(mine)

    def _give_back(self, mine: list[One]) -> None:
        self._in_use -= Counter(mine)

    def _load(self, keys: Sequence[Key], load: Callable[[int], One]) -> list[One]:
        """Return what is in use now, at most one more than there is room for."""
        mine: list[One] = []
        try:
            for place, key in enumerate(keys):
                if not self._shrink(self.most_bytes):
                    break
                found = self._kept.pop(key, None) or load(place)
                self._kept[key] = found
                self._in_use[found] += 1
                mine.append(found)
        except BaseException:
            self._vain = {one.token for one in mine}
            self._give_back(mine)
            raise
        return mine

    def _shrink(self, most: int) -> bool:
        """Drop the least recently used until the rest takes no more; return whether it does."""
        size = self.bytes
        for key, one in list(self._kept.items()):
            if size <= most:
                break
            if one not in self._in_use:
                del self._kept[key]
                size -= one.bytes
                log.info("%s makes room", key[1].name)
        return size <= most


def key_of(purpose: str, file: Path) -> Key:
    """Return the key of a file as it is now, so that one that was replaced is loaded again."""
    try:
        stat = file.stat()
    except OSError:  # loading says so
        return purpose, file, 0, 0
    return purpose, file, stat.st_size, stat.st_mtime_ns

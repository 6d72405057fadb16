"""What a store keeps in memory of a table that grows: the entries used last."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """At most ``most`` entries; the one that was used least lately goes first.

    Who writes to the table calls `put` or `drop` when that is committed, in the order of commits.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self._readings: dict[Key, object] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """Return an entry, None if it is not in memory."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep what was written."""
        self._readings.pop(key, None)
        self._keep(key, value)

    def drop(self, key: Key) -> None:
        """Forget an entry, which is read again when it is asked for."""
        self._readings.pop(key, None)
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._readings.clear()
        self._entries.clear()

    async def get_or_read(self, key: Key, read: Callable[[], Awaitable[Value]]) -> Value:
        """Return an entry, reading it if it is not in memory.

        What is written meanwhile is newer than what was read, which is not kept then.
        """
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]
        reading = self._readings[key] = object()
        try:
            value = await read()
            if self._readings.get(key) is reading:
                self._keep(key, value)
        finally:
            if self._readings.get(key) is reading:
                del self._readings[key]
        return value

    def _keep(self, key: Key, value: Value) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

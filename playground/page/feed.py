"""News for the page: what changed, for whoever may see it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playground.world.users import User

Json = dict[str, Any]


class Feed:
    """Hands news to every open page."""

    def __init__(self) -> None:
        self._readers: dict[asyncio.Queue[Json], User] = {}

    @contextmanager
    def subscribe(self, viewer: User) -> Iterator[asyncio.Queue[Json]]:
        """Receive the news that `viewer` may see while the context lasts."""
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._readers[queue] = viewer
        try:
            yield queue
        finally:
            del self._readers[queue]

    def publish(self, kind: str, news: Json, only: User | None = None) -> None:
        """Tell everybody, or `only` one person, something of a kind."""
        for queue, viewer in self._readers.items():
            if only is None or viewer == only:
                queue.put_nowait({"kind": kind, **news})

    def viewers(self) -> set[User]:
        """Give those who have a page open."""
        return set(self._readers.values())

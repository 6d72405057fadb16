"""Turns in Discord's rate-limit buckets: progress waits for them, ends do not."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Bucket:
    """One of Discord's rate-limit buckets: an interaction's token, or a whole channel."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.ends = 0
        self.no_end = asyncio.Event()
        self.no_end.set()


class Pacer:
    """Keeps progress edits of one bucket ``pace_s`` seconds apart, whichever jobs they are of."""

    def __init__(self, pace_s: float) -> None:
        self._pace_s = pace_s
        self._buckets: WeakValueDictionary[Hashable, Bucket] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for a turn in the order of asking; the next one comes a pace after it ends."""
        bucket = self._bucket(key)
        async with bucket.turn:
            await bucket.no_end.wait()
            yield
            await asyncio.sleep(self._pace_s)

    @asynccontextmanager
    async def end(self, key: Hashable) -> AsyncIterator[None]:
        """Go ahead at once, and let no progress of the bucket begin meanwhile."""
        bucket = self._bucket(key)
        bucket.ends += 1
        bucket.no_end.clear()
        try:
            yield
        finally:
            bucket.ends -= 1
            if not bucket.ends:
                bucket.no_end.set()

    def _bucket(self, key: Hashable) -> Bucket:
        return self._buckets.setdefault(key, Bucket())

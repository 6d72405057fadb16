"""Pacing by Discord's rate-limit buckets: progress edits wait, final ones do not."""

import asyncio
import time
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager


class Bucket:
    """One of Discord's rate-limit buckets: an interaction's token, or a whole channel."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.users = 0
        self.free_at = float("-inf")
        self.ends = 0
        self.no_end = asyncio.Event()
        self.no_end.set()


class Pacer:
    """Keeps progress edits of one bucket ``pace_s`` seconds apart, across jobs."""

    def __init__(self, pace_s: float) -> None:
        self._pace_s = pace_s
        self._buckets: dict[Hashable, Bucket] = {}
        self._tidied_at = float("-inf")

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for a turn, first come, first served; the next one comes a pace after it ends."""
        with self._using(key) as bucket:
            async with bucket.turn:
                await asyncio.sleep(bucket.free_at - time.monotonic())
                await bucket.no_end.wait()
                yield
                bucket.free_at = time.monotonic() + self._pace_s

    async def free(self, key: Hashable) -> None:
        """Wait until a pace has passed since the last turn."""
        with self._using(key) as bucket:
            await asyncio.sleep(bucket.free_at - time.monotonic())

    @asynccontextmanager
    async def end(self, key: Hashable) -> AsyncIterator[None]:
        """Go ahead at once, and let no progress edit of the bucket start meanwhile."""
        with self._using(key) as bucket:
            bucket.ends += 1
            bucket.no_end.clear()
            try:
                yield
            finally:
                bucket.ends -= 1
                if not bucket.ends:
                    bucket.no_end.set()

    @contextmanager
    def _using(self, key: Hashable) -> Iterator[Bucket]:
        """Yield the bucket, and once a pace drop those that are unused and no longer matter."""
        now = time.monotonic()
        if now >= self._tidied_at + self._pace_s:
            self._tidied_at = now
            for old, bucket in list(self._buckets.items()):
                if not bucket.users and bucket.free_at < now:
                    del self._buckets[old]
        bucket = self._buckets.setdefault(key, Bucket())
        bucket.users += 1
        try:
            yield bucket
        finally:
            bucket.users -= 1

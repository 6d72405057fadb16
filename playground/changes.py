"""Waiting until the playground's state is what somebody hopes for."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """Wakes those who wait whenever anything in the playground changed."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def announce(self) -> None:
        """Say that something changed."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, predicate: Callable[[], T | None], within: float, what: str) -> T:
        """Return the first true value of `predicate`.

        Raises TimeoutError, naming `what`, when there was none within so many seconds. The
        predicate is also asked four times a second, because it may look at things (a process, a
        file) whose changes are announced by nobody.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while not (value := predicate()):
            left = deadline - loop.time()
            if left <= 0:
                raise TimeoutError(f"{what}: not within {within:g} s")
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.add(future)
            await asyncio.wait([future], timeout=min(0.25, left))
            self._waiting.discard(future)
        return value

"""Patience: what was promised is retried until it succeeds.

A first reply is due within 3 s, so its database work fails fast. After that nobody is waiting for a
reply, and a locked file or a full disk is no reason to lose a job: code working on one says so
(`patient`), and its store operations are retried, with growing pauses, for as long as it takes.
Everything done patiently must therefore be idempotent.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from bot.db.errors import StoreUnavailable

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 60.0
LONG_S = 5.0  # after which the person waiting is told

T = TypeVar("T")
Tell = Callable[[], None]


def _nobody_asks() -> None:
    """Do nothing."""


# Like a job's number in the log, it also applies to tasks started in its context.
_tell: ContextVar[Tell | None] = ContextVar("patience", default=None)


@contextmanager
def patient(tell: Tell = _nobody_asks) -> Iterator[None]:
    """Retry store operations in this context until they succeed.

    ``tell`` is called if that takes long.
    """
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


@contextmanager
def impatient() -> Iterator[None]:
    """Let store operations in this context fail fast, as when the bot is stopping."""
    token = _tell.set(None)
    try:
        yield
    finally:
        _tell.reset(token)


async def outlast(work: Callable[[], Awaitable[T]]) -> T:
    """Do it, retrying while the store is unavailable if the context is patient.

    Raises every other error at once, and StoreUnavailable if it is not patient.
    """
    tell = _tell.get()
    if tell is None:
        return await work()
    clock = asyncio.get_running_loop().time
    begun, told, pause = clock(), False, FIRST_PAUSE_S
    while True:
        try:
            return await work()
        except StoreUnavailable as error:
            log.warning("the disk does not take it: %s; again in %.3g s", error, pause)
        if not told and clock() - begun >= LONG_S:
            tell()
            told = True
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)

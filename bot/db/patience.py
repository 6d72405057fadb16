"""Patience: what was promised is tried until it is done.

A first answer is due within 3 s, so what it needs of the store fails soon. After that nobody waits
for an answer any more, and a locked file or a full disk is no reason to lose a job: whoever works
on one says so (`patient`), and whatever the store does for them is tried again, with growing
pauses, for as long as it takes. So everything that is done in patience can be done twice.
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
LONG_S = 5.0  # who waits for a person says so then

T = TypeVar("T")
Tell = Callable[[], None]


def _nobody_asks() -> None:
    """Tell nobody."""


# As a job's number in the log, it holds for the tasks that are begun in its context, too.
_tell: ContextVar[Tell | None] = ContextVar("patience", default=None)


@contextmanager
def patient(tell: Tell = _nobody_asks) -> Iterator[None]:
    """Let what the store does in this context be tried until it is done.

    ``tell`` is called when that takes long.
    """
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


@contextmanager
def impatient() -> Iterator[None]:
    """Let what the store does in this context fail soon, as where the bot stops."""
    token = _tell.set(None)
    try:
        yield
    finally:
        _tell.reset(token)


async def outlast(work: Callable[[], Awaitable[T]]) -> T:
    """Do it; where somebody is patient, again for as long as the store is not available.

    Raises every other error at once, and StoreUnavailable where nobody is patient.
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

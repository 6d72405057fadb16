"""Hourly removal of everything older than the retention settings allow."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.core.personal_data import PersonalData
from bot.core.pictures.picture_store import PictureStore
from bot.db.database import Database
from bot.db.errors import StoreUnavailable

log = logging.getLogger(__name__)

EVERY_S = 3600.0
# Small batches lock the database for only some hundredths of a second.
BATCH = 50
PAUSE_S = 0.2  # between two batches, in which others can write

Remove = Callable[[datetime, int], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days pictures and prompts are kept; 0 means forever."""

    pictures_days: int = 0
    prompts_days: int = 0


class Retention:
    """Removes what has expired."""

    def __init__(
        self,
        kept: Kept,
        *,
        database: Database,
        pictures: PictureStore,
        personal_data: Sequence[PersonalData],
    ) -> None:
        self._kept = kept
        self._database = database
        self._pictures = pictures
        self._personal_data = personal_data

    async def keep_on(self) -> None:
        """Sweep now and every hour, until cancelled."""
        while True:
            try:
                await self.sweep(datetime.now(UTC))
            except StoreUnavailable as error:
                log.warning("retention: %s; more in an hour", error)
            except Exception:
                log.exception("retention broke; more in an hour")
            await asyncio.sleep(EVERY_S)

    async def sweep(self, now: datetime) -> None:
        """Remove everything that has expired.

        Idempotent, so an interrupted sweep can be repeated.
        """
        for data in self._personal_data:
            await data.tidy(now)
        if self._kept.pictures_days:
            before = now - timedelta(days=self._kept.pictures_days)
            pruned = await _all(self._pictures.expire, before)
            if pruned:
                log.info("retention: the pictures of %d jobs removed", pruned)
        if self._kept.prompts_days:
            before = now - timedelta(days=self._kept.prompts_days)
            worded = sum([await _all(one.expire_words, before) for one in self._personal_data])
            if worded:
                await self._database.scrub()
                log.info("retention: the words of %d wishes removed", worded)


async def _all(remove: Remove, before: datetime) -> int:
    """Remove batches until nothing is left; return how many entries."""
    removed = 0
    while count := await remove(before, BATCH):
        removed += count
        await asyncio.sleep(PAUSE_S)
    return removed

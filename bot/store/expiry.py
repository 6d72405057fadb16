"""Words that were kept for long enough: taken out of their rows, a few rows at a time."""

from datetime import datetime

from sqlalchemy import delete, select, update

from bot.store.database import Database
from bot.store.jobs import ERASED, WORDLESS
from bot.store.models import WORDED, JobRow, RefusalRow, SpentRow


class Expiry:
    """What people typed, by its age."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def jobs(self, asked_before: datetime, count: int) -> int:
        """Take the words out of so many jobs at most, the oldest first; return how many."""
        expired = (
            select(JobRow.id)
            .where(WORDED, JobRow.asked_at < asked_before, JobRow.ended_at.is_not(None))
            .order_by(JobRow.asked_at)
            .limit(count)
        )
        async with self._database.write() as session:
            ids = (await session.scalars(expired)).all()
            await session.execute(update(JobRow).where(JobRow.id.in_(ids)).values(**WORDLESS))
        return len(ids)

    async def refusals(self, asked_before: datetime, count: int) -> int:
        """Take the words out of so many wishes that became no job; return how many."""
        expired = (
            select(RefusalRow.id)
            .where(RefusalRow.prompt != ERASED, RefusalRow.asked_at < asked_before)
            .limit(count)
        )
        async with self._database.write() as session:
            ids = (await session.scalars(expired)).all()
            await session.execute(
                update(RefusalRow).where(RefusalRow.id.in_(ids)).values(prompt=ERASED)
            )
        return len(ids)

    async def spent(self, before: datetime) -> None:
        """Forget what erased people had used of the days before this one."""
        async with self._database.write() as session:
            await session.execute(delete(SpentRow).where(SpentRow.made_at < before))

    async def scrub(self) -> None:
        """Make the words that were taken out unreadable in the files."""
        await self._database.scrub()

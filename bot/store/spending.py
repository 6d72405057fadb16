"""What counts towards quotas."""

from datetime import datetime

from sqlalchemy import func, select

from bot.store.database import Database
from bot.store.models import JobRow
from bot.store.records import Spent, Status


class SpendingStore:
    """Sums over the jobs table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, *, person_id: int, guild_id: int, since: datetime, until: datetime) -> Spent:
        """Return what a person asked for in a server in a span of time, the end left out.

        What failed, or was cancelled before it was begun, does not count.
        """
        counts = (JobRow.status != Status.FAILED) & (
            (JobRow.status != Status.CANCELLED) | JobRow.started_at.is_not(None)
        )
        query = select(
            func.coalesce(func.sum(JobRow.num_images), 0),
            func.coalesce(func.sum(JobRow.device_seconds), 0.0),
        ).where(
            JobRow.guild_id == guild_id,
            JobRow.person_id == person_id,
            JobRow.asked_at >= since,
            JobRow.asked_at < until,
            counts,
        )
        async with self._database.read() as session:
            pictures, seconds = (await session.execute(query)).one()
        return Spent(pictures, seconds)

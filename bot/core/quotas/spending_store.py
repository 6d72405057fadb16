"""Usage that counts towards quotas."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.personal_data import PersonalData
from bot.db.database import Database
from bot.db.models import AllowanceRow, JobRow, SpentRow
from bot.db.records import EVERYWHERE, Holder, Spent, Status

# Failed jobs, and those cancelled before they started, do not count.
_COUNTS = (JobRow.status != Status.FAILED) & (
    (JobRow.status != Status.CANCELLED) | JobRow.started_at.is_not(None)
)
_PICTURES = func.coalesce(func.sum(JobRow.num_images), 0)
_SECONDS = func.coalesce(func.sum(JobRow.device_seconds), 0.0)


class SpendingStore(PersonalData):
    """Sums over the jobs table, plus the usage recorded of erased jobs."""

    name = "used_before_erasure"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, *, person_id: int, guild_id: int, since: datetime, until: datetime) -> Spent:
        """Return a person's usage in a server in a period; its end is exclusive."""
        here = (JobRow.guild_id == guild_id, SpentRow.guild_id == guild_id)
        return await self._sum(*here, person_id, since, until)

    async def everywhere(self, *, person_id: int, since: datetime, until: datetime) -> Spent:
        """Return a person's usage in all servers and direct messages, likewise."""
        return await self._sum(true(), true(), person_id, since, until)

    async def _sum(
        self,
        jobs_of: ColumnElement[bool],
        erased_of: ColumnElement[bool],
        person_id: int,
        since: datetime,
        until: datetime,
    ) -> Spent:
        jobs = select(_PICTURES, _SECONDS).where(
            jobs_of,
            JobRow.person_id == person_id,
            JobRow.asked_at >= since,
            JobRow.asked_at < until,
            _COUNTS,
        )
        erased = select(
            func.coalesce(func.sum(SpentRow.pictures), 0),
            func.coalesce(func.sum(SpentRow.seconds), 0.0),
        ).where(
            erased_of,
            SpentRow.person_id == person_id,
            SpentRow.made_at >= since,
            SpentRow.made_at < until,
        )
        async with self._database.read() as session:
            pictures, seconds = (await session.execute(jobs)).one()
            before, spent = (await session.execute(erased)).one()
        return Spent(pictures + before, seconds + spent)

    async def export(self, person_id: int) -> list[dict[str, Any]]:
        """Return a person's usage of the day, by server, recorded when their data was erased.

        It stays until that day is over; otherwise erasing would reset the quota.
        """
        query = (
            select(SpentRow.guild_id, func.sum(SpentRow.pictures), func.sum(SpentRow.seconds))
            .where(SpentRow.person_id == person_id)
            .group_by(SpentRow.guild_id)
        )
        async with self._database.read() as session:
            rows = await session.execute(query)
            return [
                {"server": guild_id, "pictures": pictures, "seconds": seconds}
                for guild_id, pictures, seconds in rows
            ]

    async def tidy(self, now: datetime) -> None:
        """Remove the recorded usage of earlier days."""
        async with self._database.write() as session:
            await session.execute(delete(SpentRow).where(SpentRow.made_at < midnight(now)))


def midnight(now: datetime) -> datetime:
    """Return the start of this moment's day (UTC)."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def remember(session: AsyncSession, person_id: int, now: datetime) -> None:
    """Record a person's usage of the day, before their jobs are anonymized.

    Otherwise erasing one's data would reset the quota. Usage outside a server, or in one that no
    longer counts it, is recorded as EVERYWHERE: the owner's limits count it.
    """
    whose = (
        (AllowanceRow.guild_id == JobRow.guild_id)
        & (AllowanceRow.holder == Holder.PERSON)
        & (AllowanceRow.holder_id == person_id)
    )
    begin = literal(midnight(now), JobRow.asked_at.type)
    counted = JobRow.asked_at >= func.coalesce(AllowanceRow.counted_from, begin)
    place = case((JobRow.guild_id.is_not(None) & counted, JobRow.guild_id), else_=EVERYWHERE)
    used = await session.execute(
        select(place, _PICTURES, _SECONDS)
        .outerjoin(AllowanceRow, whose)
        .where(JobRow.person_id == person_id, JobRow.asked_at >= begin, _COUNTS)
        .group_by(place)
    )
    session.add_all(
        SpentRow(
            guild_id=guild_id,
            person_id=person_id,
            made_at=now,
            pictures=pictures,
            seconds=seconds,
        )
        for guild_id, pictures, seconds in used
    )

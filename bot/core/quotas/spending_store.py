"""Usage that counts towards quotas."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, insert, literal, select

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


# Built once, as quotas are checked before the first reply; without a server, everywhere.
_OF_PERSON = select(_PICTURES, _SECONDS).where(
    JobRow.person_id == bindparam("person_id"),
    JobRow.asked_at >= bindparam("since"),
    JobRow.asked_at < bindparam("until"),
    _COUNTS,
)
_ERASED_OF_PERSON = select(
    func.coalesce(func.sum(SpentRow.pictures), 0),
    func.coalesce(func.sum(SpentRow.seconds), 0.0),
).where(
    SpentRow.person_id == bindparam("person_id"),
    SpentRow.made_at >= bindparam("since"),
    SpentRow.made_at < bindparam("until"),
)
_OF_SERVER = (
    _OF_PERSON.where(JobRow.guild_id == bindparam("guild_id")),
    _ERASED_OF_PERSON.where(SpentRow.guild_id == bindparam("guild_id")),
)
_OF_ALL = (_OF_PERSON, _ERASED_OF_PERSON)


@dataclass(frozen=True, slots=True)
class Period:
    """A person's requests from ``since`` up to and excluding ``until``.

    In one server, or if it is None in all servers and direct messages.
    """

    person_id: int
    guild_id: int | None
    since: datetime
    until: datetime


class SpendingStore(PersonalData):
    """Sums over the jobs table, plus the usage recorded of erased jobs."""

    name = "used_before_erasure"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, *periods: Period) -> list[Spent]:
        """Return a person's usage in each of these periods, in one read."""
        return await self._database.read(lambda connection: [_sum(connection, p) for p in periods])

    async def export(self, person_id: int) -> list[dict[str, Any]]:
        """Return a person's usage of the day, by server, recorded when their data was erased.

        It stays until that day is over; otherwise erasing would reset the quota.
        """
        query = (
            select(SpentRow.guild_id, func.sum(SpentRow.pictures), func.sum(SpentRow.seconds))
            .where(SpentRow.person_id == person_id)
            .group_by(SpentRow.guild_id)
        )

        def find(connection: Connection) -> list[dict[str, Any]]:
            return [
                {"server": guild_id, "pictures": pictures, "seconds": seconds}
                for guild_id, pictures, seconds in connection.execute(query)
            ]

        return await self._database.read(find)

    async def tidy(self, now: datetime) -> None:
        """Remove the recorded usage of earlier days."""
        earlier = delete(SpentRow).where(SpentRow.made_at < midnight(now))
        await self._database.write(lambda connection: connection.execute(earlier).rowcount)


def _sum(connection: Connection, period: Period) -> Spent:
    values = asdict(period)
    sums = _OF_ALL if period.guild_id is None else _OF_SERVER
    used, erased = (connection.execute(query, values).one() for query in sums)
    return Spent(used[0] + erased[0], used[1] + erased[1])


def midnight(now: datetime) -> datetime:
    """Return the start of this moment's day (UTC)."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def remember(connection: Connection, person_id: int, last: int, now: datetime) -> None:
    """Record a person's usage of the day, before their jobs up to ``last`` are anonymized.

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
    used = connection.execute(
        select(place, _PICTURES, _SECONDS)
        .outerjoin(AllowanceRow, whose)
        .where(JobRow.person_id == person_id, JobRow.id <= last, JobRow.asked_at >= begin, _COUNTS)
        .group_by(place)
    )
    rows = [
        {
            "guild_id": guild_id,
            "person_id": person_id,
            "made_at": now,
            "pictures": pictures,
            "seconds": seconds,
        }
        for guild_id, pictures, seconds in used
    ]
    if rows:
        connection.execute(insert(SpentRow), rows)

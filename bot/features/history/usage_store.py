"""A server's usage by day and person, summed up by SQLite."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, Integer, Select, func, select, type_coerce
from sqlalchemy.orm import aliased

from bot.core.erasing import NOBODY
from bot.db.database import Database
from bot.db.models import JobRow, PictureRow, RefusalRow
from bot.db.records import Status
from bot.features.history.usage_stats import Day, Person, Usage

MOST_PEOPLE = 10


class UsageStore:
    """Sums over jobs, pictures and refusals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def usage(self, guild_id: int | None, since: datetime, until: datetime) -> Usage:
        """Return the usage in a server, or in direct messages, from ``since`` on.

        ``until`` is exclusive. Days are UTC, including those without jobs.
        """
        asked = (
            JobRow.guild_id.is_not_distinct_from(guild_id),
            JobRow.asked_at >= since,
            JobRow.asked_at < until,
        )
        refused = (
            RefusalRow.guild_id.is_not_distinct_from(guild_id),
            RefusalRow.asked_at >= since,
            RefusalRow.asked_at < until,
        )
        day = func.date(JobRow.asked_at)
        refusal_day = func.date(RefusalRow.asked_at)
        jobs = (
            select(day, func.count(), _failed(), _pictures(), func.sum(JobRow.device_seconds))
            .where(*asked)
            .group_by(day)
        )
        refusals = select(refusal_day, func.count()).where(*refused).group_by(refusal_day)
        people = _people(*asked)
        by_day, refused_on, top = await self._database.read(
            lambda connection: (
                {date.fromisoformat(row[0]): row[1:] for row in connection.execute(jobs)},
                {date.fromisoformat(row[0]): row[1] for row in connection.execute(refusals)},
                [
                    Person(name=name, pictures=pictures, jobs=count, device_seconds=seconds)
                    for name, pictures, count, seconds in connection.execute(people)
                ],
            )
        )
        days = []
        for one in _days(since, until):
            count, failed, pictures, seconds = by_day.get(one, (0, 0, 0, 0.0))
            days.append(
                Day(
                    day=one,
                    jobs=count,
                    pictures=pictures,
                    failed=failed,
                    refused=refused_on.get(one, 0),
                    device_seconds=seconds,
                )
            )
        return Usage(days=tuple(days), people=tuple(top))


def _people(*asked: ColumnElement[bool]) -> Select[str, int, int, float]:
    """Select the people with the most pictures, by their last known names."""
    sums = (
        select(
            func.max(JobRow.id).label("last_id"),
            _pictures().label("pictures"),
            func.count().label("jobs"),
            func.sum(JobRow.device_seconds).label("seconds"),
        )
        .where(*asked, JobRow.person_id != NOBODY)
        .group_by(JobRow.person_id)
        .order_by(_pictures().desc(), func.count().desc())
        .limit(MOST_PEOPLE)
        .subquery()
    )
    last = aliased(JobRow)
    return (
        select(last.person_name, sums.c.pictures, sums.c.jobs, sums.c.seconds)
        .join(sums, sums.c.last_id == last.id)
        .order_by(sums.c.pictures.desc(), sums.c.jobs.desc(), last.id)
    )


def _failed() -> ColumnElement[int]:
    return func.count().filter(JobRow.status == Status.FAILED)


def _pictures() -> ColumnElement[int]:
    of_job = (
        select(func.count())
        .where(PictureRow.job_id == JobRow.id)
        .correlate(JobRow)
        .scalar_subquery()
    )
    return func.sum(type_coerce(of_job, Integer))


def _days(since: datetime, until: datetime) -> list[date]:
    first, last = (
        since.astimezone(UTC).date(),
        (until - timedelta.resolution).astimezone(UTC).date(),
    )
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]

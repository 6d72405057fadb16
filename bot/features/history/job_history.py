"""A server's job history, for its moderators."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, true

from bot.core.jobs.job_rows import read_job
from bot.db.database import Database
from bot.db.models import JOB_COLUMNS, JobRow
from bot.db.records import Job, ModSearch
from bot.db.search.job_search import Period, by_columns, by_words, has_words, newest
from bot.db.search.search_words import fold

MOST_WAYS = 2  # each costs as much as the best one, which is nearly always among the first


class History:
    """Searches all jobs of a server, including deleted ones and those of erased people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, search: ModSearch, before: int | None, limit: int) -> list[Job]:
        """Return jobs requested before job ``before``, newest first."""
        here = JobRow.guild_id == search.guild_id
        words = fold(search.words)
        period = Period(search.guild_id, search.since, search.until)
        chosen = _conditions(search)
        along = by_words(words)
        ways = [by_columns(here, condition) for condition in chosen] or [by_columns(here)]
        ways = [*ways[: MOST_WAYS - len(along)], *along]
        if search.job_id is not None:
            ways = [by_columns(JobRow.id == search.job_id)]
        conditions = [here, *chosen, *period.conditions()]
        if search.job_id is not None:
            conditions.append(JobRow.id == search.job_id)
        if words:
            conditions.append(has_words(words))
        ways = [period.of(way) for way in ways]

        def find(connection: Connection) -> list[Job]:
            rows = newest(connection, ways, conditions, before, limit)
            return [read_job(row) for row in rows]

        return await self._database.read(find)

    async def of_message(self, guild_id: int, message_id: int) -> Job | None:
        """Return the job of a server that belongs to a message, or None."""
        query = select(*JOB_COLUMNS).where(
            JobRow.message_id == message_id, JobRow.guild_id == guild_id
        )
        found = await self._find(query.limit(1))
        return found[0] if found else None

    async def children(self, job: Job, limit: int) -> list[Job]:
        """Return the first jobs of its server that were made from this one."""
        # Written like this, SQLite does not scan all jobs of the server.
        here = (JobRow.guild_id == job.origin.guild_id).is_(true())
        query = select(*JOB_COLUMNS).where(JobRow.parent_id == job.id, here)
        return await self._find(query.order_by(JobRow.id).limit(limit))

    async def _find(self, query: Select[Any]) -> list[Job]:
        def find(connection: Connection) -> list[Job]:
            return [read_job(row) for row in connection.execute(query)]

        return await self._database.read(find)


def _conditions(search: ModSearch) -> list[ColumnElement[bool]]:
    """Return conditions on columns that have an index with the server's."""
    chosen: list[ColumnElement[bool]] = []
    if search.person_id is not None:
        chosen.append(JobRow.person_id == search.person_id)
    if search.flagged:
        chosen.append(JobRow.flagged.is_not(None))
    if search.checkpoint is not None:
        chosen.append(JobRow.checkpoint == search.checkpoint)
    if search.status is not None:
        chosen.append(JobRow.status == search.status)
    return chosen

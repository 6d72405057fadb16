"""Jobs: questions about several of them."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, true

from bot.core.jobs.job_rows import read_job
from bot.db.database import Database
from bot.db.models import JOB_COLUMNS, FavouriteRow, JobRow
from bot.db.records import OPEN, Job, Place, Search
from bot.db.search.job_search import Period, by_columns, by_words, has_words, newest
from bot.db.search.search_words import fold

T = TypeVar("T")

LOOKED_BACK = 10_000  # jobs; a stop leaves only the latest untold
HOMES = {
    Place.MESSAGE: JobRow.message_id,
    Place.CHANNEL: JobRow.channel_id,
    Place.SERVER: JobRow.guild_id,
}
# Built once: building a statement takes longer than running it.
ALL = select(*JOB_COLUMNS)
_HERE = JobRow.guild_id.is_not_distinct_from(bindparam("here"))
_THEIRS = JobRow.person_id == bindparam("person")
_STANDING = (_HERE, JobRow.deleted_at.is_(None))
_SHOWN = (*_STANDING, JobRow.private.is_(False) | _THEIRS)
_OWN = by_columns(_HERE, _THEIRS)
_LIKED = by_columns(
    JobRow.id.in_(select(FavouriteRow.job_id).where(FavouriteRow.person_id == bindparam("person")))
)


class JobReads:
    """The jobs table, as it is read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def untold(self) -> list[Job]:
        """Return the late jobs that were closed while their messages did not say so yet."""
        newest = select(func.max(JobRow.id)).scalar_subquery()
        return await self._select(
            JobRow.id > newest - LOOKED_BACK,
            JobRow.ended_at.is_not(None),
            JobRow.interaction_token.is_not(None),
        )

    async def open_jobs(self) -> list[Job]:
        """Return every job that has not ended, in the order in which people asked."""
        return await self._select(JobRow.status.in_(OPEN))

    async def open_of(self, person_id: int, guild_id: int | None) -> list[Job]:
        """Return a person's jobs in one server, or direct messages, that have not ended."""
        return await self._select(
            JobRow.status.in_(OPEN),
            JobRow.person_id == person_id,
            JobRow.guild_id.is_not_distinct_from(guild_id),
        )

    async def open_anywhere(self, person_id: int) -> list[Job]:
        """Return a person's jobs in every server, and direct messages, that have not ended."""
        return await self._select(JobRow.status.in_(OPEN), JobRow.person_id == person_id)

    async def of_person(self, person_id: int) -> list[Job]:
        """Return every job of a person, in every server, in the order in which they asked."""
        return await self._select(JobRow.person_id == person_id)

    async def open_in(self, place: Place, ids: Collection[int]) -> list[Job]:
        """Return the jobs that have not ended and live in one of these messages or places."""
        return await self._select(JobRow.status.in_(OPEN), HOMES[place].in_(ids))

    async def children_count(self, job: Job) -> int:
        """Count the jobs made from one of a server that stand there still."""
        query = select(func.count()).select_from(JobRow).where(*_children(job))
        return await self._database.read(lambda connection: connection.scalar(query) or 0)

    async def children(self, job: Job, limit: int, *, person_id: int) -> list[Job]:
        """Return the first jobs made from this one that this person, who sees it, may see."""
        conditions = [*_children(job), _shown_to(person_id)]
        if job.origin.guild_id is None:
            conditions.append(JobRow.person_id == job.origin.person_id)
        return await self._select(*conditions, limit=limit)

    async def search(self, search: Search, before: int | None, limit: int) -> list[Job]:
        """Return the jobs that were asked for before job ``before``, newest first."""
        jobs, _ = await self.search_with(search, before, limit, lambda *_: None)
        return jobs

    async def search_with(
        self,
        search: Search,
        before: int | None,
        limit: int,
        also: Callable[[Connection, list[int]], T],
    ) -> tuple[list[Job], T]:
        """Return what `search` does, and what ``also`` reads of these jobs in the same trip."""
        way, conditions = (_LIKED, _SHOWN) if search.favourites else (_OWN, _STANDING)
        words, period = fold(search.word), Period(search.guild_id, since=search.since)
        conditions = (*conditions, *period.conditions(), *([has_words(words)] if words else ()))
        ways = [period.of(one) for one in (way, *by_words(words))]
        values = {"here": search.guild_id, "person": search.person_id}

        def find(connection: Connection) -> tuple[list[Job], T]:
            rows = newest(connection, ways, conditions, before, limit, values)
            return [read_job(row) for row in rows], also(connection, [row.id for row in rows])

        return await self._database.read(find)

    async def _select(
        self,
        *conditions: ColumnElement[bool],
        order: ColumnElement[Any] = JobRow.id.expression,
        limit: int | None = None,
    ) -> list[Job]:
        query = ALL.where(*conditions).order_by(order).limit(limit)
        return await self._database.read(partial(_read, query))


def _read(query: Select[Any], connection: Connection) -> list[Job]:
    return [read_job(row) for row in connection.execute(query)]


def _shown_to(person_id: int) -> ColumnElement[bool]:
    return JobRow.private.is_(False) | (JobRow.person_id == person_id)


def _children(job: Job) -> tuple[ColumnElement[bool], ...]:
    return (
        JobRow.parent_id == job.id,
        # Said like this, it does not make SQLite go through the whole server.
        JobRow.guild_id.is_not_distinct_from(job.origin.guild_id).is_(true()),
        JobRow.deleted_at.is_(None),
    )

"""Jobs: every question and every change, each one transaction."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, delete, func, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from bot.core.audit_store import NewAuditEntry
from bot.core.jobs.job_rows import read_job, row_of
from bot.db.database import Database
from bot.db.models import FavouriteRow, JobRow
from bot.db.records import OPEN, Job, NewJob, Origin, Place, Search, Status
from bot.db.search.job_search import Period, by_columns, by_words, has_words, newest
from bot.db.search.search_words import fold

LARGEST_ID = 2**63 - 1  # SQLite takes no larger number
LOOKED_BACK = 10_000  # jobs; a stop leaves only the latest untold
LATEST = 30  # how many finished jobs tell how long one takes
HOMES = {
    Place.MESSAGE: JobRow.message_id,
    Place.CHANNEL: JobRow.channel_id,
    Place.SERVER: JobRow.guild_id,
}


class AlreadyRecorded(Exception):
    """This interaction has a row already; Discord can deliver one twice."""


class JobStore:
    """The jobs table."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pace: float | None = None  # what `seconds_per_cost` found, until another job ends
        # Whose each job is that has not ended, and the home of its origin.
        self._open: dict[int, tuple[int, int | None]] = {}
        self._arriving: Counter[int | None] = Counter()  # jobs that are being recorded, by home

    async def load(self) -> None:
        """Read which jobs are open, which is kept in memory; comes before anything else."""
        columns = (JobRow.id, JobRow.person_id, JobRow.guild_id, JobRow.guest)
        query = select(*columns).where(JobRow.status.in_(OPEN))
        async with self._database.read() as session:
            self._open = {
                row.id: (row.person_id, None if row.guest else row.guild_id)
                for row in await session.execute(query)
            }

    async def record(
        self,
        new_job: NewJob,
        origin: Origin,
        *,
        fair_start: float,
    ) -> Job:
        """Write the row before anybody is answered; raises StoreBusy or AlreadyRecorded."""

        def add(session: Session) -> Job:
            row = row_of(new_job, origin, fair_start=fair_start)
            session.add(row)
            session.flush()
            return read_job(row)

        self._arriving[origin.home] += 1
        try:
            job = await self._database.write_together(add)
            self._open[job.id] = (job.origin.person_id, job.origin.home)
        except IntegrityError as error:
            raise AlreadyRecorded from error
        finally:
            self._arriving[origin.home] -= 1
        return job

    async def get(self, job_id: int) -> Job | None:
        """Return the job, or None where there is none; the id may be anything that was sent."""
        if job_id > LARGEST_ID:
            return None

        async def find(session: AsyncSession) -> Job | None:
            row = await session.get(JobRow, job_id)
            return None if row is None else read_job(row)

        return await self._database.fetch(find)

    async def queued(self, job_id: int, message_id: int) -> bool:
        """RECORDED → QUEUED: the answer stands, and this is its message."""
        return await self._move(
            job_id,
            (Status.RECORDED,),
            JobRow.message_id == message_id,
            status=Status.QUEUED,
            message_id=message_id,
            queued_at=_now(),
        )

    async def running(self, job_id: int) -> bool:
        """QUEUED → RUNNING."""
        now = _now()
        return await self._move(
            job_id,
            (Status.QUEUED,),
            JobRow.started_at == now,
            status=Status.RUNNING,
            started_at=now,
        )

    async def requeued(self, job_id: int) -> bool:
        """RUNNING → QUEUED: the bot stops before the job is done."""
        return await self._move(
            job_id, (Status.RUNNING,), true(), status=Status.QUEUED, started_at=None
        )

    async def retagged(self, tags: Mapping[int, float]) -> None:
        """Note the new start tags of waiting jobs, by id."""

        def retag(session: Session) -> None:
            for job_id, start in tags.items():
                session.execute(update(JobRow).where(JobRow.id == job_id).values(fair_start=start))

        await self._database.write_together(retag)

    async def spent(self, job_id: int, device_seconds: float) -> None:
        """Add device time; what a job cost stays true however it ends."""
        job = JobRow.id == job_id
        sum_: float | None = None  # that was written, perhaps

        def add(session: Session) -> None:
            nonlocal sum_
            found = session.scalars(select(JobRow.device_seconds).where(job)).one_or_none()
            if found is not None and found != sum_:
                sum_ = found + device_seconds
                session.execute(update(JobRow).where(job).values(device_seconds=sum_))

        await self._database.write_together(add)

    async def shortened(self, job_id: int, cut: str) -> None:
        """Note the words of its prompts that were too many."""
        await self._set(job_id, cut=cut)

    async def posted(self, job_id: int, message_id: int) -> None:
        """Note the message of a job that ended before it was known."""
        await self._set(job_id, message_id=message_id)

    async def moved(self, job_id: int, channel_id: int, message_id: int) -> None:
        """Note the direct message that stands in for one that cannot be reached."""
        await self._set(job_id, direct_channel_id=channel_id, message_id=message_id)

    async def flag(self, job_id: int, why: str) -> None:
        """Say once what moderators should look at, below what was said before."""

        def add(session: Session) -> None:
            row = session.get_one(JobRow, job_id)
            lines = [] if row.flagged is None else row.flagged.split("\n")
            if why not in lines:
                row.flagged = "\n".join([*lines, why])

        await self._database.write_together(add)

    async def ended(
        self,
        job_id: int,
        status: Status,
        error: str | None = None,
        entry: NewAuditEntry | None = None,
    ) -> bool:
        """Close an open job and forget its token; False where it was closed already.

        ``entry`` is a moderator's who did so.
        """
        return await self._end(job_id, entry, status=status, error=error, interaction_token=None)

    async def closed(
        self,
        job_id: int,
        status: Status,
        error: str | None = None,
        entry: NewAuditEntry | None = None,
    ) -> bool:
        """Do as `ended`, but keep the token until the job's message says so; see `told`."""
        return await self._end(job_id, entry, status=status, error=error)

    async def told(self, job_id: int) -> None:
        """Forget the token of a job that was closed: its message says so now."""
        forget = update(JobRow).where(JobRow.id == job_id, JobRow.ended_at.is_not(None))

        def write(session: Session) -> None:
            session.execute(forget.values(interaction_token=None))

        await self._database.write_together(write)

    async def untold(self) -> list[Job]:
        """Return the late jobs that were closed while their messages did not say so yet."""
        newest = select(func.max(JobRow.id)).scalar_subquery()
        return await self._select(
            JobRow.id > newest - LOOKED_BACK,
            JobRow.ended_at.is_not(None),
            JobRow.interaction_token.is_not(None),
        )

    async def deleted(self, job_id: int, entry: NewAuditEntry | None = None) -> None:
        """Note when a job was deleted, the first time; it is nobody's favourite any more.

        ``entry`` is a moderator's who did so. Whose job it was it cannot say where that person's
        data was erased: then the job was deleted before, but its message may have stood still.
        """
        async with self._database.write() as session:
            moved = await session.scalars(
                update(JobRow)
                .where(JobRow.id == job_id, JobRow.deleted_at.is_(None))
                .values(deleted_at=_now())
                .returning(JobRow.id)
            )
            first = moved.one_or_none() is not None
            if first:
                await session.execute(delete(FavouriteRow).where(FavouriteRow.job_id == job_id))
            if entry is not None and (first or entry.person_id is None):
                session.add(entry.row())

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

    async def seconds_per_cost(self, latest: int) -> float | None:
        """Return the device time a unit of cost took in the latest finished jobs, if there are."""
        if self._pace is None:
            async with self._database.read() as session:
                rows = await session.scalars(
                    select(JobRow)
                    .where(JobRow.status == Status.DONE, JobRow.device_seconds > 0)
                    .order_by(JobRow.id.desc())
                    .limit(latest)
                )
                jobs = [read_job(row) for row in rows]
            if jobs:
                seconds = sum(job.device_seconds for job in jobs)
                self._pace = seconds / sum(job.cost() for job in jobs)
        return self._pace

    async def open_in(self, place: Place, ids: Collection[int]) -> list[Job]:
        """Return the jobs that have not ended and live in one of these messages or places."""
        return await self._select(JobRow.status.in_(OPEN), HOMES[place].in_(ids))

    def waiting_counts(self, person_id: int) -> tuple[int, int]:
        """Count the jobs that have not ended: one person's, and everybody's.

        Everybody's are also those that are being recorded.
        """
        theirs = sum(whose == person_id for whose, _ in self._open.values())
        return theirs, len(self._open) + self._arriving.total()

    def waiting_in(self, home: int | None) -> int:
        """Count the jobs that have not ended, or are being recorded, of one home of origins."""
        return sum(one == home for _, one in self._open.values()) + self._arriving[home]

    async def children_count(self, job: Job) -> int:
        """Count the jobs made from one of a server that stand there still."""
        query = select(func.count()).select_from(JobRow).where(*_children(job))
        async with self._database.read() as session:
            return await session.scalar(query) or 0

    async def children(self, job: Job, limit: int, *, person_id: int) -> list[Job]:
        """Return the first jobs made from this one that this person, who sees it, may see."""
        query = select(JobRow).where(*_children(job), _shown_to(person_id))
        if job.origin.guild_id is None:
            query = query.where(JobRow.person_id == job.origin.person_id)
        async with self._database.read() as session:
            rows = await session.scalars(query.order_by(JobRow.id).limit(limit))
            return [read_job(row) for row in rows]

    async def search(self, search: Search, before: int | None, limit: int) -> list[Job]:
        """Return the jobs that were asked for before job ``before``, newest first."""
        here = JobRow.guild_id.is_not_distinct_from(search.guild_id)
        words, period = fold(search.word), Period(search.guild_id, since=search.since)
        conditions = [here, JobRow.deleted_at.is_(None), *period.conditions()]
        if search.favourites:
            mine = select(FavouriteRow.job_id).where(FavouriteRow.person_id == search.person_id)
            way = by_columns(JobRow.id.in_(mine))
            conditions.append(_shown_to(search.person_id))
        else:
            way = by_columns(here, JobRow.person_id == search.person_id)
        conditions += way.conditions
        if words:
            conditions.append(has_words(words))
        ways = [period.of(way) for way in (way, *by_words(words))]
        async with self._database.read() as session:
            rows = await newest(session, ways, conditions, before, limit)
            return [read_job(row) for row in rows]

    async def _select(self, *conditions: ColumnElement[bool]) -> list[Job]:
        async def find(session: AsyncSession) -> list[Job]:
            rows = await session.scalars(select(JobRow).where(*conditions).order_by(JobRow.id))
            return [read_job(row) for row in rows]

        return await self._database.fetch(find)

    async def _end(self, job_id: int, entry: NewAuditEntry | None, **values: object) -> bool:
        now = _now()
        moved = await self._move(
            job_id, OPEN, JobRow.ended_at == now, entry, ended_at=now, **values
        )
        self._pace = None
        self._open.pop(job_id, None)
        return moved

    async def _set(self, job_id: int, **values: object) -> None:
        change = update(JobRow).where(JobRow.id == job_id).values(**values)

        def write(session: Session) -> None:
            session.execute(change)

        await self._database.write_together(write)

    async def _move(
        self,
        job_id: int,
        before: Sequence[Status],
        ours: ColumnElement[bool],
        entry: NewAuditEntry | None = None,
        **values: object,
    ) -> bool:
        """Change a job that is in one of the states ``before``; False where it is not.

        ``ours`` tells the change itself apart from somebody else's, where a disk that failed took
        it all the same.
        """
        job, tried = JobRow.id == job_id, False
        change = update(JobRow).where(job, JobRow.status.in_(before)).values(**values)

        def move(session: Session) -> bool:
            nonlocal tried
            same = select(JobRow.id).where(job, JobRow.status == values["status"], ours)
            if tried and session.scalars(same).one_or_none() is not None:
                return True
            tried = True
            if session.scalars(change.returning(JobRow.id)).one_or_none() is None:
                return False
            if entry is not None:
                session.add(entry.row())
            return True

        return await self._database.write_together(move)


def _shown_to(person_id: int) -> ColumnElement[bool]:
    return JobRow.private.is_(False) | (JobRow.person_id == person_id)


def _now() -> datetime:
    return datetime.now(UTC)


def _children(job: Job) -> tuple[ColumnElement[bool], ...]:
    return (
        JobRow.parent_id == job.id,
        # Said like this, it does not make SQLite go through the whole server.
        JobRow.guild_id.is_not_distinct_from(job.origin.guild_id).is_(true()),
        JobRow.deleted_at.is_(None),
    )

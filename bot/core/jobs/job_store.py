"""Jobs: every question and every change, each one transaction."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, Update, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.core.audit_store import NewAuditEntry
from bot.core.jobs.job_reads import ALL, JobReads
from bot.core.jobs.job_rows import inputs_of, job_of, read_job, values_of
from bot.core.kept import Kept
from bot.core.pictures.picture_store import note
from bot.db.database import Database
from bot.db.models import FavouriteRow, InputRow, JobRow
from bot.db.records import OPEN, Job, NewJob, Origin, Status, StoredPicture

log = logging.getLogger(__name__)

LARGEST_ID = 2**63 - 1  # SQLite takes no larger number
LATEST = 30  # how many finished jobs tell how long one takes
KEPT = 500  # jobs in memory, those asked for last: each takes a few kilobytes
# What every job needs is built once: building a statement takes longer than running it.
_ONE = ALL.where(JobRow.id == bindparam("job_id"))
_RECORD = insert(JobRow)
_RECORD_INPUTS = insert(InputRow)
_CHANGE = update(JobRow).where(JobRow.id == bindparam("job_id"))
_MOVES: dict[tuple[Status, ...], Update] = {  # by the states before: an IN is made anew each time
    before: _CHANGE.where(or_(*(JobRow.status == one for one in before)))
    for before in (*((one,) for one in OPEN), OPEN)
}
_STATUS = select(JobRow.status, JobRow.message_id, JobRow.started_at, JobRow.ended_at).where(
    JobRow.id == bindparam("job_id")
)
_DRAWN = select(JobRow.device_seconds, JobRow.flagged).where(JobRow.id == bindparam("job_id"))


class AlreadyRecorded(Exception):
    """This interaction has a row already; Discord can deliver one twice."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is counted of a job that has not ended: whose it is, its cost and its device time."""

    person_id: int
    guild_id: int | None
    home: int | None
    cost: float
    seconds: float

    @classmethod
    def of(cls, job: Job) -> "Waiting":
        """Return what is counted of a job."""
        origin = job.origin
        return cls(origin.person_id, origin.guild_id, origin.home, job.cost(), job.device_seconds)


class JobStore(JobReads):
    """The jobs table, and what is kept of it in memory."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._kept: Kept[int, Job | None] = Kept(0)  # nothing before `load`
        self._open: dict[int, Waiting] = {}  # the jobs that have not ended
        self._arriving: Counter[int | None] = Counter()  # jobs that are being recorded, by home
        self._listeners: list[Callable[[Job], None]] = []
        self._earlier = LARGEST_ID  # the last job of earlier runs
        # Cost and device seconds of the latest finished jobs; None until somebody asks.
        self._finished: deque[tuple[float, float]] | None = None

    async def load(self) -> None:
        """Read which jobs are open, and keep jobs in memory from now on, as no other store writes.

        Comes before anything else.
        """
        query = ALL.where(JobRow.status.in_(OPEN))

        def find(connection: Connection) -> tuple[dict[int, Waiting], int]:
            last = connection.scalar(select(func.max(JobRow.id)))
            return {row.id: _waiting(row) for row in connection.execute(query)}, last or 0

        self._open, self._earlier = await self._database.read(find)
        self._kept = Kept(KEPT)
        self._database.on_rewrite(self._kept.clear)
        await self.seconds_per_cost()

    def on_move(self, listener: Callable[[Job], None]) -> None:
        """Register who is told of jobs that have come to another status, once that is on disk."""
        self._listeners.append(listener)

    async def record(self, new_job: NewJob, origin: Origin, *, fair_start: float) -> Job:
        """Write the row before anybody is answered; raises StoreBusy or AlreadyRecorded."""
        values = values_of(new_job, origin, fair_start=fair_start)

        def add(connection: Connection) -> Job:
            key = connection.execute(_RECORD, values).inserted_primary_key
            assert key is not None  # noqa: S101 - it is one row
            if new_job.inputs:
                connection.execute(_RECORD_INPUTS, inputs_of(new_job, key[0]))
            return job_of(new_job, origin, job_id=key[0], fair_start=fair_start)

        def committed(job: Job) -> None:
            self._kept.put(job.id, job)
            self._open[job.id] = Waiting.of(job)

        self._arriving[origin.home] += 1
        try:
            return await self._database.write(add, committed)
        except IntegrityError as error:
            raise AlreadyRecorded from error
        finally:
            self._arriving[origin.home] -= 1

    async def get(self, job_id: int) -> Job | None:
        """Return the job, or None where there is none; the id may be anything that was sent."""
        if job_id > LARGEST_ID:
            return None
        return await self._kept.get_or_read(job_id, partial(self._read_one, job_id))

    def is_of_this_run(self, job_id: int) -> bool:
        """Tell whether a job was recorded since `load`, so that no earlier run drew of it."""
        return job_id > self._earlier

    async def queued(self, job_id: int, message_id: int) -> bool:
        """RECORDED → QUEUED: the answer stands, and this is its message."""
        return await self._move(
            job_id,
            (Status.RECORDED,),
            ("message_id",),
            status=Status.QUEUED,
            message_id=message_id,
            queued_at=_now(),
        )

    async def running(self, job_id: int) -> bool:
        """QUEUED → RUNNING."""
        return await self._move(
            job_id, (Status.QUEUED,), ("started_at",), status=Status.RUNNING, started_at=_now()
        )

    async def requeued(self, job_id: int) -> bool:
        """RUNNING → QUEUED: the bot stops before the job is done."""
        return await self._move(
            job_id, (Status.RUNNING,), (), status=Status.QUEUED, started_at=None
        )

    async def retagged(self, tags: Mapping[int, float]) -> None:
        """Note the new start tags of waiting jobs, by id."""
        rows = [{"job_id": job_id, "fair_start": start} for job_id, start in tags.items()]

        def committed(_: object) -> None:
            for job_id, start in tags.items():
                self._changed(job_id, fair_start=start)

        await self._database.write(lambda connection: _change(connection, rows), committed)

    async def drawn(
        self,
        job_id: int,
        seconds: float,
        pictures: Sequence[StoredPicture] = (),
        keep: Callable[[], None] = lambda: None,
        *,
        cut: str = "",
        flags: Sequence[str] = (),
    ) -> None:
        """Note what drawing came to: the pictures, and ``seconds`` more of device time.

        ``keep`` sees to the pictures' files while their rows are written. ``cut`` are the words of
        its prompts that were too many; ``flags`` say what moderators should look at, once, below
        what was said before. What a job cost stays true however it ends.
        """
        sum_: float | None = None  # that was written, perhaps

        def write(connection: Connection) -> dict[str, Any]:
            nonlocal sum_
            note(connection, pictures)
            keep()
            row = connection.execute(_DRAWN, {"job_id": job_id}).one()
            if row.device_seconds != sum_:
                sum_ = row.device_seconds + seconds
            values: dict[str, Any] = {"device_seconds": sum_}
            if cut:
                values["cut"] = cut
            if flags:
                earlier = [] if row.flagged is None else row.flagged.split("\n")
                values["flagged"] = "\n".join(dict.fromkeys([*earlier, *flags]))
            _change(connection, {"job_id": job_id, **values})
            return values

        await self._database.write(write, lambda values: self._changed(job_id, **values))

    async def posted(self, job_id: int, message_id: int) -> None:
        """Note the message of a job that ended before it was known."""
        await self._set(job_id, message_id=message_id)

    async def moved(self, job_id: int, channel_id: int, message_id: int) -> None:
        """Note the direct message that stands in for one that cannot be reached."""
        await self._set(job_id, direct_channel_id=channel_id, message_id=message_id)

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
        forget = forget.values(interaction_token=None)

        def committed(changed: int) -> None:
            if changed:
                self._changed(job_id, interaction_token=None)

        await self._database.write(
            lambda connection: connection.execute(forget).rowcount, committed
        )

    async def deleted(self, job_id: int, entry: NewAuditEntry | None = None) -> None:
        """Note when a job was deleted, the first time; it is nobody's favourite any more.

        ``entry`` is a moderator's who did so. Whose job it was it cannot say where that person's
        data was erased: then the job was deleted before, but its message may have stood still.
        """
        now = _now()
        mark = update(JobRow).where(JobRow.id == job_id, JobRow.deleted_at.is_(None))
        mark = mark.values(deleted_at=now)
        unlike = delete(FavouriteRow).where(FavouriteRow.job_id == job_id)

        def write(connection: Connection) -> bool:
            first = connection.execute(mark).rowcount > 0
            if first:
                connection.execute(unlike)
            if entry is not None and (first or entry.person_id is None):
                entry.write(connection)
            return first

        def committed(first: bool) -> None:
            if first:
                self._changed(job_id, deleted_at=now)

        await self._database.write(write, committed)

    async def seconds_per_cost(self) -> float | None:
        """Return the device time a unit of cost took in the latest finished jobs, if there are."""
        if self._finished is None:
            found = await self._select(
                JobRow.status == Status.DONE,
                JobRow.device_seconds > 0,
                order=JobRow.id.desc(),
                limit=LATEST,
            )
            latest = ((job.cost(), job.device_seconds) for job in reversed(found))
            self._finished = self._finished or deque(latest, LATEST)
        if not self._finished:
            return None
        costs, seconds = zip(*self._finished, strict=True)
        return float(sum(seconds) / sum(costs))

    def waiting_counts(self, person_id: int) -> tuple[int, int]:
        """Count the jobs that have not ended: one person's, and everybody's.

        Everybody's are also those that are being recorded.
        """
        theirs = sum(one.person_id == person_id for one in self._open.values())
        return theirs, len(self._open) + self._arriving.total()

    def waiting_in(self, home: int | None) -> int:
        """Count the jobs that have not ended, or are being recorded, of one home of origins."""
        return sum(one.home == home for one in self._open.values()) + self._arriving[home]

    def waiting_of(self, person_id: int) -> list[Waiting]:
        """Return what is counted of a person's jobs that have not ended."""
        return [one for one in self._open.values() if one.person_id == person_id]

    async def _read_one(self, job_id: int) -> Job | None:
        def find(connection: Connection) -> Job | None:
            row = connection.execute(_ONE, {"job_id": job_id}).one_or_none()
            return None if row is None else read_job(row)

        return await self._database.read(find)

    async def _end(self, job_id: int, entry: NewAuditEntry | None, **values: Any) -> bool:  # noqa: ANN401
        return await self._move(job_id, OPEN, ("ended_at",), entry, ended_at=_now(), **values)

    async def _set(self, job_id: int, **values: Any) -> None:  # noqa: ANN401
        await self._database.write(
            lambda connection: _change(connection, {"job_id": job_id, **values}),
            lambda _: self._changed(job_id, **values),
        )

    async def _move(
        self,
        job_id: int,
        before: tuple[Status, ...],
        ours: Sequence[str],
        entry: NewAuditEntry | None = None,
        **values: Any,  # noqa: ANN401
    ) -> bool:
        """Change a job that is in one of the states ``before``; False where it is not.

        The columns in ``ours`` tell the change itself apart from somebody else's, where a disk
        that failed took it all the same.
        """
        tried = False

        def move(connection: Connection) -> bool:
            nonlocal tried
            if tried and _is(connection, job_id, {one: values[one] for one in ("status", *ours)}):
                return True
            tried = True
            if not connection.execute(_MOVES[before], {"job_id": job_id, **values}).rowcount:
                return False
            if entry is not None:
                entry.write(connection)
            return True

        def committed(moved: bool) -> None:
            if moved:
                self._changed(job_id, **values)
            if values["status"] not in OPEN:
                self._ended(job_id, values["status"])
            if moved and self._listeners and (job := self._kept.get(job_id)) is not None:
                for listener in self._listeners:
                    listener(job)

        return await self._database.write(move, committed)

    def _changed(self, job_id: int, **values: Any) -> None:  # noqa: ANN401
        """Keep in memory what was written of a job."""
        job = self._kept.get(job_id)
        if job is None:
            self._kept.drop(job_id)
        else:
            if "interaction_token" in values:
                values["origin"] = replace(job.origin, token=values.pop("interaction_token"))
            self._kept.put(job_id, replace(job, **values))
        if "device_seconds" in values and job_id in self._open:
            self._open[job_id] = replace(self._open[job_id], seconds=values["device_seconds"])

    def _ended(self, job_id: int, status: Status) -> None:
        waiting = self._open.pop(job_id, None)
        if status is Status.DONE and waiting and waiting.seconds and self._finished is not None:
            self._finished.append((waiting.cost, waiting.seconds))


def _waiting(row: Row[Any]) -> Waiting:
    try:
        return Waiting.of(read_job(row))
    except Exception:  # its row is damaged: counted all the same
        log.exception("job %d: its row cannot be read", row.id)
        home = None if row.guest else row.guild_id
        return Waiting(row.person_id, row.guild_id, home, 0.0, row.device_seconds)


def _change(
    connection: Connection, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> None:
    """Write columns of jobs, each named by its ``job_id``."""
    connection.execute(_CHANGE, values)


def _is(connection: Connection, job_id: int, values: Mapping[str, Any]) -> bool:
    """Tell whether these columns of a job have these values."""
    row = connection.execute(_STATUS, {"job_id": job_id}).mappings().one_or_none()
    return row is not None and all(row[name] == value for name, value in values.items())


def _now() -> datetime:
    return datetime.now(UTC)

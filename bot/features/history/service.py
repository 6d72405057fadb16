"""Lookups for moderators of a server: who requested what, and how much was generated."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import IO

from bot.core.admission.channel_access import BLIND, Eyes, is_restricted
from bot.core.admission.request_context import Actor
from bot.core.admission.visibility import Visibility
from bot.core.audit_store import AuditStore
from bot.core.errors import JobNotFound, NothingToDo
from bot.core.jobs.job_store import JobStore
from bot.core.pictures.gallery import CHILDREN, Details, Found
from bot.core.pictures.picture_store import PictureStore
from bot.db.records import AuditAction, Job, ModSearch, StoredPicture, Verdict
from bot.features.history.csv_export import Cell, Sheet, digits
from bot.features.history.job_history import History
from bot.features.history.usage_chart import ChartUnavailable, draw
from bot.features.history.usage_report import chart_of, table, words
from bot.features.history.usage_store import UsageStore
from bot.options import describe
from bot.texts import say

log = logging.getLogger(__name__)

MOST_ROWS = 10_000
ROWS_AT_ONCE = 500  # held in memory


def columns() -> tuple[str, ...]:
    """Return the names of the export's columns."""
    job = ("job", "asked_at", "person_id", "person_name", "kind", "status")
    rest = ("made_from", "private", "flagged", "error", "device_seconds")
    where = ("channel_id", "message_id", "deleted_at")
    return (*job, *describe.columns(), *rest, *where)


@dataclass(frozen=True, slots=True)
class Exported:
    """The number of rows written; not ``whole`` if there were more."""

    rows: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Usage as text, as a table (CSV) and as a chart (PNG; None if that failed)."""

    words: str
    table: bytes
    chart: bytes | None
    alt: str


class Lookup:
    """Lookups; callers must have checked that the person moderates that server."""

    def __init__(
        self,
        *,
        history: History,
        jobs: JobStore,
        visibility: Visibility,
        pictures: PictureStore,
        usage: UsageStore,
        audit: AuditStore,
    ) -> None:
        self._history = history
        self._jobs = jobs
        self._visibility = visibility
        self._pictures = pictures
        self._usage = usage
        self._audit = audit
        self._drawing = asyncio.Lock()  # a chart takes a second of CPU time

    async def search(
        self, search: ModSearch, before: int | None, limit: int, eyes: Eyes = BLIND
    ) -> list[Found]:
        """Return jobs before job ``before``, newest first, including those hidden from others.

        Age-restricted pictures that ``eyes`` would not be shown from where they look are hidden.
        """
        jobs = await self._history.search(search, before, limit)
        first = await self._pictures.first_of([job.id for job in jobs])
        return [await self._found(job, first.get(job.id), eyes) for job in jobs]

    async def of_message(self, message_id: int, guild_id: int) -> Job:
        """Return the job of this server that belongs to a message; raises JobNotFound."""
        job = await self._history.of_message(guild_id, message_id)
        if job is None:
            raise JobNotFound(say("error-message-without-job"))
        return job

    async def details(self, job_id: int, guild_id: int) -> Details:
        """Return everything about a job of this server, even a deleted one; raises JobNotFound."""
        job = await self._visibility.in_server(job_id, guild_id)
        parent = None if job.parent_id is None else await self._jobs.get(job.parent_id)
        stored = await self._pictures.of_job(job.id)
        return Details(
            job=job,
            parent=parent if parent is None or parent.origin.guild_id == guild_id else None,
            children=await self._history.children(job, CHILDREN + 1),
            pictures=[(picture, await self._pictures.read(picture)) for picture in stored],
            favourite=False,
        )

    async def first(self, details: Details, eyes: Eyes = BLIND) -> Found:
        """Return a job with its first picture's thumbnail, as `search` does."""
        stored = [picture for picture, _ in details.pictures]
        return await self._found(details.job, stored[0] if stored else None, eyes)

    async def needed(self, job: Job) -> list[tuple[str, bytes]]:
        """Return the thumbnails of what a job started from and needed, each with what it is."""
        files = [("source", job.source_sha256), *((one.role, one.sha256) for one in job.inputs)]
        found = []
        for what, sha256 in files:
            thumbnail = sha256 and await self._pictures.read_source_thumbnail(sha256)
            if thumbnail:
                found.append((what, thumbnail))
        return found

    async def export(
        self, search: ModSearch, actor: Actor, file: IO[bytes], *, most_bytes: int
    ) -> Exported:
        """Write search results as CSV, newest first, and record who exported them.

        Raises NothingToDo if there are none.
        """
        sheet = Sheet(file, columns(), most_rows=MOST_ROWS, most_bytes=most_bytes)
        before, whole, more = None, True, True
        while whole and more:
            jobs = await self._history.search(search, before, ROWS_AT_ONCE)
            whole = await asyncio.to_thread(sheet.write, [_row(job) for job in jobs])
            more = len(jobs) == ROWS_AT_ONCE
            before = jobs[-1].id if jobs else None
        if sheet.rows == 0:
            raise NothingToDo(say("history-none"))
        detail = f"{sheet.rows} jobs{_asked_for(search)}"
        await self._audit.add(
            actor.audit_entry(AuditAction.EXPORT, detail, person_id=search.person_id)
        )
        log.info("%s exported by %d", detail, actor.person_id)
        return Exported(sheet.rows, whole)

    async def usage(self, actor: Actor, days: int, now: datetime) -> Report:
        """Return usage in the actor's server over the last days (UTC), including today.

        The table names people, so the audit trail records who got it.
        """
        first = now.astimezone(UTC).date() - timedelta(days=days - 1)
        since, until = datetime.combine(first, time(), UTC), now + timedelta.resolution
        usage = await self._usage.usage(actor.guild_id, since, until)
        await self._audit.add(actor.audit_entry(AuditAction.EXPORT, f"usage of {days} days"))
        drawn = chart_of(usage)
        said = words(usage)
        chart = None
        try:
            async with self._drawing:
                chart = await draw(drawn)
        except ChartUnavailable as error:
            said += f"\n{error}"
        return Report(said, table(usage), chart, drawn.title)

    async def _found(self, job: Job, picture: StoredPicture | None, eyes: Eyes) -> Found:
        if picture is None:
            return Found(job, None)
        hidden = job.deleted_at is not None or picture.verdict is not Verdict.SHOWN
        if not hidden and not eyes.age_restricted:
            hidden = await is_restricted(job, eyes)
        return Found(job, await self._pictures.read_thumbnail(picture), hidden)


def _row(job: Job) -> Sequence[Cell]:
    return (
        job.id,
        _moment(job.origin.asked_at),
        digits(job.origin.person_id),
        job.origin.person_name,
        job.kind,
        job.status,
        *describe.cells(job),
        job.parent_id,
        "yes" if job.origin.private else "no",
        job.flagged,
        job.error,
        round(job.device_seconds, 1),
        digits(job.origin.channel_id),
        digits(job.message_id),
        _moment(job.deleted_at),
    )


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" ", "seconds")


def _asked_for(search: ModSearch) -> str:
    """Return a search as the audit trail stores it; its person has a column of its own."""
    parts = {
        "words": search.words,
        "checkpoint": search.checkpoint,
        "status": search.status,
        "flagged": search.flagged,
        "since": _moment(search.since),
        "until": _moment(search.until),
        "job": search.job_id,
    }
    said = "".join(f", {name}: {value}" for name, value in parts.items() if value)
    return said.replace(": True", "")

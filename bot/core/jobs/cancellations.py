"""Cancellations: recorded before they are shown, unless the disk refuses writes."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from bot.core.audit_store import NewAuditEntry
from bot.core.jobs.endings import Endings
from bot.core.jobs.job_store import JobStore
from bot.db.errors import StoreError, StoreUnavailable
from bot.db.patience import patient
from bot.db.records import OPEN, Job, Status

log = logging.getLogger(__name__)

LATEST = 1000  # cancelled jobs that are remembered


class Cancellations:
    """Closes the rows of cancelled jobs.

    Cancelling does not wait for the disk: if a write fails, the row is closed as soon as writes
    succeed again. If the bot stops before that, the job runs after all.
    """

    def __init__(self, jobs: JobStore, ends: Endings) -> None:
        self._jobs = jobs
        self._endings = ends
        self._unwritten: dict[int, asyncio.Task[None]] = {}
        self._latest: deque[int] = deque(maxlen=LATEST)

    def __contains__(self, job_id: int) -> bool:
        """Whether a job was cancelled recently, for callers that are about to queue it."""
        return job_id in self._unwritten or job_id in self._latest

    async def add(self, job: Job, why: str | None, entry: NewAuditEntry | None = None) -> bool:
        """Cancel an open job; False if it had ended. ``entry`` is set for a moderator's action.

        The caller must still update its message, with `Ends.show_cancelled`.
        """
        if job.id in self:
            return False
        try:
            closed = await self._jobs.closed(job.id, Status.CANCELLED, why, entry)
        except StoreUnavailable as error:
            if job.status not in OPEN:
                raise
            log.warning("job %d: its cancellation is written later: %s", job.id, error)
        else:
            if closed:
                self._latest.append(job.id)
            return closed
        writing = asyncio.create_task(self._write(job, why, entry), name="cancellation")
        self._unwritten[job.id] = writing
        return True

    async def add_all(
        self, jobs: Sequence[Job], why: str, entries: Sequence[NewAuditEntry | None]
    ) -> list[Job]:
        """Cancel several jobs in one write; return those that had not ended."""
        adding = [self.add(job, why, entry) for job, entry in zip(jobs, entries, strict=True)]
        return [job for job, now in zip(jobs, await asyncio.gather(*adding), strict=True) if now]

    def close(self) -> None:
        """Give up on what has not been written."""
        for writing in self._unwritten.values():
            writing.cancel()

    async def _write(self, job: Job, why: str | None, entry: NewAuditEntry | None) -> None:
        try:
            with patient():
                closed = await self._jobs.closed(job.id, Status.CANCELLED, why, entry)
        except StoreError:
            log.exception("job %d: its cancellation is not written", job.id)
        else:
            if closed:  # its message may have been updated before, but that is not on record
                await self._endings.show_cancelled(replace(job, error=why))
        finally:
            self._latest.append(job.id)
            del self._unwritten[job.id]

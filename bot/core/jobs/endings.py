"""Shows in a job's message how it ended, even if the bot stopped after closing its row."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.core.errors import Interrupted
from bot.core.jobs.job_store import JobStore
from bot.core.jobs.presenter import AnsweredElsewhere, DeliveryFailed, Presenter, TokenDied
from bot.db.errors import StoreError
from bot.db.patience import patient
from bot.db.records import Job, Status
from bot.texts import say, speaking
from generation.log_context import JOB

log = logging.getLogger(__name__)


async def note_moved(jobs: JobStore, job: Job, channel_id: int, message_id: int) -> None:
    """Record the direct message that replaces an unreachable one.

    It is already posted: an error here must not have it posted again.
    """
    try:
        with patient():
            await jobs.moved(job.id, channel_id, message_id)
    except Exception:
        log.exception("job %d: where its message is now is not noted", job.id)


class Endings:
    """Shows recorded outcomes, and records that they were shown."""

    def __init__(self, *, jobs: JobStore, presenter: Presenter) -> None:
        self._jobs = jobs
        self._presenter = presenter

    async def show_cancelled(self, job: Job) -> None:
        """Show in a job's message that it was cancelled.

        The message may have become known after the job was read. If it is still unknown, whoever
        learns of it shows this.
        """
        JOB.set(job.id)
        job = await self._with_message(job)
        if job.message_id is None:
            return
        try:
            await self._presenter.cancelled(job)
        except DeliveryFailed as error:
            log.warning("job %d: its cancellation could not be shown: %s", job.id, error)
        except Exception:
            log.exception("job %d: its cancellation could not be shown", job.id)
        await self.note(job)

    async def show_again(
        self, job: Job, find_message: Callable[[Job], Awaitable[int | None]]
    ) -> None:
        """Show how a job ended that was closed just before a stop.

        ``find_message`` asks Discord for its message, if that is not on record.
        """
        JOB.set(job.id)
        if job.message_id is None:
            try:
                message_id = await find_message(job)
            except (TokenDied, AnsweredElsewhere):
                message_id = None
            if message_id is None:
                await self.note(job)
                return
            job = replace(job, message_id=message_id)
            with patient():
                await self._jobs.posted(job.id, message_id)
        if job.status is Status.CANCELLED:
            await self.show_cancelled(job)
            return
        with speaking(job.origin.locale):
            error = Interrupted(say("error-interrupted"))
        try:
            await self._presenter.failed(job, error)
        except DeliveryFailed as unshown:
            log.warning("job %d: its failure could not be shown: %s", job.id, unshown)
        await self.note(job)

    async def _with_message(self, job: Job) -> Job:
        try:
            on_record = await self._jobs.get(job.id) or job
        except StoreError as error:
            log.warning("job %d: its message is not looked up: %s", job.id, error)
            return job
        return replace(
            job,
            message_id=on_record.message_id or job.message_id,
            direct_channel_id=on_record.direct_channel_id,
        )

    async def note(self, job: Job) -> None:
        """Record that nobody needs to be told any more."""
        try:
            await self._jobs.told(job.id)
        except StoreError as error:  # the next start shows it once more, which changes nothing
            log.warning("job %d: that its end was told is not written: %s", job.id, error)

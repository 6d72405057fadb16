"""What happens after a job's first reply: it arrived, failed, or came from another process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.core.backoff import Pauses
from bot.core.jobs.cancellations import Cancellations
from bot.core.jobs.job_store import JobStore
from bot.core.jobs.presenter import AnsweredElsewhere, DeliveryFailed, Presenter, TokenDied
from bot.core.jobs.runner import shortened
from bot.db.patience import patient
from bot.db.records import Job, Status
from generation.log_context import JOB

log = logging.getLogger(__name__)

# How often Discord is asked about a reply while it is unreachable.
ASK_AGAIN_S, LONGEST_ASK_AGAIN_S = 5.0, 60.0


class Answers:
    """Queues a RECORDED job, or closes its row.

    ``fail`` closes a row and tells its person; ``line_up``, ``give_turn_back`` and
    ``show_cancelled`` are the service's.
    """

    def __init__(
        self,
        *,
        jobs: JobStore,
        presenter: Presenter,
        cancellations: Cancellations,
        fail: Callable[[Job, BaseException], Awaitable[None]],
        line_up: Callable[[Job], None],
        give_turn_back: Callable[[Job], None],
        show_cancelled: Callable[[Job], Awaitable[None]],
    ) -> None:
        self._jobs = jobs
        self._presenter = presenter
        self._cancellations = cancellations
        self._fail = fail
        self._line_up = line_up
        self._give_turn_back = give_turn_back
        self._show_cancelled = show_cancelled

    async def stands(self, job: Job, message_id: int) -> None:
        """The first reply arrived: record its message and queue the job."""
        job = replace(job, message_id=message_id)
        try:
            with patient(lambda: self._presenter.stalled(job, 0)):
                waits = await self._jobs.queued(job.id, message_id)
                if waits and job.id not in self._cancellations:
                    self._line_up(replace(job, status=Status.QUEUED))
                    return
                ended = await self._jobs.get(job.id) or job
                if ended.status is Status.CANCELLED:  # before its message was known
                    await self._jobs.posted(job.id, message_id)
        except Exception as error:
            log.exception("job %d: its message is not noted", job.id)
            self._give_turn_back(job)
            await self._fail(job, error)
            return
        if waits or ended.status is Status.CANCELLED:
            await self._show_cancelled(replace(job, error=ended.error))

    async def broke(self, job: Job, *, of_this_run: bool = True) -> None:
        """The first reply failed: find out whether it arrived anyway, and close the row if not.

        ``of_this_run`` says that it was sent since this process started.
        """
        JOB.set(job.id)
        try:
            message_id = await self.find(job, of_this_run=of_this_run)
        except TokenDied:
            await self._replace_answer(job)
            return
        except AnsweredElsewhere:
            log.warning(
                "job %d: another process with this bot's token answered it: it is dropped here",
                job.id,
            )
            await self._drop(job, "another process of this bot answered")
            return
        if message_id is None:
            await self._drop(job, "never acknowledged")
        else:
            await self.stands(job, message_id)

    async def refused(self, job: Job, why: str) -> None:
        """Close the row of a job whose first reply Discord refused; others tell its person."""
        JOB.set(job.id)
        log.warning("job %d: Discord refused its first answer: %s", job.id, why)
        await self._drop(job, f"not posted: {why}")

    async def find(self, job: Job, *, of_this_run: bool) -> int | None:
        """Ask until Discord says whether the reply arrived; raises TokenDied, AnsweredElsewhere.

        Only the first of several jobs' replies can be looked up.
        """
        if job.origin.part > 0:
            raise TokenDied
        pauses = Pauses(ASK_AGAIN_S, LONGEST_ASK_AGAIN_S)
        while self._presenter.can_answer(job):
            try:
                return await self._presenter.find_answer(job, of_this_run=of_this_run)
            except TokenDied:
                break
            except DeliveryFailed as error:
                log.warning("job %d: whether its answer arrived is unknown: %s", job.id, error)
                await asyncio.sleep(pauses.next(error.retry_after))
        raise TokenDied

    async def _replace_answer(self, job: Job) -> None:
        try:
            message_id = await self._presenter.repost(job)
        except DeliveryFailed as error:
            self._give_turn_back(job)
            await self._fail(job, error)
        else:
            await self.stands(job, message_id)

    async def _drop(self, job: Job, why: str) -> None:
        """Close the row of a job that nobody here is waiting for."""
        self._give_turn_back(job)
        with patient():
            if not await self._jobs.ended(job.id, Status.FAILED, shortened(why)):
                await self._jobs.told(job.id)  # it was cancelled, and nobody needs to see that

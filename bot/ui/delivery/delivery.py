"""One message a job, kept up to date: paced while it runs, certain at the end."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

import discord

from bot.core.backoff import Pauses
from bot.core.jobs.presenter import (
    DeliveryFailed,
    MessageGone,
    Refused,
    Result,
    Snapshot,
    TokenDied,
    Unreachable,
)
from bot.core.pictures.output_check import is_checked
from bot.db.records import Job
from bot.texts import say, speaking
from bot.ui import errors
from bot.ui.actions.buttons import Buttons
from bot.ui.actions.job_actions import result_view, waiting_view
from bot.ui.delivery import job_message as render
from bot.ui.delivery.edits import Edit, Line, coarsened, fitting
from bot.ui.delivery.pacing import Pacer
from bot.ui.delivery.shrinking import Upload
from bot.ui.delivery.transport import Transport, failure
from bot.ui.delivery.uploading import (
    SMALLEST_FILE_BYTES,
    TOO_LARGE,
    largest,
    upload,
)
from bot.ui.trouble import RATE_LIMITED, TROUBLE, describe, is_final, retry_after
from generation.log_context import JOB

log = logging.getLogger(__name__)

# Discord allows about five edits in five seconds in a bucket; this leaves room for the last one.
PACE_S = 1.5
# What ends sooner shows only its end, which an edit on its way would hold up.
QUICK_S = 0.25
# The end is tried for about an hour, besides what discord.py tries by itself.
ATTEMPTS = 64
RETRY_S = 2.0
LONGEST_RETRY_S = 60.0

LAST_ATTEMPTS = 8  # of what is only said
FOREIGN_REFUSALS = 4


class Delivery:
    """The presenter: it alone edits job messages."""

    def __init__(self, transport: Transport, *, pace_s: float = PACE_S) -> None:
        self._transport = transport
        self._pace_s = pace_s
        self._pacer = Pacer(pace_s)
        self._lines: dict[int, Line] = {}
        self._gone_listeners: list[Callable[[Job], Awaitable[None]]] = []

    def on_gone(self, listener: Callable[[Job], Awaitable[None]]) -> None:
        """Tell a listener of jobs whose message turns out to be deleted while they still run."""
        self._gone_listeners.append(listener)

    def waiting(self, job: Job, place: int) -> None:
        """Show its place in the queue, a pace from now: its answer or last line told another."""
        line = self._lines.setdefault(job.id, Line())
        if line.place != place:
            line.place = place
            self._soon(job, partial(render.waiting, job, place), self._pace_s)

    def loading(self, job: Job, checkpoint: str, share: float) -> None:
        """Show that the checkpoint is being loaded, and how much of it is, soon."""
        self._soon(job, partial(render.loading, job, checkpoint, share))

    def progress(self, job: Job, snapshot: Snapshot, look: Callable[[], None]) -> None:
        """Show how far it is, soon, with the newest preview; then ask for more when that is due."""
        line = self._lines.setdefault(job.id, Line())
        line.preview = snapshot.preview or line.preview
        line.look = look
        wait_s = QUICK_S if snapshot.seconds_left < QUICK_S else 0.0
        self._soon(job, partial(render.progress, job, snapshot), wait_s)

    def stalled(self, job: Job, drawn: int) -> None:
        """Show that it waits for the disk, soon."""
        self._soon(job, partial(render.stalled, job, drawn))

    async def done(self, result: Result) -> None:
        """Post the pictures and the buttons in one PATCH; doing it twice changes nothing."""
        job = result.job
        held_back = [picture.index for picture in result.held_back]
        with speaking(job.origin.locale):
            files = [upload(job, picture, png) for picture, png in result.pictures]
            view = result_view(job, held_back)
            await self._finish(job, Edit(render.posted(result), view, files))
            if not files and not job.origin.private:
                await self._transport.whisper(job, say("job-held-back-privately"))

    async def failed(self, job: Job, error: BaseException) -> None:
        """Say in one line why there are no pictures, privately where its message does not take it.

        What stood there, such as a progress bar, goes all the same.
        """
        with speaking(job.origin.locale):
            text = render.failed(job, errors.explain(error))
            try:
                await self._finish(job, Edit(text, Buttons(), []), LAST_ATTEMPTS)
            except (MessageGone, Unreachable):
                raise
            except DeliveryFailed:
                await self._clear(job, say("job-failed-privately"))
                await self._transport.tell(job, text)

    def drop(self, job: Job) -> None:
        """Send nothing more; the sender ends by itself when it finds nothing to send."""
        line = self._lines.pop(job.id, None)
        if line is not None:
            line.newest = line.look = None

    async def cancelled(self, job: Job) -> None:
        """Say that it was cancelled, where that takes no direct message: who did it knows."""
        if not self._transport.reaches(job, self._lines.get(job.id, Line())):
            self.drop(job)
            return
        with speaking(job.origin.locale):
            try:
                edit = Edit(render.cancelled(job), Buttons(), [])
                await self._finish(job, edit, LAST_ATTEMPTS)
            except Refused:
                await self._clear(job, say("job-cancelled"))

    def can_answer(self, job: Job) -> bool:
        """Tell whether the interaction's token is young enough to be used."""
        return self._transport.can_answer(job)

    async def find_answer(self, job: Job, *, of_this_run: bool) -> int | None:
        """GET the interaction's original answer: its id, or None where there is none."""
        return await self._transport.find_answer(job, of_this_run=of_this_run)

    async def repost(self, job: Job) -> int:
        """Post a new message where the job may be seen; see `Edit.send` for doing it twice."""
        with speaking(job.origin.locale):
            edit = Edit(render.waiting(job, 0), waiting_view(job))
            return await self._transport.post(job, edit)

    def _soon(self, job: Job, text: Callable[[], str], wait_s: float = 0.0) -> None:
        """Show a text, made when it is sent: most states are overtaken before that.

        If nothing is about to be sent, it waits so long for what overtakes it.
        """
        line = self._lines.setdefault(job.id, Line())
        line.newest = text
        until = time.monotonic() + wait_s
        if line.sender is not None and until < line.held_until:
            line.sender.cancel()
            line.sender = None
        if line.sender is None or line.sender.done():
            line.held_until = until
            line.sender = asyncio.create_task(self._send_paced(job, line, wait_s))

    async def _send_paced(self, job: Job, line: Line, wait_s: float) -> None:
        JOB.set(job.id)
        await asyncio.sleep(wait_s)
        line.held_until = float("-inf")
        while line.newest is not None and not line.muted:
            async with self._pacer.turn(self._transport.bucket(job, line)), line.patching:
                text, line.newest = line.newest, None
                if text is not None:
                    await self._send_progress(job, line, text)
            await self._look_again(job, line)
        if line.gone:
            for listener in self._gone_listeners:
                await listener(job)

    async def _look_again(self, job: Job, line: Line) -> None:
        """Ask for a newer state when that can be shown, and not before: each is drawn for it."""
        if line.look is None or line.newest is not None or line.muted:
            return
        await self._pacer.free(self._transport.bucket(job, line))
        look, line.look = line.look, None
        if look is not None:
            look()

    async def _send_progress(self, job: Job, line: Line, text: Callable[[], str]) -> None:
        preview, line.preview = line.preview, None
        with speaking(job.origin.locale):
            edit = Edit(text(), waiting_view(job))
            if preview is not None:
                edit.files = [Upload("preview.webp", preview, say("preview-alt"))]
        try:
            shown = await coarsened(edit) if is_checked(job) else edit
            await self._transport.edit(job, line, shown)
        except TokenDied:
            line.newest = line.newest or text  # at the channel's next turn
            line.preview = line.preview or preview
        except (DeliveryFailed, *TROUBLE) as lost:
            # Progress is a courtesy: the end of the job is what must arrive.
            log.info("job %d: a progress edit was lost: %s", job.id, describe(lost))
            line.gone = isinstance(lost, MessageGone)
            refused = is_final(lost) and lost.status != TOO_LARGE
            line.muted = line.gone or isinstance(lost, Unreachable) or refused

    async def _finish(self, job: Job, edit: Edit, attempts: int = ATTEMPTS) -> None:
        line = self._lines.setdefault(job.id, Line())
        line.newest = line.look = None
        try:
            # An edit that is on its way arrives first, or it could overtake the end.
            async with self._pacer.end(self._transport.bucket(job, line)), line.patching:
                if line.sender is not None:
                    line.sender.cancel()
                await self._patch_surely(job, line, edit, attempts)
        finally:
            self._lines.pop(job.id, None)

    async def _patch_surely(self, job: Job, line: Line, edit: Edit, attempts: int) -> None:
        pauses = Pauses(RETRY_S, LONGEST_RETRY_S)
        attempt, foreign = 1, 0
        while True:
            edit = await fitting(edit, self._transport.file_limit(job, line))
            try:
                return await self._transport.deliver(job, line, edit)
            except TokenDied:
                continue
            except TROUBLE as error:
                status = error.status if isinstance(error, discord.HTTPException) else 500
                if status == TOO_LARGE and largest(edit.files) > SMALLEST_FILE_BYTES:
                    edit = await fitting(edit, largest(edit.files) // 2)
                    continue
                # What stands before Discord may not like this request and take the next one.
                foreign += status < 500 and status != RATE_LIMITED and not is_final(error)
                if is_final(error) or foreign == FOREIGN_REFUSALS:
                    raise Refused(describe(error)) from error
                if attempt == attempts:
                    raise failure(error) from error
                pause = pauses.next(retry_after(error))
                log.warning(
                    "job %d: attempt %d to show its end: %s; the next one in %.0f s",
                    job.id,
                    attempt,
                    describe(error),
                    pause,
                )
                await asyncio.sleep(pause)
                attempt += 1

    async def _clear(self, job: Job, text: str) -> None:
        """Take what stands in a job's message away, in words that no rule there can refuse."""
        try:
            await self._finish(job, Edit(text, Buttons(), []), LAST_ATTEMPTS)
        except DeliveryFailed as error:
            log.warning("job %d: its message stays as it is: %s", job.id, error)

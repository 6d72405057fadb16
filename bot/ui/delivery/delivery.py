"""One message a job, kept up to date: paced while it runs, certain at the end.

Through the interaction's token while that lives (its own rate limit; private answers and user
installs work), afterwards by channel and message id with the bot's own token. Where only the token
could write, the end goes to the person by direct message, and never to a channel.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import replace
from datetime import timedelta

import discord

from bot.core.backoff import Pauses
from bot.core.discord_limits import FILE_BYTES, TOKEN_LIFETIME
from bot.core.jobs.output_check import is_checked
from bot.core.jobs.presenter import (
    AnsweredElsewhere,
    DeliveryFailed,
    MessageGone,
    Refused,
    Result,
    Snapshot,
    TokenDied,
    Unreachable,
)
from bot.db.records import Job
from bot.texts import say, speaking
from bot.ui import errors
from bot.ui.actions.job_actions import closed_view, result_view, waiting_view
from bot.ui.delivery import job_message as render
from bot.ui.delivery.clock import DiscordClock
from bot.ui.delivery.edits import Edit, Line, coarsened, fitting
from bot.ui.delivery.first_answer import carries
from bot.ui.delivery.pacing import Pacer
from bot.ui.delivery.shrinking import Upload
from bot.ui.delivery.uploading import (
    SMALLEST_FILE_BYTES,
    TOO_LARGE,
    largest,
    upload,
)
from bot.ui.trouble import RATE_LIMITED, TROUBLE, describe, is_final, retry_after
from generation.log_context import JOB

log = logging.getLogger(__name__)

# The last minute of an interaction's token is left alone.
TOKEN_USED = TOKEN_LIFETIME - timedelta(minutes=1)
# Discord allows about five edits in five seconds in a bucket; this leaves room for the last one.
PACE_S = 1.5
# How long Discord may take for anything, besides the way of what is uploaded.
TIMEOUT_S = 45.0
# The end is tried for about an hour, besides what discord.py tries by itself.
ATTEMPTS = 64
RETRY_S = 2.0
LONGEST_RETRY_S = 60.0

LAST_ATTEMPTS = 8  # of what is only said
FOREIGN_REFUSALS = 4
SLOWEST_UPLOAD = 50_000.0  # bytes a second

# Discord's error codes, from its API reference.
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, INVALID_TOKEN = 10003, 10008, 10015, 50027
THREAD_ARCHIVED = 50083
UNAUTHORIZED = 401


class Delivery:
    """The presenter: it alone edits job messages.

    ``note_moved`` writes down the channel and the id of a direct message in place of one.
    """

    def __init__(
        self,
        client: discord.Client,
        clock: DiscordClock,
        note_moved: Callable[[Job, int, int], Awaitable[None]],
        *,
        pace_s: float = PACE_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._client = client
        self._clock = clock
        self._timeout_s = timeout_s
        self._pacer = Pacer(pace_s)
        self._lines: dict[int, Line] = {}
        self._note_moved = note_moved
        self._gone_listeners: list[Callable[[Job], Awaitable[None]]] = []

    def on_gone(self, listener: Callable[[Job], Awaitable[None]]) -> None:
        """Tell a listener of jobs whose message turns out to be deleted while they still run."""
        self._gone_listeners.append(listener)

    def waiting(self, job: Job, place: int) -> None:
        """Show its place in the queue, soon."""
        line = self._lines.setdefault(job.id, Line())
        if line.place != place:
            line.place = place
            with speaking(job.origin.locale):
                self._soon(job, Edit(render.waiting(job, place), waiting_view(job)))

    def loading(self, job: Job, checkpoint: str) -> None:
        """Show that the checkpoint is being loaded, soon."""
        with speaking(job.origin.locale):
            self._soon(job, Edit(render.loading(job, checkpoint), waiting_view(job)))

    def progress(self, job: Job, snapshot: Snapshot) -> None:
        """Show how far it is, soon, with the newest preview."""
        with speaking(job.origin.locale):
            edit = Edit(render.progress(job, snapshot), waiting_view(job))
            alt = say("preview-alt")
        waiting = self._lines.get(job.id)
        if snapshot.preview is not None:
            edit.files = [Upload("preview.webp", snapshot.preview, alt)]
        elif waiting is not None and waiting.newest is not None:
            edit.files = waiting.newest.files  # an unsent preview is still the newest there is
        self._soon(job, edit)

    def stalled(self, job: Job, drawn: int) -> None:
        """Show that it waits for the disk, soon."""
        with speaking(job.origin.locale):
            self._soon(job, Edit(render.stalled(job, drawn), waiting_view(job)))

    async def done(self, result: Result) -> None:
        """Post the pictures and the buttons in one PATCH; doing it twice changes nothing."""
        job = result.job
        held_back = [picture.index for picture in result.held_back]
        with speaking(job.origin.locale):
            files = [upload(job, picture, png) for picture, png in result.pictures]
            view = result_view(job, held_back)
            await self._finish(job, Edit(render.posted(result), view, files))
            if not files and not job.origin.private:
                await self._whisper(job, say("job-held-back-privately"))

    async def failed(self, job: Job, error: BaseException) -> None:
        """Say in one line why there are no pictures, privately where its message does not take it.

        What stood there, such as a progress bar, goes all the same.
        """
        with speaking(job.origin.locale):
            text = render.failed(job, errors.explain(error))
            try:
                await self._finish(job, Edit(text, closed_view(), []), LAST_ATTEMPTS)
            except (MessageGone, Unreachable):
                raise
            except DeliveryFailed:
                await self._clear(job, say("job-failed-privately"))
                await self._tell(job, text)

    def drop(self, job: Job) -> None:
        """Send nothing more; the sender ends by itself when it finds nothing to send."""
        line = self._lines.pop(job.id, None)
        if line is not None:
            line.newest = None

    async def cancelled(self, job: Job) -> None:
        """Say that it was cancelled, where that takes no direct message: who did it knows."""
        if not self._reaches(job, self._lines.get(job.id, Line())):
            self.drop(job)
            return
        with speaking(job.origin.locale):
            try:
                edit = Edit(render.cancelled(job), closed_view(), [])
                await self._finish(job, edit, LAST_ATTEMPTS)
            except Refused:
                await self._clear(job, say("job-cancelled"))

    def can_answer(self, job: Job) -> bool:
        """Tell whether the interaction's token is young enough to be used."""
        return job.origin.token is not None and (
            self._clock.now() < job.origin.asked_at + TOKEN_USED
        )

    async def find_answer(self, job: Job, *, of_this_run: bool) -> int | None:
        """GET the interaction's original answer: its id, or None where there is none."""
        try:
            async with asyncio.timeout(self._timeout_s):
                message = await self._webhook(job).fetch_message("@original")  # type: ignore[arg-type]
        except TROUBLE as error:
            code = getattr(error, "code", 0)
            if code == INVALID_TOKEN:
                raise TokenDied(describe(error)) from error
            if code in (UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK):
                return None
            raise _failed(error) from error
        if not carries(message, job, of_this_run=of_this_run):
            raise AnsweredElsewhere
        return message.id

    async def repost(self, job: Job) -> int:
        """Post a new message where the job may be seen; see `Edit.send` for doing it twice."""
        with speaking(job.origin.locale):
            edit = Edit(render.waiting(job, 0), waiting_view(job))
        try:
            async with asyncio.timeout(self._timeout_s):
                if job.origin.by_token_only:
                    with speaking(job.origin.locale):
                        return await self._send_directly(job, edit)
                channel = self._client.get_partial_messageable(job.origin.channel_id)
                return (await edit.send(channel, _nonce(job))).id
        except TROUBLE as error:
            raise _failed(error) from error

    def _soon(self, job: Job, edit: Edit) -> None:
        line = self._lines.setdefault(job.id, Line())
        line.newest = edit
        if line.sender is None or line.sender.done():
            line.sender = asyncio.create_task(self._send_paced(job, line))

    async def _send_paced(self, job: Job, line: Line) -> None:
        JOB.set(job.id)
        while line.newest is not None and not line.muted:
            async with self._pacer.turn(self._bucket(job, line)), line.patching:
                edit, line.newest = line.newest, None
                if edit is not None:
                    await self._send_progress(job, line, edit)
        if line.gone:
            for listener in self._gone_listeners:
                await listener(job)

    async def _send_progress(self, job: Job, line: Line, edit: Edit) -> None:
        try:
            shown = await coarsened(edit) if is_checked(job) else edit
            async with asyncio.timeout(self._timeout(edit)):
                await self._patch(job, line, shown)
        except TokenDied:
            line.newest = line.newest or edit  # at the channel's next turn
        except (DeliveryFailed, *TROUBLE) as lost:
            # Progress is a courtesy: the end of the job is what must arrive.
            log.info("job %d: a progress edit was lost: %s", job.id, describe(lost))
            line.gone = isinstance(lost, MessageGone)
            refused = is_final(lost) and lost.status != TOO_LARGE
            line.muted = line.gone or isinstance(lost, Unreachable) or refused

    async def _finish(self, job: Job, edit: Edit, attempts: int = ATTEMPTS) -> None:
        line = self._lines.setdefault(job.id, Line())
        line.newest = None
        try:
            # An edit that is on its way arrives first, or it could overtake the end.
            async with self._pacer.end(self._bucket(job, line)), line.patching:
                if line.sender is not None:
                    line.sender.cancel()
                await self._patch_surely(job, line, edit, attempts)
        finally:
            self._lines.pop(job.id, None)

    async def _patch_surely(self, job: Job, line: Line, edit: Edit, attempts: int) -> None:
        pauses = Pauses(RETRY_S, LONGEST_RETRY_S)
        attempt, foreign = 1, 0
        while True:
            edit = await fitting(edit, self._file_limit(job, line))
            try:
                async with asyncio.timeout(self._timeout(edit)):
                    if not self._reaches(job, line):
                        await self._send_directly(job, edit)
                        return None
                    return await self._patch(job, line, edit)
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
                    raise _failed(error) from error
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

    def _timeout(self, edit: Edit) -> float:
        """Return how many seconds an edit may take, with what it carries."""
        size = sum(len(file.content) for file in edit.files or ())
        return self._timeout_s + size / SLOWEST_UPLOAD

    async def _patch(self, job: Job, line: Line, edit: Edit) -> None:
        """Edit the message.

        Raises MessageGone, TokenDied, Unreachable, and what discord.py raises.
        """
        if job.message_id is None:
            raise DeliveryFailed("the message is not known")
        try:
            if self._by_token(job, line):
                await self._webhook(job).edit_message(job.message_id, **edit.fields())
            elif job.channel_id is not None:
                channel = self._client.get_partial_messageable(job.channel_id)
                await channel.get_partial_message(job.message_id).edit(**edit.fields())
            else:
                raise Unreachable("nothing but its dead token could edit it")
        except discord.HTTPException as error:
            if error.code == THREAD_ARCHIVED and await self._open_thread(job):
                return await self._patch(job, line, edit)
            if error.code in (UNKNOWN_MESSAGE, UNKNOWN_CHANNEL):
                raise MessageGone("its message is gone") from error
            dead = error.code in (INVALID_TOKEN, UNKNOWN_WEBHOOK) or (
                error.status == UNAUTHORIZED and is_final(error)
            )
            if dead and self._by_token(job, line):
                line.token_died = True
                raise TokenDied(describe(error)) from error
            raise

    async def _send_directly(self, job: Job, edit: Edit) -> int:
        """Write to the person instead, and say where that is; raises Unreachable."""
        sent = await self._write_to(job, edit)
        await self._note_moved(job, sent.channel.id, sent.id)
        return sent.id

    async def _write_to(self, job: Job, edit: Edit) -> discord.Message:
        where = say("job-moved", channel=f"<#{job.origin.channel_id}>")
        edit = replace(edit, content=f"{edit.content}\n-# {where}")
        try:
            direct = await self._client.create_dm(discord.Object(job.origin.person_id))
            return await edit.send(direct, _nonce(job))
        except discord.Forbidden as error:
            if not is_final(error):
                raise
            raise Unreachable(describe(error)) from error

    async def _clear(self, job: Job, text: str) -> None:
        """Take what stands in a job's message away, in words that no rule there can refuse."""
        try:
            await self._finish(job, Edit(text, closed_view(), []), LAST_ATTEMPTS)
        except DeliveryFailed as error:
            log.warning("job %d: its message stays as it is: %s", job.id, error)

    async def _tell(self, job: Job, text: str) -> None:
        """Say to the person alone what the place does not take; raises DeliveryFailed."""
        if await self._whisper(job, text):
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._write_to(job, Edit(text, closed_view()))
        except TROUBLE as error:
            raise _failed(error) from error

    async def _whisper(self, job: Job, text: str) -> bool:
        """Say something to the person alone; False where the token cannot (any more)."""
        if not self.can_answer(job):
            return False
        webhook = self._webhook(job)
        webhook.type = discord.WebhookType.application  # an interaction's: those may be private
        try:
            async with asyncio.timeout(self._timeout_s):
                await webhook.send(text, ephemeral=True)
        except TROUBLE as error:
            log.info("job %d: a private line was lost: %s", job.id, describe(error))
            return False
        return True

    async def _open_thread(self, job: Job) -> bool:
        """Take a thread out of the archive, which an edit alone does not; False where it stays."""
        thread = await self._client.fetch_channel(job.origin.channel_id)
        if not isinstance(thread, discord.Thread) or not thread.archived or thread.locked:
            return False
        await thread.edit(archived=False)
        return True

    def _by_token(self, job: Job, line: Line) -> bool:
        moved = job.direct_channel_id is not None
        return self.can_answer(job) and not line.token_died and not moved

    def _reaches(self, job: Job, line: Line) -> bool:
        """Tell whether the job's message can be edited at all."""
        return job.channel_id is not None or self._by_token(job, line)

    def _bucket(self, job: Job, line: Line) -> Hashable:
        """Name what Discord counts together: a token's edits, or those of a whole channel."""
        return job.origin.token if self._by_token(job, line) else job.channel_id

    def _file_limit(self, job: Job, line: Line) -> int:
        """Return how many bytes of one file Discord takes there; it may take less."""
        if not self._reaches(job, line) or job.direct_channel_id is not None:
            return FILE_BYTES
        if self._by_token(job, line) and job.origin.filesize_limit is not None:
            return job.origin.filesize_limit
        guild = self._client.get_guild(job.origin.guild_id or 0)
        return FILE_BYTES if guild is None else guild.filesize_limit

    def _webhook(self, job: Job) -> discord.Webhook:
        application_id = self._client.application_id
        if application_id is None or job.origin.token is None:
            raise DeliveryFailed("there is no token to answer with")
        return discord.Webhook.partial(application_id, job.origin.token, client=self._client)


def _failed(error: Exception) -> DeliveryFailed:
    if isinstance(error, DeliveryFailed):
        return error
    return DeliveryFailed(describe(error), retry_after=retry_after(error))


def _nonce(job: Job) -> str:
    """Name the one message of a job, which another database's job of its number is not."""
    return f"{job.mark}-{job.origin.part}"

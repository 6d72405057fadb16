"""One message a job, kept up to date: paced while it runs, certain at the end.

Through the interaction's token while that lives (its own rate limit; private answers and user
installs work), afterwards by channel and message id with the bot's own token. Where only the token
could write, the end goes to the person by direct message, and never to a channel.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import aiohttp
import discord

from bot import errors
from bot.discord_limits import FILE_BYTES, TOKEN_LIFETIME
from bot.services.checking import coarse, is_checked
from bot.services.runner import (
    DeliveryFailed,
    MessageGone,
    Refused,
    Result,
    Snapshot,
    TokenDied,
    Unreachable,
)
from bot.store.records import Job
from bot.texts import say, speaking
from bot.ui import buttons, render
from bot.ui.clock import DiscordClock
from bot.ui.pacing import Pacer
from bot.ui.shrinking import Upload, fit
from bot.ui.uploading import (
    SMALLEST_FILE_BYTES,
    TOO_LARGE,
    as_files,
    largest,
    upload,
)
from generation.journal import JOB

log = logging.getLogger(__name__)

# The last minute of an interaction's token is left alone.
TOKEN_USED = TOKEN_LIFETIME - timedelta(minutes=1)
# Discord allows about five edits in five seconds in a bucket; this leaves room for the last one.
PACE_S = 1.5
# The end is tried for about an hour, besides what discord.py tries by itself.
ATTEMPTS = 64
RETRY_S = 2.0
LONGEST_RETRY_S = 60.0

# Discord's error codes, from its API reference.
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, INVALID_TOKEN = 10003, 10008, 10015, 50027
THREAD_ARCHIVED = 50083
RATE_LIMITED = 429


@dataclass(slots=True)
class Edit:
    """A whole state of a message: what it replaces does not matter any more."""

    content: str
    view: discord.ui.View
    # None leaves what the message carries.
    files: list[Upload] | None = None

    def fields(self) -> dict[str, Any]:
        """Return what discord.py's edits take, with the files anew: sending one uses it up."""
        fields: dict[str, Any] = {
            "content": self.content,
            "view": self.view,
            "allowed_mentions": discord.AllowedMentions.none(),
        }
        if self.files is not None:
            fields["attachments"] = as_files(self.files)
        return fields

    async def send(self, channel: discord.abc.Messageable, nonce: str) -> discord.Message:
        """Post it as a new message; the same nonce again finds the first one for some minutes."""
        return await channel.send(
            self.content,
            view=self.view,
            files=as_files(self.files or []),
            nonce=nonce,
            allowed_mentions=discord.AllowedMentions.none(),
        )


@dataclass(slots=True)
class Line:
    """What is on its way to one job's message."""

    newest: Edit | None = None
    sender: asyncio.Task[None] | None = None
    patching: asyncio.Lock = field(default_factory=asyncio.Lock)
    place: int | None = None
    token_died: bool = False
    # Discord refused a progress edit, and would refuse the next; the message may even be gone.
    muted: bool = False
    gone: bool = False


class Delivery:
    """The presenter: it alone edits job messages."""

    def __init__(
        self, client: discord.Client, clock: DiscordClock, *, pace_s: float = PACE_S
    ) -> None:
        self._client = client
        self._clock = clock
        self._pacer = Pacer(pace_s)
        self._lines: dict[int, Line] = {}
        self.on_gone: Callable[[Job], Awaitable[None]] = _nobody_asks
        self.on_moved: Callable[[Job, int, int], Awaitable[None]] = _nobody_asks

    def waiting(self, job: Job, place: int) -> None:
        """Show its place in the queue, soon."""
        line = self._lines.setdefault(job.id, Line())
        if line.place != place:
            line.place = place
            with speaking(job.origin.locale):
                self._soon(job, Edit(render.waiting(job, place), buttons.waiting_view(job)))

    def loading(self, job: Job, checkpoint: str) -> None:
        """Show that the checkpoint is being loaded, soon."""
        with speaking(job.origin.locale):
            self._soon(job, Edit(render.loading(job, checkpoint), buttons.waiting_view(job)))

    def progress(self, job: Job, snapshot: Snapshot) -> None:
        """Show how far it is, soon, with the newest preview."""
        with speaking(job.origin.locale):
            edit = Edit(render.progress(job, snapshot), buttons.waiting_view(job))
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
            self._soon(job, Edit(render.stalled(job, drawn), buttons.waiting_view(job)))

    async def done(self, result: Result) -> None:
        """Post the pictures and the buttons in one PATCH; doing it twice changes nothing."""
        job = result.job
        held_back = [picture.index for picture in result.held_back]
        with speaking(job.origin.locale):
            files = [upload(job, picture, png) for picture, png in result.pictures]
            view = buttons.result_view(job, held_back)
            await self._finish(job, Edit(render.posted(result), view, files))
            if not files and not job.origin.private:
                await self._whisper(job, say("job-held-back-privately"))

    async def failed(self, job: Job, error: Exception) -> None:
        """Say in one line why there are no pictures."""
        with speaking(job.origin.locale):
            text = render.failed(job, errors.explain(error))
            try:
                await self._finish(job, Edit(text, buttons.closed_view(), []))
            except Refused:
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
            await self._finish(job, Edit(render.cancelled(job), buttons.closed_view(), []))

    def can_answer(self, job: Job) -> bool:
        """Tell whether the interaction's token is young enough to be used."""
        return job.origin.token is not None and (
            self._clock.now() < job.origin.asked_at + TOKEN_USED
        )

    async def find_answer(self, job: Job) -> int | None:
        """GET the interaction's original answer: its id, or None where there is none."""
        try:
            return (await self._webhook(job).fetch_message("@original")).id  # type: ignore[arg-type]
        except discord.NotFound:
            return None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            if isinstance(error, discord.HTTPException) and error.code == INVALID_TOKEN:
                raise TokenDied(_reason(error)) from error
            raise DeliveryFailed(_reason(error)) from error

    async def repost(self, job: Job) -> int:
        """Post a new message where the job may be seen; see `Edit.send` for doing it twice."""
        with speaking(job.origin.locale):
            edit = Edit(render.waiting(job, 0), buttons.waiting_view(job))
        try:
            if job.origin.by_token_only:
                with speaking(job.origin.locale):
                    return await self._send_directly(job, edit)
            channel = self._client.get_partial_messageable(job.origin.channel_id)
            return (await edit.send(channel, _nonce(job))).id
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise DeliveryFailed(_reason(error)) from error

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
            await self.on_gone(job)

    async def _send_progress(self, job: Job, line: Line, edit: Edit) -> None:
        try:
            await self._patch(job, line, await _coarse(edit) if is_checked(job) else edit)
        except TokenDied:
            line.newest = line.newest or edit  # at the channel's next turn
        except (DeliveryFailed, discord.HTTPException, aiohttp.ClientError, OSError) as lost:
            # Progress is a courtesy: the end of the job is what must arrive.
            log.info("job %d: a progress edit was lost: %s", job.id, lost)
            line.gone = isinstance(lost, MessageGone)
            line.muted = line.gone or isinstance(lost, discord.Forbidden | Unreachable)

    async def _finish(self, job: Job, edit: Edit) -> None:
        line = self._lines.setdefault(job.id, Line())
        line.newest = None
        try:
            # An edit that is on its way arrives first, or it could overtake the end.
            async with self._pacer.end(self._bucket(job, line)), line.patching:
                if line.sender is not None:
                    line.sender.cancel()
                await self._patch_surely(job, line, edit)
        finally:
            self._lines.pop(job.id, None)

    async def _patch_surely(self, job: Job, line: Line, edit: Edit) -> None:
        attempt = 1
        while True:
            edit = await _fitting(edit, self._file_limit(job, line))
            try:
                if not self._reaches(job, line):
                    await self._send_directly(job, edit)
                    return None
                return await self._patch(job, line, edit)
            except TokenDied:
                continue
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                status = error.status if isinstance(error, discord.HTTPException) else 500
                if status == TOO_LARGE and largest(edit.files) > SMALLEST_FILE_BYTES:
                    edit = await _fitting(edit, largest(edit.files) // 2)
                    continue
                if status < 500 and status != RATE_LIMITED:
                    raise Refused(_reason(error)) from error
                if attempt == ATTEMPTS:
                    raise DeliveryFailed(_reason(error)) from error
                log.warning("job %d: attempt %d to show its end: %s", job.id, attempt, error)
                await asyncio.sleep(min(LONGEST_RETRY_S, RETRY_S * 2 ** (attempt - 1)))
                attempt += 1

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
            if error.code in (INVALID_TOKEN, UNKNOWN_WEBHOOK):
                line.token_died = True
                raise TokenDied(_reason(error)) from error
            raise

    async def _send_directly(self, job: Job, edit: Edit) -> int:
        """Write to the person instead, and say where that is; raises Unreachable."""
        sent = await self._write_to(job, edit)
        await self.on_moved(job, sent.channel.id, sent.id)
        return sent.id

    async def _write_to(self, job: Job, edit: Edit) -> discord.Message:
        where = say("job-moved", channel=f"<#{job.origin.channel_id}>")
        edit = replace(edit, content=f"{edit.content}\n-# {where}")
        try:
            direct = await self._client.create_dm(discord.Object(job.origin.person_id))
            return await edit.send(direct, _nonce(job))
        except discord.Forbidden as error:
            raise Unreachable(_reason(error)) from error

    async def _tell(self, job: Job, text: str) -> None:
        """Say to the person alone what the place does not take; raises DeliveryFailed."""
        if await self._whisper(job, text):
            return
        try:
            await self._write_to(job, Edit(text, buttons.closed_view()))
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise DeliveryFailed(_reason(error)) from error

    async def _whisper(self, job: Job, text: str) -> bool:
        """Say something to the person alone; False where the token cannot (any more)."""
        if not self.can_answer(job):
            return False
        webhook = self._webhook(job)
        webhook.type = discord.WebhookType.application  # an interaction's: those may be private
        try:
            await webhook.send(text, ephemeral=True)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.info("job %d: a private line was lost: %s", job.id, error)
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


async def _coarse(edit: Edit) -> Edit:
    """Return the edit with its preview as it may be shown before the check."""
    if not edit.files:
        return edit
    (preview,) = edit.files
    content = await asyncio.to_thread(coarse, preview.content)
    return replace(edit, files=[replace(preview, content=content)])


async def _fitting(edit: Edit, limit: int) -> Edit:
    """Return the edit with files of at most ``limit`` bytes, saying so where it shrank any."""
    if not edit.files:
        return edit
    files = await asyncio.to_thread(fit, edit.files, limit)
    if files == edit.files:
        return edit
    content = edit.content.removesuffix(render.shrunk()) + render.shrunk()
    return replace(edit, content=content, files=files)


def _reason(error: Exception) -> str:
    """Return Discord's own words where it spoke."""
    return (isinstance(error, discord.HTTPException) and error.text) or str(error)


def _nonce(job: Job) -> str:
    """Name the one message of a job, which another database's job of its number is not."""
    return f"{job.mark}-{job.origin.part}"


async def _nobody_asks(*_: object) -> None:
    """Stand in for the service until there is one."""

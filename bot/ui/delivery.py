"""One message a job, kept up to date: paced while it runs, certain at the end.

Through the interaction's token while that lives (its own rate limit; private answers and user
installs work), afterwards by channel and message id with the bot's own token.
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
from bot.services.runner import DeliveryFailed, MessageGone, Refused, Snapshot, TokenDied
from bot.store.records import Job, StoredPicture
from bot.ui import buttons, render
from bot.ui.pacing import Pacer
from bot.ui.shrinking import Upload, fit
from bot.ui.uploading import (
    DEFAULT_FILE_BYTES,
    SMALLEST_FILE_BYTES,
    TOO_LARGE,
    as_files,
    largest,
    upload,
)
from generation.journal import JOB

log = logging.getLogger(__name__)

# Discord lets an interaction's token answer for 15 minutes; the last one is left alone.
TOKEN_LIFETIME = timedelta(minutes=14)
# Discord allows about five edits in five seconds in a bucket; this leaves room for the last one.
PACE_S = 1.5
# The end is tried for about an hour, besides what discord.py tries by itself.
ATTEMPTS = 64
RETRY_S = 2.0
LONGEST_RETRY_S = 60.0

# Discord's error codes, from its API reference.
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, INVALID_TOKEN = 10003, 10008, 10015, 50027
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

    def __init__(self, client: discord.Client, *, pace_s: float = PACE_S) -> None:
        self._client = client
        self._pacer = Pacer(pace_s)
        self._lines: dict[int, Line] = {}
        self.on_gone: Callable[[Job], Awaitable[None]] = _nobody_asks

    def waiting(self, job: Job, place: int) -> None:
        """Show its place in the queue, soon."""
        line = self._lines.setdefault(job.id, Line())
        if line.place != place:
            line.place = place
            self._soon(job, Edit(render.waiting(job, place), buttons.waiting_view(job)))

    def loading(self, job: Job, checkpoint: str) -> None:
        """Show that the checkpoint is being loaded, soon."""
        self._soon(job, Edit(render.loading(job, checkpoint), buttons.waiting_view(job)))

    def progress(self, job: Job, snapshot: Snapshot) -> None:
        """Show how far it is, soon, with the newest preview."""
        edit = Edit(render.progress(job, snapshot), buttons.waiting_view(job))
        waiting = self._lines.get(job.id)
        if snapshot.preview is not None:
            edit.files = [Upload("preview.webp", snapshot.preview, "A first look at the pictures")]
        elif waiting is not None and waiting.newest is not None:
            edit.files = waiting.newest.files  # an unsent preview is still the newest there is
        self._soon(job, edit)

    async def done(self, job: Job, pictures: list[tuple[StoredPicture, bytes]]) -> None:
        """Post the pictures and the buttons in one PATCH; doing it twice changes nothing."""
        files = [upload(job, picture, png) for picture, png in pictures]
        await self._finish(job, Edit(render.done(job), buttons.result_view(job), files))

    async def failed(self, job: Job, error: Exception) -> None:
        """Say in one line why there are no pictures."""
        text = render.failed(job, errors.explain(error))
        await self._finish(job, Edit(text, buttons.closed_view(), []))

    def drop(self, job: Job) -> None:
        """Send nothing more; the sender ends by itself when it finds nothing to send."""
        line = self._lines.pop(job.id, None)
        if line is not None:
            line.newest = None

    async def cancelled(self, job: Job) -> None:
        """Say that it was cancelled."""
        await self._finish(job, Edit(render.cancelled(job), buttons.closed_view(), []))

    def can_answer(self, job: Job) -> bool:
        """Tell whether the interaction's token is young enough to be used."""
        return job.origin.token is not None and (
            discord.utils.utcnow() < job.origin.asked_at + TOKEN_LIFETIME
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
        """Post a new message by the channel, under a nonce that makes a second one the first."""
        channel = self._client.get_partial_messageable(job.origin.channel_id)
        try:
            # Sent with enforce_nonce: the same nonce again finds the first message.
            sent = await channel.send(
                render.waiting(job, 0),
                view=buttons.waiting_view(job),
                nonce=f"darkroom-{job.id}",
                allowed_mentions=discord.AllowedMentions.none(),
            )
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise DeliveryFailed(_reason(error)) from error
        return sent.id

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
            await self._patch(job, line, edit)
        except TokenDied:
            line.newest = line.newest or edit  # at the channel's next turn
        except (DeliveryFailed, discord.HTTPException, aiohttp.ClientError, OSError) as lost:
            # Progress is a courtesy: the end of the job is what must arrive.
            log.info("job %d: a progress edit was lost: %s", job.id, lost)
            line.gone = isinstance(lost, MessageGone)
            line.muted = line.gone or isinstance(lost, discord.Forbidden)

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
        edit = await _fitting(edit, self._file_limit(job))
        attempt = 1
        while True:
            try:
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
        """Edit the message; raises MessageGone, TokenDied, and what discord.py raises."""
        if job.message_id is None:
            raise DeliveryFailed("the message is not known")
        try:
            if self._by_token(job, line):
                await self._webhook(job).edit_message(job.message_id, **edit.fields())
            else:
                channel = self._client.get_partial_messageable(job.origin.channel_id)
                await channel.get_partial_message(job.message_id).edit(**edit.fields())
        except discord.HTTPException as error:
            if error.code in (UNKNOWN_MESSAGE, UNKNOWN_CHANNEL):
                raise MessageGone("its message is gone") from error
            if error.code in (INVALID_TOKEN, UNKNOWN_WEBHOOK):
                line.token_died = True
                raise TokenDied(_reason(error)) from error
            raise

    def _by_token(self, job: Job, line: Line) -> bool:
        return self.can_answer(job) and not line.token_died

    def _bucket(self, job: Job, line: Line) -> Hashable:
        """Name what Discord counts together: a token's edits, or those of a whole channel."""
        return job.origin.token if self._by_token(job, line) else job.origin.channel_id

    def _file_limit(self, job: Job) -> int:
        guild = self._client.get_guild(job.origin.guild_id or 0)
        return DEFAULT_FILE_BYTES if guild is None else guild.filesize_limit

    def _webhook(self, job: Job) -> discord.Webhook:
        application_id = self._client.application_id
        if application_id is None or job.origin.token is None:
            raise DeliveryFailed("there is no token to answer with")
        return discord.Webhook.partial(application_id, job.origin.token, client=self._client)


async def _fitting(edit: Edit, limit: int) -> Edit:
    """Return the edit with files of at most ``limit`` bytes, saying so where it shrank any."""
    if not edit.files:
        return edit
    files = await asyncio.to_thread(fit, edit.files, limit)
    if files == edit.files:
        return edit
    content = edit.content.removesuffix(render.SHRUNK) + render.SHRUNK
    return replace(edit, content=content, files=files)


def _reason(error: Exception) -> str:
    """Return Discord's own words where it spoke."""
    return (isinstance(error, discord.HTTPException) and error.text) or str(error)


async def _nobody_asks(job: Job) -> None:
    """Stand in for the service until there is one."""

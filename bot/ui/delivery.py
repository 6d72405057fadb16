"""One message a job, kept up to date: paced while it runs, certain at the end.

Through the interaction's token while that lives (its own rate limit; private answers and user
installs work), afterwards by channel and message id with the bot's own token.
"""

import asyncio
import io
import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import discord

from bot import errors
from bot.services.runner import DeliveryFailed, Snapshot
from bot.store.records import Job, StoredPicture
from bot.ui import buttons, render

log = logging.getLogger(__name__)

# Discord lets an interaction's token answer for 15 minutes; the last one is left alone.
TOKEN_LIFETIME = timedelta(minutes=14)
# Discord allows about five edits in five seconds on a message; this leaves room for the last one.
PACE_S = 1.5
ATTEMPTS = 3
RETRY_S = 2.0


@dataclass(slots=True)
class Edit:
    """A whole state of a message: what it replaces does not matter any more."""

    content: str
    view: discord.ui.View
    # (name, content, alt text) each; None leaves what the message carries.
    files: list[tuple[str, bytes, str]] | None = None

    def attachments(self) -> list[discord.File]:
        """Return the files anew: sending one uses it up."""
        if self.files is None:
            return discord.utils.MISSING  # type: ignore[no-any-return]
        return [
            discord.File(io.BytesIO(content), filename=name, description=alt)
            for name, content, alt in self.files
        ]


@dataclass(slots=True)
class Line:
    """What is on its way to one job's message."""

    newest: Edit | None = None
    sender: asyncio.Task[None] | None = None
    patching: asyncio.Lock = field(default_factory=asyncio.Lock)
    sent_at: float = float("-inf")
    place: int | None = None


class Delivery:
    """The presenter: it alone edits job messages."""

    def __init__(self, client: discord.Client, *, pace_s: float = PACE_S) -> None:
        self._client = client
        self._pace_s = pace_s
        self._lines: dict[int, Line] = {}

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
            edit.files = [("preview.webp", snapshot.preview, "A first look at the pictures")]
        elif waiting is not None and waiting.newest is not None:
            edit.files = waiting.newest.files  # an unsent preview is still the newest there is
        self._soon(job, edit)

    async def done(self, job: Job, pictures: list[tuple[StoredPicture, bytes]]) -> None:
        """Post the pictures and the buttons in one PATCH; doing it twice changes nothing."""
        files = [
            (
                render.file_name(job, picture),
                png,
                render.alt_text(job, picture, job.request.num_images),
            )
            for picture, png in pictures
        ]
        await self._finish(job, Edit(render.done(job), buttons.result_view(job), files))

    async def failed(self, job: Job, error: Exception) -> None:
        """Say in one line why there are no pictures."""
        text = render.failed(job, errors.explain(error))
        await self._finish(job, Edit(text, buttons.closed_view(), []))

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
            raise DeliveryFailed(str(error)) from error

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
            raise DeliveryFailed(str(error)) from error
        return sent.id

    def _soon(self, job: Job, edit: Edit) -> None:
        line = self._lines.setdefault(job.id, Line())
        line.newest = edit
        if line.sender is None or line.sender.done():
            line.sender = asyncio.create_task(self._send_paced(job, line))

    async def _send_paced(self, job: Job, line: Line) -> None:
        while line.newest is not None:
            await asyncio.sleep(line.sent_at + self._pace_s - time.monotonic())
            async with line.patching:
                edit, line.newest = line.newest, None
                if edit is None:
                    return
                line.sent_at = time.monotonic()
                try:
                    await self._patch(job, edit)
                except (
                    DeliveryFailed,
                    discord.HTTPException,
                    aiohttp.ClientError,
                    OSError,
                ) as lost:
                    # Progress is a courtesy: the end of the job is what must arrive.
                    log.info("job %d: a progress edit was lost: %s", job.id, lost)

    async def _finish(self, job: Job, edit: Edit) -> None:
        line = self._lines.pop(job.id, None)
        if line is not None and line.sender is not None:
            line.newest = None
            # An edit that is on its way arrives first, or it could overtake the end.
            async with line.patching:
                line.sender.cancel()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._patch(job, edit)
            except (discord.NotFound, discord.Forbidden) as error:
                raise DeliveryFailed(error.text or str(error)) from error
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                if attempt == ATTEMPTS:
                    raise DeliveryFailed(str(error)) from error
                log.warning("job %d: attempt %d to show its end: %s", job.id, attempt, error)
                await asyncio.sleep(RETRY_S * attempt)
            else:
                return

    async def _patch(self, job: Job, edit: Edit) -> None:
        if job.message_id is None:
            raise DeliveryFailed("the message is not known")
        if self.can_answer(job):
            await self._webhook(job).edit_message(
                job.message_id,
                content=edit.content,
                attachments=edit.attachments(),
                view=edit.view,
                allowed_mentions=discord.AllowedMentions.none(),
            )
            return
        channel = self._client.get_partial_messageable(job.origin.channel_id)
        await channel.get_partial_message(job.message_id).edit(
            content=edit.content,
            attachments=edit.attachments(),
            view=edit.view,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    def _webhook(self, job: Job) -> discord.Webhook:
        application_id = self._client.application_id
        if application_id is None or job.origin.token is None:
            raise DeliveryFailed("there is no token to answer with")
        return discord.Webhook.partial(application_id, job.origin.token, client=self._client)

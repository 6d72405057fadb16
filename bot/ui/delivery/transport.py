"""Reaching a job's message: by its interaction's token, in its channel, or directly.

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

from bot.core.discord_limits import FILE_BYTES, TOKEN_LIFETIME
from bot.core.jobs.presenter import (
    AnsweredElsewhere,
    DeliveryFailed,
    MessageGone,
    TokenDied,
    Unreachable,
)
from bot.db.records import Job
from bot.texts import say
from bot.ui.actions.buttons import Buttons
from bot.ui.actions.job_actions import waiting_view
from bot.ui.delivery import job_message as render
from bot.ui.delivery.clock import DiscordClock
from bot.ui.delivery.edits import Edit, Line
from bot.ui.delivery.first_answer import carries
from bot.ui.trouble import TROUBLE, UNKNOWN_MESSAGE, describe, is_final, retry_after

log = logging.getLogger(__name__)

# The last minute of an interaction's token is left alone.
TOKEN_USED = TOKEN_LIFETIME - timedelta(minutes=1)
# How long Discord may take for anything, besides the way of what is uploaded.
TIMEOUT_S = 45.0
SLOWEST_UPLOAD = 50_000.0  # bytes a second

# Discord's error codes, from its API reference.
UNKNOWN_CHANNEL, UNKNOWN_WEBHOOK, INVALID_TOKEN = 10003, 10015, 50027
THREAD_ARCHIVED = 50083
UNAUTHORIZED = 401


class Transport:
    """The ways to a job's message, and to its person.

    ``note_moved`` writes down the channel and the id of a direct message in place of one.
    """

    def __init__(
        self,
        client: discord.Client,
        clock: DiscordClock,
        note_moved: Callable[[Job, int, int], Awaitable[None]],
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._client = client
        self._clock = clock
        self._note_moved = note_moved
        self._timeout_s = timeout_s

    def can_answer(self, job: Job) -> bool:
        """Tell whether the interaction's token is young enough to be used."""
        return job.origin.token is not None and (
            self._clock.now() < job.origin.asked_at + TOKEN_USED
        )

    def reaches(self, job: Job, line: Line) -> bool:
        """Tell whether the job's message can be edited at all."""
        return job.channel_id is not None or self._by_token(job, line)

    def bucket(self, job: Job, line: Line) -> Hashable:
        """Name what Discord counts together: a token's edits, or those of a whole channel."""
        return job.origin.token if self._by_token(job, line) else job.channel_id

    def file_limit(self, job: Job, line: Line) -> int:
        """Return how many bytes of one file Discord takes there; it may take less."""
        if not self.reaches(job, line) or job.direct_channel_id is not None:
            return FILE_BYTES
        if self._by_token(job, line) and job.origin.filesize_limit is not None:
            return job.origin.filesize_limit
        guild = self._client.get_guild(job.origin.guild_id or 0)
        return FILE_BYTES if guild is None else guild.filesize_limit

    async def find_answer(self, job: Job, *, of_this_run: bool) -> int | None:
        """GET the interaction's original answer: its id, or None where there is none.

        One that is still pending is filled in.
        """
        webhook = self._webhook(job)
        try:
            async with asyncio.timeout(self._timeout_s):
                message = await webhook.fetch_message("@original")  # type: ignore[arg-type]
                if message.flags.loading:
                    edit = Edit(render.waiting(job, 0), waiting_view(job))
                    return (await webhook.edit_message(message.id, **edit.fields())).id
        except TROUBLE as error:
            code = getattr(error, "code", 0)
            if code == INVALID_TOKEN:
                raise TokenDied(describe(error)) from error
            if code in (UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK):
                return None
            raise failure(error) from error
        if not carries(message, job, of_this_run=of_this_run):
            raise AnsweredElsewhere
        return message.id

    async def edit(self, job: Job, line: Line, edit: Edit) -> None:
        """Edit the message.

        Raises MessageGone, TokenDied, Unreachable, and what discord.py raises.
        """
        async with self._in_time(edit):
            await self._patch(job, line, edit)

    async def deliver(self, job: Job, line: Line, edit: Edit) -> None:
        """Do as `edit`, or write to the person where the message cannot be edited at all."""
        if self.reaches(job, line):
            await self.edit(job, line, edit)
        else:
            await self._send_directly(job, edit)

    async def post(self, job: Job, edit: Edit) -> int:
        """Post a new message where the job may be seen; see `Edit.send` for doing it twice.

        Raises DeliveryFailed.
        """
        try:
            if job.origin.by_token_only:
                return await self._send_directly(job, edit)
            async with self._in_time(edit):
                channel = self._client.get_partial_messageable(job.origin.channel_id)
                return (await edit.send(channel, _nonce(job))).id
        except TROUBLE as error:
            raise failure(error) from error

    async def tell(self, job: Job, text: str) -> None:
        """Say to the person alone what the place does not take; raises DeliveryFailed."""
        if await self.whisper(job, text):
            return
        try:
            edit = Edit(text, Buttons())
            async with self._in_time(edit):
                await self._write_to(job, edit)
        except TROUBLE as error:
            raise failure(error) from error

    async def whisper(self, job: Job, text: str) -> bool:
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

    def _in_time(self, edit: Edit) -> asyncio.Timeout:
        """Return the time that an edit may take, with what it carries."""
        size = sum(len(file.content) for file in edit.files or ())
        return asyncio.timeout(self._timeout_s + size / SLOWEST_UPLOAD)

    async def _patch(self, job: Job, line: Line, edit: Edit) -> None:
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
        """Write to the person instead, and say where that is."""
        async with self._in_time(edit):
            sent = await self._write_to(job, edit)
        # It is posted: however long the disk takes, it is not posted again.
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

    def _webhook(self, job: Job) -> discord.Webhook:
        application_id = self._client.application_id
        if application_id is None or job.origin.token is None:
            raise DeliveryFailed("there is no token to answer with")
        return discord.Webhook.partial(application_id, job.origin.token, client=self._client)


def failure(error: Exception) -> DeliveryFailed:
    """Return the error that jobs know, for one between us and Discord."""
    return DeliveryFailed(describe(error), retry_after=retry_after(error))


def _nonce(job: Job) -> str:
    """Name the one message of a job, which another database's job of its number is not."""
    return f"{job.mark}-{job.origin.part}"

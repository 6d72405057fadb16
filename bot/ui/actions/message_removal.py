"""Removing a deleted job's message: deleting it, or at least emptying it."""

import logging
from typing import Any

import discord

from bot.core.errors import DiscordRefused
from bot.db.records import Job
from bot.texts import say
from bot.texts.inert import inert
from bot.ui.trouble import TROUBLE, describe

log = logging.getLogger(__name__)


async def remove_message(client: discord.Client, job: Job, instead: str) -> None:
    """Delete a job's message, or replace its text with ``instead`` if Discord forbids deleting.

    Raises DiscordRefused if Discord allows neither.

    A message that is already gone is no error, nor is an ephemeral one.
    """
    if job.message_id is None or job.channel_id is None:
        return
    channel = client.get_partial_messageable(job.channel_id)
    message = channel.get_partial_message(job.message_id)
    try:
        await message.delete()
    except discord.NotFound:
        return
    except TROUBLE as error:
        log.warning("job %d: its message cannot be deleted: %s", job.id, describe(error))
        await _empty(message, instead)


async def _empty(message: discord.PartialMessage, instead: str) -> None:
    bare: dict[str, Any] = {"embeds": [], "attachments": [], "view": None}
    try:
        await message.edit(content=instead, **bare)
    except discord.NotFound:
        return
    except TROUBLE as error:
        raise DiscordRefused(say("error-message-stays", why=inert(describe(error)))) from error

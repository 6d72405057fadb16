"""The message of a job that moderators removed: deleted, or at least emptied."""

import logging
from typing import Any

import discord

from bot.services.errors import DiscordRefused
from bot.store.records import Job
from bot.texts import say

log = logging.getLogger(__name__)


async def remove_message(client: discord.Client, job: Job) -> None:
    """Delete a job's message, or edit it where Discord does not let us; raises DiscordRefused.

    One that is gone already is no error, nor is one that only its person sees.
    """
    if job.message_id is None or job.channel_id is None:
        return
    channel = client.get_partial_messageable(job.channel_id)
    message = channel.get_partial_message(job.message_id)
    try:
        await message.delete()
    except discord.NotFound:
        return
    except discord.HTTPException as error:
        log.warning("job %d: its message cannot be deleted: %s", job.id, error)
        await _empty(message)


async def _empty(message: discord.PartialMessage) -> None:
    bare: dict[str, Any] = {"embeds": [], "attachments": [], "view": None}
    try:
        await message.edit(content=say("removed-message"), **bare)
    except discord.NotFound:
        return
    except discord.HTTPException as error:
        raise DiscordRefused(say("error-message-stays", why=error.text)) from error

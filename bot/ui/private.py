"""What only the person who clicked gets to see of finished pictures."""

from typing import Any

import discord

from bot.services.errors import DiscordRefused
from bot.services.gallery import Gallery
from bot.store.records import Job
from bot.ui.asking import actor_of


async def erase(interaction: discord.Interaction[Any], gallery: Gallery, job_id: int) -> None:
    """Delete a job, files and message, and say so where it was confirmed.

    Raises JobError; what is done stays done, and the rest can be tried again.
    """
    await interaction.response.defer()
    job = await gallery.delete(job_id, actor_of(interaction))
    await _remove_message(interaction.client, job)
    await interaction.edit_original_response(content="Deleted.", view=None)


async def _remove_message(client: discord.Client, job: Job) -> None:
    if job.message_id is None:
        return
    channel = client.get_partial_messageable(job.origin.channel_id)
    try:
        await channel.get_partial_message(job.message_id).delete()
    except discord.NotFound:
        return  # somebody was quicker
    except discord.HTTPException as error:
        raise DiscordRefused(
            f"The files are deleted, but Discord does not let me remove the message: {error.text}."
        ) from error

"""What only the person who clicked gets to see of finished pictures."""

import logging
from typing import Any

import discord
from discord import app_commands

from bot.discord_limits import FILE_BYTES
from bot.services.errors import DiscordRefused
from bot.services.gallery import Gallery
from bot.store.records import Job
from bot.texts import say
from bot.texts.inert import inert
from bot.trouble import TROUBLE, describe
from bot.ui import details, render
from bot.ui.asking import actor_of
from bot.ui.interaction import app_of
from bot.ui.removing import remove_message
from bot.ui.uploading import send_fitting, upload

log = logging.getLogger(__name__)

STRIPPED_SHOWN = 1500


async def show_details(
    interaction: discord.Interaction[Any], gallery: Gallery, job_id: int
) -> None:
    """Answer with everything about a job, and its pictures as they were drawn."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    found = await gallery.details(job_id, actor_of(interaction))
    uploads = [
        upload(found.job, picture, png) for picture, png in found.pictures if png is not None
    ]
    left_out = ""
    try:
        app_of(interaction).cooldowns.post(interaction, len(uploads))
    except app_commands.CommandOnCooldown:
        uploads, left_out = [], say("details-without-pictures")

    async def answer(files: list[discord.File], note: str) -> None:
        await interaction.followup.send(note + left_out, embed=details.card(found), files=files)

    await send_fitting(answer, uploads, interaction.filesize_limit)


async def send(interaction: discord.Interaction[Any], gallery: Gallery, job_id: int) -> None:
    """Send a job's pictures by direct message; raises DiscordRefused where those are closed."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    job, kept = await gallery.originals(job_id, actor_of(interaction))
    app_of(interaction).cooldowns.post(interaction, len(kept))
    where = render.jump_url(job)
    text = render.done(job) + ("\n-# " + say("job-from", where=where) if where else "")

    async def post(files: list[discord.File], note: str) -> discord.Message:
        return await interaction.user.send(text + note, files=files)

    try:
        uploads = [upload(job, picture, png) for picture, png in kept]
        sent = await send_fitting(post, uploads, FILE_BYTES)
    except discord.Forbidden as error:
        raise DiscordRefused(say("error-direct-closed")) from error
    await interaction.followup.send(say("sent", where=sent.jump_url))


async def tell_stripped(interaction: discord.Interaction[Any], job: Job) -> None:
    """Tell the person what filters cut out of their prompt; the job goes on whatever happens."""
    words = inert(job.stripped or "", STRIPPED_SHOWN)
    try:
        await interaction.followup.send(say("stripped", words=words), ephemeral=True)
    except TROUBLE as error:
        log.warning("job %d: what was cut out of it is not told: %s", job.id, describe(error))


async def favourite(interaction: discord.Interaction[Any], gallery: Gallery, job_id: int) -> None:
    """Add a job to the person's favourites, or take it out, and say which."""
    added = await gallery.favourite(job_id, actor_of(interaction))
    line = "⭐ " + say("favourite-added") if added else say("favourite-removed")
    await interaction.response.send_message(line, ephemeral=True)


async def erase(interaction: discord.Interaction[Any], gallery: Gallery, job_id: int) -> None:
    """Delete a job, files and message, and say so where it was confirmed.

    Raises JobError; what is done stays done, and the rest can be tried again.
    """
    await interaction.response.defer()
    job = await gallery.delete(job_id, actor_of(interaction))
    if job.channel_id is None:
        # Its token is long forgotten, and nothing else reaches it: only the files can go.
        await interaction.edit_original_response(content=say("deleted-files"), view=None)
        return
    await remove_message(interaction.client, job, say("deleted-message"))
    await interaction.edit_original_response(content=say("deleted-message"), view=None)

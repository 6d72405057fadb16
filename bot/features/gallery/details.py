"""Details: everything about a job."""

import discord
from discord import app_commands

from bot.core.pictures.gallery import Gallery
from bot.texts import say
from bot.ui.actions.job_actions import JobAction
from bot.ui.actions.press import Press
from bot.ui.delivery.uploading import send_fitting, upload
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import actor_of
from bot.ui.pages import details_card as details


class Details(JobAction):
    """Shows one person everything about a job."""

    name = "details"
    label = "button-details"
    emoji = "ℹ️"

    async def press(self, press: Press) -> None:
        """Show the job's details."""
        await show_details(press.interaction, press.app.get(Gallery), press.job.id)


async def show_details(interaction: Interaction, gallery: Gallery, job_id: int) -> None:
    """Reply with everything about a job, and its pictures as generated."""
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

"""/mod: what moderators see and do; the files beside this one add their commands to the group."""

import io
from typing import Any

import discord
from discord import app_commands

from bot.cogs.places import in_servers_only
from bot.services.jobs import JobService
from bot.ui import render
from bot.ui.asking import check_moderator

# One embed a job; Discord takes ten embeds and ten files a message.
SHOWN = 10


@app_commands.default_permissions(moderate_members=True)
@in_servers_only
class Moderation(app_commands.Group):
    """Who made what, and whatever `add_command` puts beside it: a command or a group of them."""

    def __init__(self, jobs: JobService) -> None:
        super().__init__(name="mod", description="For moderators")
        self.jobs = jobs

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Check in code, too: a server's owner can hand a command to anyone in its settings.

        It is asked for the commands of groups in this one as well.
        """
        check_moderator(interaction)
        return True

    @app_commands.command(description="What a person asked for in this server, latest first")
    @app_commands.describe(person="Whose jobs to show")
    async def history(self, interaction: discord.Interaction[Any], person: discord.User) -> None:
        """Show the latest jobs privately, each with its first picture."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        found = await self.jobs.history(
            guild_id=interaction.guild_id or 0, person_id=person.id, limit=SHOWN
        )
        embeds: list[discord.Embed] = []
        files: list[discord.File] = []
        for job, picture in found:
            shown = picture if job.deleted_at is None else None
            thumbnail = None if shown is None else await self.jobs.thumbnail(shown)
            name = None if thumbnail is None else f"job-{job.id}.webp"
            if thumbnail is not None and name is not None:
                alt = render.shorten(render.subject(job), render.ALT_TEXT_LENGTH)
                files.append(discord.File(io.BytesIO(thumbnail), name, description=alt))
            embeds.append(render.history_entry(job, name))
        if not found:
            await interaction.followup.send(f"{person.mention} has asked for nothing here yet.")
            return
        heading = (
            f"The latest {len(found)} by {person.mention}"
            if len(found) > 1
            else (f"The only one by {person.mention}")
        )
        await interaction.followup.send(heading, embeds=embeds, files=files)

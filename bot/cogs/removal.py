"""/mod remove, /mod cancel: jobs of other people that shall not be."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_limits import LARGEST_INTEGER
from bot.services.errors import NothingToDo
from bot.services.jobs import JobService
from bot.services.moderation import ModerationService
from bot.texts import say
from bot.ui import acting
from bot.ui.acting import REASON_LENGTH
from bot.ui.asking import moderator

if TYPE_CHECKING:
    from bot.app import App


class Removal(commands.Cog):
    """Commands for the group /mod."""

    def __init__(self, moderation: ModerationService, jobs: JobService) -> None:
        self.moderation, self.jobs = moderation, jobs

    @app_commands.command(description=say("command-mod-remove"))
    @app_commands.describe(
        job=say("command-mod-remove.job"), reason=say("command-mod-remove.reason")
    )
    async def remove(
        self,
        interaction: discord.Interaction[Any],
        job: app_commands.Range[int, 1, LARGEST_INTEGER],
        reason: app_commands.Range[str, 0, REASON_LENGTH] = "",
    ) -> None:
        """Remove a job's message and files, and say what was made from it."""
        await acting.remove(interaction, self.moderation, job, reason)

    @app_commands.command(description=say("command-mod-cancel"))
    @app_commands.describe(
        job=say("command-mod-cancel.job"),
        person=say("command-mod-cancel.person"),
        reason=say("command-mod-cancel.reason"),
    )
    async def cancel(
        self,
        interaction: discord.Interaction[Any],
        job: app_commands.Range[int, 1, LARGEST_INTEGER] | None = None,
        person: discord.User | None = None,
        reason: app_commands.Range[str, 0, REASON_LENGTH] = "",
    ) -> None:
        """End one job, or all of a person's here."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        actor = await moderator(interaction)
        if (job is None) == (person is None):
            raise NothingToDo(say("error-cancel-what"))
        count = 1
        if job is not None:
            await self.jobs.cancel(job, actor, reason)
        elif person is not None:
            count = await self.jobs.cancel_all(person.id, actor, reason)
        await interaction.followup.send(say("cancelled", jobs=count))


def setup(app: "App") -> None:
    """Let moderators remove and cancel other people's jobs."""
    removal = Removal(app.get(ModerationService), app.jobs)
    app.add_mod_commands(*removal.get_app_commands())

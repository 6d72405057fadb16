"""/mod remove, /mod cancel, and the Remove button: acting on other people's jobs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.discord_limits import LARGEST_INTEGER
from bot.core.errors import NothingToDo
from bot.core.jobs.job_service import JobService
from bot.db.records import Job
from bot.features.moderation.service import ModerationService
from bot.texts import say
from bot.ui.actions.message_removal import remove_message
from bot.ui.actions.moderation_actions import REASON_LENGTH, ModerationAction, reason_input
from bot.ui.actions.press import Press
from bot.ui.forms import modal
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import moderator

if TYPE_CHECKING:
    from bot.app import App


async def remove(
    interaction: Interaction, moderation: ModerationService, job_id: int, reason: str
) -> None:
    """Remove a job's message and files, and report jobs made from it."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    actor = await moderator(interaction)
    removed, children = await moderation.remove(job_id, actor, reason=reason)
    await remove_message(interaction.client, removed, say("removed-message"))
    await interaction.followup.send(say("removed", job=str(removed.id), children=children))


class Remove(ModerationAction):
    """Removes a job's message and files."""

    name = "remove"
    label = "button-remove"

    def form(self, job: Job, custom_id: str) -> discord.ui.Modal:
        """Ask for a reason."""
        inputs = [reason_input(say("form-reason.audit"))]
        return modal(say("form-remove", job=str(job.id)), custom_id, inputs, {})

    async def carry_out(self, press: Press, typed: Mapping[str, str]) -> None:
        """Remove the job."""
        reason = typed.get("reason", "")
        await remove(press.interaction, press.app.get(ModerationService), press.job.id, reason)


class Removal(commands.Cog):
    """Commands of the group /mod."""

    def __init__(self, moderation: ModerationService, jobs: JobService) -> None:
        self.moderation, self.jobs = moderation, jobs

    @app_commands.command(description=say("command-mod-remove"))
    @app_commands.describe(
        job=say("command-mod-remove.job"), reason=say("command-mod-remove.reason")
    )
    async def remove(
        self,
        interaction: Interaction,
        job: app_commands.Range[int, 1, LARGEST_INTEGER],
        reason: app_commands.Range[str, 0, REASON_LENGTH] = "",
    ) -> None:
        """Remove a job's message and files, and report jobs made from it."""
        await remove(interaction, self.moderation, job, reason)

    @app_commands.command(description=say("command-mod-cancel"))
    @app_commands.describe(
        job=say("command-mod-cancel.job"),
        person=say("command-mod-cancel.person"),
        reason=say("command-mod-cancel.reason"),
    )
    async def cancel(
        self,
        interaction: Interaction,
        job: app_commands.Range[int, 1, LARGEST_INTEGER] | None = None,
        person: discord.User | None = None,
        reason: app_commands.Range[str, 0, REASON_LENGTH] = "",
    ) -> None:
        """Cancel one job, or all of a person's jobs here."""
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
    """Add the commands and the button."""
    removal = Removal(app.get(ModerationService), app.jobs)
    app.add_mod_commands(*removal.get_app_commands())

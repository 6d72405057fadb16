"""/queue and /cancel: viewing the queue, and cancelling jobs."""

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.core.discord_limits import CHOICE_NAME_LENGTH, CHOICES, LARGEST_INTEGER
from bot.core.errors import NothingToDo
from bot.core.jobs.job_service import JobService
from bot.core.quotas.quotas import Quotas
from bot.db.records import Job
from bot.texts import all_of, say
from bot.texts.inert import plain
from bot.ui.cooldowns import OFTEN
from bot.ui.delivery import job_message as render
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import actor_of, request_context_of
from bot.ui.pages import job_lists as lists
from bot.ui.pages.rule_cards import standing_line

if TYPE_CHECKING:
    from bot.app import App


class QueueCog(commands.Cog):
    """Commands for the queue."""

    def __init__(self, jobs: JobService, quotas: Quotas) -> None:
        self.jobs, self.quotas = jobs, quotas

    @app_commands.command(description=say("command-queue"))
    async def queue(self, interaction: Interaction) -> None:
        """Show the queue in an ephemeral reply, without other people's prompts."""
        turns = await self.jobs.queue.turns()
        actor = actor_of(interaction)
        named = [
            turn.job.id for turn in lists.shown(turns) if await self.jobs.sees(turn.job, actor)
        ]
        text = lists.queue(turns, interaction.user.id, named)
        context = request_context_of(interaction)
        if self.quotas.limits(context) and (now := await self.quotas.standing_of(context)):
            text += "\n-# " + standing_line(now)
        await interaction.response.send_message(text, ephemeral=True)

    @app_commands.command(description=say("command-cancel"), extras={OFTEN: True})
    @app_commands.describe(
        job=say("command-cancel.job"), everything=say("command-cancel.everything")
    )
    async def cancel(
        self,
        interaction: Interaction,
        job: app_commands.Range[int, 1, LARGEST_INTEGER] | None = None,
        everything: bool = False,
    ) -> None:
        """Cancel the chosen job, as the Cancel button does."""
        await interaction.response.defer(ephemeral=True)
        mine = await self._mine(interaction)
        if job is None and not everything:
            if len(mine) > 1:
                raise NothingToDo(say("error-which-job", jobs=len(mine)))
            if not mine:
                raise NothingToDo(say("error-no-job-of-yours"))
        chosen = [one.id for one in mine] if job is None else [job]
        for job_id in chosen:
            await self.jobs.cancel(job_id, actor_of(interaction))
        done = say("cancelled-own", jobs=len(chosen), ids=all_of(f"#{one}" for one in chosen))
        await interaction.followup.send(done)

    @cancel.autocomplete("job")
    async def open_jobs(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[int]]:
        """Suggest the person's own open jobs."""
        return [
            app_commands.Choice(name=_name(job), value=job.id)
            for job in await self._mine(interaction)
            if current.casefold() in _name(job).casefold()
        ][:CHOICES]

    async def _mine(self, interaction: Interaction) -> list[Job]:
        return await self.jobs.open_of(interaction.user.id, interaction.guild_id)


def _name(job: Job) -> str:
    return plain(f"#{job.id} {render.subject(job)}", CHOICE_NAME_LENGTH)


def setup(app: "App") -> None:
    """Add the commands and the button."""
    app.add_cog(QueueCog(app.jobs, app.get(Quotas)))

"""/upscale: upscaling a person's own picture."""

from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.jobs.job_service import JobService
from bot.texts import say
from bot.ui.cooldowns import UNDER_POLICY
from bot.ui.delivery.first_answer import first_answer
from bot.ui.delivery.thinking import thinking
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import fetch, request_context_of
from generation.upscaler import FACTORS

if TYPE_CHECKING:
    from bot.app import App

CHOICES = [app_commands.Choice(name=f"×{factor}", value=factor) for factor in FACTORS]


class EnlargingCog(commands.Cog):
    """The upscaler for any picture."""

    def __init__(self, jobs: JobService) -> None:
        self.jobs = jobs

    @app_commands.command(description=say("command-upscale"), extras={UNDER_POLICY: True})
    @app_commands.describe(
        image=say("command-upscale.image"),
        factor=say("command-upscale.factor"),
        private=say("command-upscale.private"),
    )
    @app_commands.choices(factor=CHOICES)
    async def upscale(
        self,
        interaction: Interaction,
        image: discord.Attachment,
        factor: int = FACTORS[0],
        private: bool = False,
    ) -> None:
        """Record the request, reply with the job's message, and queue the job."""
        context = request_context_of(interaction, private=private)
        async with thinking(interaction, private=context.origin.private):
            job = await self.jobs.upscale(
                partial(fetch, interaction, "image", image), factor, context
            )
        await first_answer(interaction, self.jobs, job)


def setup(app: "App") -> None:
    """Add the command and the buttons."""
    app.add_cog(EnlargingCog(app.jobs))

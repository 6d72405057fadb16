"""/imagine."""

from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.core.jobs.job_service import JobService
from bot.features.imagine.confirmation import ask_for
from bot.options.arguments import all_said
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS
from bot.texts import say
from bot.ui.autocomplete import catalog_here
from bot.ui.cooldowns import UNDER_POLICY
from bot.ui.interaction import Interaction
from bot.ui.option_parameters import option_command

if TYPE_CHECKING:
    from bot.app import App


class ImagineCog(commands.Cog):
    """Text-to-image; whoever adds the cog adds its ``command`` to the tree."""

    def __init__(self, jobs: JobService) -> None:
        self.jobs = jobs
        self.command = option_command(
            self,
            self.imagine,
            list(OPTIONS.values()),
            lambda option: say(f"command-imagine.{option.key}"),
            name="imagine",
            description=say("command-imagine"),
            extras={UNDER_POLICY: True},
        )

    async def imagine(
        self,
        interaction: Interaction,
        image: discord.Attachment | None = None,
        control_image: discord.Attachment | None = None,
        reference: discord.Attachment | None = None,
        private: bool | None = None,
        **given: Any,  # noqa: ANN401
    ) -> None:
        """Record the request, reply with the job's message, and queue the job."""
        jobs = all_said(ImageOptions(given), catalog_here(interaction))
        files = {"control": control_image, "reference": reference}
        await ask_for(interaction, self.jobs, jobs, image, files, private=private)


def setup(app: "App") -> None:
    """Add the command."""
    cog = ImagineCog(app.jobs)
    app.add_cog(cog, cog.command)

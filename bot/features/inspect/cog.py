"""/inspect: the generation metadata in a picture's file."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.errors import NothingToDo
from bot.core.jobs.job_service import JobService
from bot.features.inspect.captioning import Captioning
from bot.features.inspect.describing import DescribingCog
from bot.features.inspect.offer import Offer, card_of
from bot.texts import say
from bot.texts.inert import inert
from bot.ui.autocomplete import catalog_here
from bot.ui.delivery.private_answer import answer_privately, preparing
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import fetch, is_picture

if TYPE_CHECKING:
    from bot.app import App


class InspectionCog(commands.Cog):
    """Shows how a picture was made, by this bot or another program.

    ``menu`` does the same for a message's first picture; whoever adds the cog adds it to the tree.
    """

    def __init__(self, jobs: JobService) -> None:
        self.jobs = jobs
        self.menu = app_commands.ContextMenu(name=say("menu-details"), callback=self.details)

    @app_commands.command(description=say("command-inspect"))
    @app_commands.describe(image=say("command-inspect.image"))
    async def inspect(self, interaction: Interaction, image: discord.Attachment) -> None:
        """Show the file's metadata in an ephemeral reply, and offer to generate the same."""
        await self._show(interaction, image)

    async def details(self, interaction: Interaction, message: discord.Message) -> None:
        """Show the metadata of the message's first picture in an ephemeral reply."""
        pictures = [file for file in message.attachments if is_picture(file)]
        if not pictures:
            raise NothingToDo(say("no-picture"))
        await self._show(interaction, pictures[0])

    async def _show(self, interaction: Interaction, image: discord.Attachment) -> None:
        async with preparing(interaction):
            found = await self.jobs.decoder.read(await fetch(interaction, "image", image))
        if found is None:
            raise NothingToDo(say("error-file-says-nothing"))
        if not found.says_how:
            raise NothingToDo(say("error-file-of-program", program=inert(found.program or "")))
        card = card_of(found, catalog_here(interaction))
        view = None
        if card.alike is not None:
            view = Offer(self.jobs, card.alike, interaction)
        await answer_privately(interaction, embeds=[card.embed], view=view)


def setup(app: "App") -> None:
    """Add the commands and the menu."""
    cog = InspectionCog(app.jobs)
    app.add_cog(cog, cog.menu)
    captioning = Captioning()
    app.provide(captioning)
    app.add_cog(DescribingCog(app.jobs, captioning))

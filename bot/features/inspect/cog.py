"""/inspect: the generation metadata in a picture's file."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.errors import NothingToDo
from bot.core.jobs.job_service import JobService
from bot.features.inspect.service import likeness
from bot.options.image_options import ImageOptions
from bot.texts import say
from bot.texts.inert import inert
from bot.ui.autocomplete import catalog_here
from bot.ui.delivery.first_answer import first_answer
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import fetch, is_picture, request_context_of
from bot.ui.pages import embeds
from bot.ui.views import PrivateView
from generation.errors import InvalidRequest

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
        found = await self.jobs.decoder.read(await fetch(interaction, "image", image))
        if found is None:
            raise NothingToDo(say("error-file-says-nothing"))
        if not found.says_how:
            raise NothingToDo(say("error-file-of-program", program=inert(found.program or "")))
        try:
            alike = likeness(found, catalog_here(interaction))
        except InvalidRequest as error:  # no prompt, or one too long: there is nothing to offer
            why = say("file-no-offer", bound=str(error.bound))
            await interaction.response.send_message(
                embed=embeds.parameters(found, (), why), ephemeral=True
            )
            return
        offer = Offer(self.jobs, alike, interaction)
        await interaction.response.send_message(
            embed=embeds.parameters(found, alike.left_out), view=offer, ephemeral=True
        )


class Offer(PrivateView):
    """The button that generates a similar picture; it disappears after use or a timeout."""

    def __init__(self, jobs: JobService, alike: ImageOptions, interaction: Interaction) -> None:
        super().__init__(interaction)
        self._jobs, self._alike = jobs, alike
        self.use.label = say("button-use-these")

    @discord.ui.button(emoji="🎞️")
    async def use(self, interaction: Interaction, _: discord.ui.Button["Offer"]) -> None:
        """Make the job, as /imagine would."""
        app_of(interaction).cooldowns.request(interaction)
        mine = await self._jobs.defaults(interaction.user.id)
        context = request_context_of(interaction, private=bool(mine.get("private")))
        said = self._jobs.complete_alike(self._alike, mine, context)
        job = await self._jobs.imagine(said, context)
        await first_answer(interaction, self._jobs, job)
        await self.on_timeout()


def setup(app: "App") -> None:
    """Add the command and the menu."""
    cog = InspectionCog(app.jobs)
    app.add_cog(cog, cog.menu)

"""The message menu "Use as source image": pictures that start from one in a message."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.services.errors import NothingToDo
from bot.services.jobs import JobService
from bot.store.uploads import UploadStore
from bot.texts import say
from bot.ui.asking import asked_by, fetch, is_picture
from bot.ui.forms import source_form
from bot.ui.interaction import Interaction

if TYPE_CHECKING:
    from bot.app import App


class SourceCog(commands.Cog):
    """Asks what to make of a message's first picture.

    The picture is fetched at once, and kept until the form comes back: without the intent for
    messages' contents Discord hands out other people's attachments with the menu only, and what a
    form says later about a message would be its sender's word.

    ``menu`` is the menu's entry; whoever adds the cog adds it to the tree.
    """

    def __init__(self, jobs: JobService, uploads: UploadStore) -> None:
        self.jobs, self.uploads = jobs, uploads
        self.menu = app_commands.ContextMenu(name=say("menu-source"), callback=self.ask)

    async def ask(self, interaction: Interaction, message: discord.Message) -> None:
        """Open the form."""
        pictures = [file for file in message.attachments if is_picture(file)]
        if not pictures:
            raise NothingToDo(say("no-picture"))
        private = message.flags.ephemeral
        await self.jobs.may_start(asked_by(interaction, private=private))
        content = await fetch(interaction, "image", pictures[0])
        await self.jobs.decoder.check(content)
        sha256 = await self.uploads.save(interaction.user.id, content)
        await interaction.response.send_modal(
            source_form(sha256, len(pictures) - 1, private=private)
        )


def setup(app: "App") -> None:
    """Draw from a picture in a message."""
    uploads = UploadStore(app.folder)
    app.personal_data.append(uploads)
    app.provide(uploads)
    cog = SourceCog(app.jobs, uploads)
    app.add_cog(cog, cog.menu)

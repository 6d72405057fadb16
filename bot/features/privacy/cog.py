"""/privacy: a person's own data."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.jobs.job_data import JobData
from bot.features.privacy.service import Privacy
from bot.texts import say
from bot.ui.delivery.uploading import TOO_LARGE
from bot.ui.interaction import Interaction
from bot.ui.views import PrivateView

if TYPE_CHECKING:
    from bot.app import App

PATIENCE_S = 300.0
REQUEST_BYTES = 2**16  # beside a file, the rest of the message needs some room
SMALLEST_PART_BYTES = 2**16


class PrivacyCog(commands.GroupCog, group_name="privacy", group_description=say("command-privacy")):
    """Commands for one's own data."""

    def __init__(self, privacy: Privacy) -> None:
        self.privacy = privacy

    @app_commands.command(description=say("command-privacy-export"))
    async def export(self, interaction: Interaction) -> None:
        """Export the data in an ephemeral reply, split into files by Discord's size limit."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        most = interaction.filesize_limit - REQUEST_BYTES
        while True:
            parts = await self.privacy.export(interaction.user.id, most)
            try:
                await _send(interaction, parts)
            except discord.HTTPException as error:
                if error.status != TOO_LARGE or most < SMALLEST_PART_BYTES:
                    raise
                most //= 2  # Discord accepts less than it says
            else:
                return

    @app_commands.command(description=say("command-privacy-erase"))
    async def erase(self, interaction: Interaction) -> None:
        """Ask for confirmation, privately."""
        await interaction.response.send_message(
            say("question-erase"), view=_Erase(self.privacy, interaction), ephemeral=True
        )


async def _send(interaction: Interaction, parts: Sequence[bytes]) -> None:
    """Send each file in its own message: Discord limits the total size of a message."""
    for at, part in enumerate(parts, 1):
        name = f"darkroom-{at}-of-{len(parts)}.json" if len(parts) > 1 else "darkroom.json"
        file = discord.File(io.BytesIO(part), name)
        said = say("export-part", part=at, parts=len(parts)) if len(parts) > 1 else ""
        await interaction.followup.send(said, file=file, ephemeral=True)


class _Erase(PrivateView):
    """The button that confirms erasure."""

    def __init__(self, privacy: Privacy, context: Interaction) -> None:
        super().__init__(context, timeout=PATIENCE_S)
        self._privacy = privacy
        self.erase.label = say("button-erase")

    @discord.ui.button(style=discord.ButtonStyle.danger)
    async def erase(self, interaction: Interaction, _: discord.ui.Button["_Erase"]) -> None:
        """Erase the data, and report how much there was."""
        await interaction.response.defer()
        erased = await self._privacy.erase(interaction.user.id, interaction.created_at)
        self.stop()
        await interaction.edit_original_response(
            content=say("erased", jobs=erased[JobData.name]), view=None
        )

    async def on_timeout(self) -> None:
        """Remove the button."""
        await self.leave(content=say("erased-nothing"), view=None)


def setup(app: "App") -> None:
    """Add the commands."""
    privacy = Privacy(app.database, app.personal_data)
    app.provide(privacy)
    app.add_cog(PrivacyCog(privacy))

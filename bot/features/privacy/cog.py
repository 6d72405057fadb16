"""/privacy: what is kept about me."""

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
REQUEST_BYTES = 2**16  # beside a file, a message needs some room, too
SMALLEST_PART_BYTES = 2**16


class PrivacyCog(commands.GroupCog, group_name="privacy", group_description=say("command-privacy")):
    """Everybody's own data."""

    def __init__(self, privacy: Privacy) -> None:
        self.privacy = privacy

    @app_commands.command(description=say("command-privacy-export"))
    async def export(self, interaction: Interaction) -> None:
        """Hand it over privately, in as many files as Discord's limit makes of it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        most = interaction.filesize_limit - REQUEST_BYTES
        while True:
            parts = await self.privacy.export(interaction.user.id, most)
            try:
                await _send(interaction, parts)
            except discord.HTTPException as error:
                if error.status != TOO_LARGE or most < SMALLEST_PART_BYTES:
                    raise
                most //= 2  # it takes less than it said
            else:
                return

    @app_commands.command(description=say("command-privacy-erase"))
    async def erase(self, interaction: Interaction) -> None:
        """Ask once more, privately."""
        await interaction.response.send_message(
            say("question-erase"), view=_Erase(self.privacy, interaction), ephemeral=True
        )


async def _send(interaction: Interaction, parts: Sequence[bytes]) -> None:
    """Send each in a message of its own: Discord's limit is for all files of one together."""
    for at, part in enumerate(parts, 1):
        name = f"darkroom-{at}-of-{len(parts)}.json" if len(parts) > 1 else "darkroom.json"
        file = discord.File(io.BytesIO(part), name)
        said = say("export-part", part=at, parts=len(parts)) if len(parts) > 1 else ""
        await interaction.followup.send(said, file=file, ephemeral=True)


class _Erase(PrivateView):
    """The button that does it."""

    def __init__(self, privacy: Privacy, context: Interaction) -> None:
        super().__init__(context, timeout=PATIENCE_S)
        self._privacy = privacy
        self.erase.label = say("button-erase")

    @discord.ui.button(style=discord.ButtonStyle.danger)
    async def erase(self, interaction: Interaction, _: discord.ui.Button["_Erase"]) -> None:
        """Remove it, and say how much there was."""
        await interaction.response.defer()
        erased = await self._privacy.erase(interaction.user.id, interaction.created_at)
        self.stop()
        await interaction.edit_original_response(
            content=say("erased", jobs=erased[JobData.name]), view=None
        )

    async def on_timeout(self) -> None:
        """Take the button away."""
        await self.leave(content=say("erased-nothing"), view=None)


def setup(app: "App") -> None:
    """Hand people what is kept about them, and erase it."""
    privacy = Privacy(app.database, app.personal_data)
    app.provide(privacy)
    app.add_cog(PrivacyCog(privacy))

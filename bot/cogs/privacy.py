"""/privacy: what is kept about me."""

import io
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.services.privacy import Privacy
from bot.texts import say
from bot.ui.views import PrivateView

PATIENCE_S = 300.0


class PrivacyCog(commands.GroupCog, group_name="privacy", group_description=say("command-privacy")):
    """Everybody's own data."""

    def __init__(self, privacy: Privacy) -> None:
        self.privacy = privacy

    @app_commands.command(description=say("command-privacy-export"))
    async def export(self, interaction: discord.Interaction[Any]) -> None:
        """Hand it over privately."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        text = await self.privacy.export(interaction.user.id)
        file = discord.File(io.BytesIO(text.encode()), "darkroom.json")
        await interaction.followup.send(file=file)

    @app_commands.command(description=say("command-privacy-erase"))
    async def erase(self, interaction: discord.Interaction[Any]) -> None:
        """Ask once more, privately."""
        await interaction.response.send_message(
            say("question-erase"), view=_Erase(self.privacy, interaction), ephemeral=True
        )


class _Erase(PrivateView):
    """The button that does it."""

    def __init__(self, privacy: Privacy, asked: discord.Interaction[Any]) -> None:
        super().__init__(asked, timeout=PATIENCE_S)
        self._privacy = privacy
        self.erase.label = say("button-erase")

    @discord.ui.button(style=discord.ButtonStyle.danger)
    async def erase(
        self, interaction: discord.Interaction[Any], _: discord.ui.Button["_Erase"]
    ) -> None:
        """Remove it, and say how much there was."""
        await interaction.response.defer()
        count = await self._privacy.erase(interaction.user.id, interaction.created_at)
        self.stop()
        await interaction.edit_original_response(content=say("erased", jobs=count), view=None)

    async def on_timeout(self) -> None:
        """Take the button away."""
        await self.leave(content=say("erased-nothing"), view=None)

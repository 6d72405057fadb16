"""/privacy: what is kept about me."""

import io
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot import errors
from bot.services.privacy import Privacy

PATIENCE_S = 300.0
WARNING = (
    "This removes your prompts, pictures and favourites from my store, in every server, and cannot "
    "be taken back. Messages stay where they are; Delete under one removes it."
)


class PrivacyCog(
    commands.GroupCog, group_name="privacy", group_description="What is kept about you"
):
    """Everybody's own data."""

    def __init__(self, privacy: Privacy) -> None:
        self.privacy = privacy

    @app_commands.command(description="Everything that is kept about you, as a file")
    async def export(self, interaction: discord.Interaction[Any]) -> None:
        """Hand it over privately."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        text = await self.privacy.export(interaction.user.id)
        file = discord.File(io.BytesIO(text.encode()), "darkroom.json")
        await interaction.followup.send(file=file)

    @app_commands.command(description="Remove what is kept about you, for good")
    async def erase(self, interaction: discord.Interaction[Any]) -> None:
        """Ask once more, privately."""
        await interaction.response.send_message(
            WARNING, view=_Erase(self.privacy, interaction), ephemeral=True
        )


class _Erase(discord.ui.View):
    """The button that does it."""

    def __init__(self, privacy: Privacy, asked: discord.Interaction[Any]) -> None:
        super().__init__(timeout=PATIENCE_S)
        self._privacy, self._asked = privacy, asked

    @discord.ui.button(label="Erase all of it", style=discord.ButtonStyle.danger)
    async def erase(
        self, interaction: discord.Interaction[Any], _: discord.ui.Button["_Erase"]
    ) -> None:
        """Remove it, and say how much there was."""
        await interaction.response.defer()
        count = await self._privacy.erase(interaction.user.id)
        self.stop()
        jobs = "1 job" if count == 1 else f"{count} jobs"
        await interaction.edit_original_response(content=f"Erased: {jobs}.", view=None)

    async def on_timeout(self) -> None:
        """Take the button away."""
        await self._asked.edit_original_response(content="Nothing was erased.", view=None)

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _: discord.ui.Item[Any], /
    ) -> None:
        """Answer the person."""
        await errors.answer(interaction, error)

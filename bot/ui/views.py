"""Buttons and menus in an answer that one person sees, for as long as it can be edited."""

from typing import Any

import discord

from bot import errors
from bot.texts import speak

PATIENCE_S = 600.0  # well inside the life of the token that takes the buttons away again


class PrivateView(discord.ui.View):
    """Below the private answer to ``asked``; it goes after its time, and leaves the answer."""

    def __init__(self, asked: discord.Interaction[Any], timeout: float = PATIENCE_S) -> None:
        super().__init__(timeout=timeout)
        self._asked = asked

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Speak the person's language; Discord lets nobody else see the buttons."""
        speak(str(interaction.locale))
        return True

    async def on_timeout(self) -> None:
        """Take the buttons away."""
        self.stop()
        await self._asked.edit_original_response(view=None)

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _: discord.ui.Item[Any], /
    ) -> None:
        """Answer the person."""
        await errors.answer(interaction, error)

"""An interaction with our bot, and the way from it to everything else."""

from typing import TYPE_CHECKING, Any, TypeAlias

import discord

if TYPE_CHECKING:
    from bot.app import App
    from bot.client import DarkroomBot

Interaction: TypeAlias = "discord.Interaction[DarkroomBot]"


def app_of(interaction: discord.Interaction[Any]) -> "App":
    """Return the application that an interaction came to."""
    app: App = interaction.client.app
    return app

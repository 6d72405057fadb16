"""Typed interactions, and access to the application from them."""

from typing import TYPE_CHECKING, Any, TypeAlias

import discord

if TYPE_CHECKING:
    from bot.app import App
    from bot.client import DarkroomBot

Interaction: TypeAlias = "discord.Interaction[DarkroomBot]"


def app_of(interaction: discord.Interaction[Any]) -> "App":
    """Return the application that received an interaction."""
    app: App = interaction.client.app
    return app

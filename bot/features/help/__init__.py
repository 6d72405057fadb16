"""/help."""

from bot.features.help.cog import setup

__all__ = ["setup"]

"""/settings: a person's default options."""

from bot.features.settings.cog import setup

__all__ = ["setup"]

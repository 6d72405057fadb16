"""/privacy: exporting and erasing a person's data."""

from bot.features.privacy.cog import setup

__all__ = ["setup"]

"""/config: server settings for administrators."""

from bot.features.configuration.cog import setup

__all__ = ["setup"]

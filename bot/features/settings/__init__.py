"""/settings: what somebody likes where they say nothing."""

from bot.features.settings.cog import setup

__all__ = ["setup"]

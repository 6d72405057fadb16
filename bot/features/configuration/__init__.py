"""/config: what administrators decide for their server."""

from bot.features.configuration.cog import setup

__all__ = ["setup"]

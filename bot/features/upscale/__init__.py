"""/upscale and the U buttons."""

from bot.features.upscale.cog import setup

__all__ = ["setup"]

"""/queue and /cancel."""

from bot.features.queue.cog import setup

__all__ = ["setup"]

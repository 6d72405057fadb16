"""/mod history, job and usage: lookups for moderators."""

from bot.features.history.cog import setup

__all__ = ["setup"]

"""/mod filter: prompt filters."""

from bot.features.filters.cog import setup

__all__ = ["setup"]

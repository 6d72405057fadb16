"""/mod filter: what may not be asked for."""

from bot.features.filters.cog import setup

__all__ = ["setup"]

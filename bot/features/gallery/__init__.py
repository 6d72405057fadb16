"""/history, /favourites and /show: what somebody made, and what becomes of it."""

from bot.features.gallery.cog import setup

__all__ = ["setup"]

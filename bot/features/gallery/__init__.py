"""/history, /favourites and /show: a person's earlier jobs and what they do with them."""

from bot.features.gallery.cog import setup

__all__ = ["setup"]

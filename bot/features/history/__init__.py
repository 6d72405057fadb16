"""/mod history, job and usage: what moderators look up."""

from bot.features.history.cog import setup

__all__ = ["setup"]

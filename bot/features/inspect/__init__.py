"""/inspect: how a picture was made, from its file."""

from bot.features.inspect.cog import setup

__all__ = ["setup"]

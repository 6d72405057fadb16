"""/inspect: the generation metadata in a picture's file."""

from bot.features.inspect.cog import setup

__all__ = ["setup"]

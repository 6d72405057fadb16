"""/inspect: the generation metadata in a picture's file; /describe: what a picture shows."""

from bot.features.inspect.cog import setup

__all__ = ["setup"]

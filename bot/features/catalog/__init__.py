"""/checkpoints and /styles: what can be picked."""

from bot.features.catalog.cog import setup

__all__ = ["setup"]

"""/checkpoints, /loras and /styles: the available models and styles."""

from bot.features.catalog.cog import setup

__all__ = ["setup"]

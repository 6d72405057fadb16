"""/privacy: what is kept about a person, handed over or erased."""

from bot.features.privacy.cog import setup

__all__ = ["setup"]

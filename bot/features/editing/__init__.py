"""Editing pictures: a region of one, what is around it, a second pass; /edit and /outpaint."""

from bot.features.editing.cog import setup

__all__ = ["setup"]

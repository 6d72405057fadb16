"""/mod quota: allowances for people and roles."""

from bot.features.quotas.cog import setup

__all__ = ["setup"]

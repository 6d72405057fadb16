"""/mod quota: what moderators grant."""

from bot.features.quotas.cog import setup

__all__ = ["setup"]

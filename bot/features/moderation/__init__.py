"""/mod: blocking people, removing jobs, and the audit trail."""

from typing import TYPE_CHECKING

from bot.features.moderation import audit, blocks, removal

if TYPE_CHECKING:
    from bot.app import App


def setup(app: "App") -> None:
    """Add all commands and actions of the package."""
    blocks.setup(app)
    removal.setup(app)
    audit.setup(app)

"""/mod: blocking people, removing jobs, and the audit trail."""

from typing import TYPE_CHECKING

from bot.features.moderation import audit, blocks, removal

if TYPE_CHECKING:
    from bot.app import App


def setup(app: "App") -> None:
    """Add all of it to the application."""
    blocks.setup(app)
    removal.setup(app)
    audit.setup(app)

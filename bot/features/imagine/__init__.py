"""/imagine, and everything that draws the same or something like it once more."""

from typing import TYPE_CHECKING

from bot.features.imagine import cog, source_menu

if TYPE_CHECKING:
    from bot.app import App


def setup(app: "App") -> None:
    """Add all of it to the application."""
    cog.setup(app)
    source_menu.setup(app)

"""/imagine, and the actions that generate the same or similar pictures again."""

from typing import TYPE_CHECKING

from bot.features.imagine import cog, prompt_form, source_menu

if TYPE_CHECKING:
    from bot.app import App


def setup(app: "App") -> None:
    """Add all commands and actions of the package."""
    cog.setup(app)
    prompt_form.setup(app)
    source_menu.setup(app)

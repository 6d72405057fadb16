"""/checkpoints and /styles: what is available here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.core.admission.offered import offered, suited
from bot.core.pictures.example_store import Shown
from bot.core.pictures.gallery import Gallery
from bot.features.catalog.browser import CatalogBrowser, Entry, checkpoint_entry, style_entry
from bot.texts import say
from bot.ui.eyes import is_age_restricted
from bot.ui.interaction import Interaction
from generation.catalog import Catalog

if TYPE_CHECKING:
    from bot.app import App


class CatalogCog(commands.Cog):
    """The catalog, with pictures."""

    def __init__(self, catalog: Catalog, gallery: Gallery) -> None:
        self.catalog, self.gallery = catalog, gallery

    @app_commands.command(description=say("command-checkpoints"))
    async def checkpoints(self, interaction: Interaction) -> None:
        """Show the checkpoints in an ephemeral reply, page by page."""
        here = is_age_restricted(interaction.channel)
        found = offered(self.catalog.checkpoints, age_restricted=here)
        entries = [checkpoint_entry(one, self.catalog) for one in found]
        await self._show(interaction, Shown.CHECKPOINT, entries)

    @app_commands.command(description=say("command-styles"))
    async def styles(self, interaction: Interaction) -> None:
        """Show the styles in an ephemeral reply, page by page."""
        here = is_age_restricted(interaction.channel)
        found = offered(self.catalog.styles, age_restricted=here)
        await self._show(interaction, Shown.STYLE, [style_entry(one) for one in found])

    async def _show(self, interaction: Interaction, shown: Shown, entries: Sequence[Entry]) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await CatalogBrowser(self.gallery, shown, entries, interaction).show(say("nothing-offered"))


def setup(app: "App") -> None:
    """Add the commands, and keep age-restricted entries out of other places."""
    app.admission.add_screen(suited(app.catalog))
    app.add_cog(CatalogCog(app.catalog, app.get(Gallery)))

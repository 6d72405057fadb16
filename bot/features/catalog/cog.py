"""/checkpoints, /loras and /styles: what is available here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.core.admission.offered import suited
from bot.core.discord_limits import CONTENT_LENGTH
from bot.core.errors import OwnersOnly
from bot.core.model_folders import Change, ModelFolders
from bot.core.pictures.example_store import Shown
from bot.core.pictures.gallery import Gallery
from bot.features.catalog.browser import CatalogBrowser, Entry, checkpoint_entry, style_entry
from bot.features.catalog.loras import LoraBrowser, found, lora_entry
from bot.features.catalog.pictures import OwnersPictures
from bot.texts import all_of, say
from bot.texts.inert import cut, inert
from bot.ui.autocomplete import catalog_here, search
from bot.ui.interaction import Interaction
from generation.errors import GenerationError
from generation.styles import NAME_LENGTH

if TYPE_CHECKING:
    from bot.app import App

NAMED, NAME_SHOWN = 8, 40  # names in a line, characters of each
NOTES, NOTE_LENGTH = 5, 300


class CatalogCog(commands.Cog):
    """The catalog, with pictures."""

    def __init__(self, gallery: Gallery, pictures: OwnersPictures, folders: ModelFolders) -> None:
        self.gallery, self.pictures, self.folders = gallery, pictures, folders

    @app_commands.command(description=say("command-checkpoints"))
    @app_commands.rename(wanted="search")
    @app_commands.describe(
        wanted=say("command-checkpoints.search"), refresh=say("command-checkpoints.refresh")
    )
    async def checkpoints(
        self,
        interaction: Interaction,
        wanted: app_commands.Range[str, 1, NAME_LENGTH] | None = None,
        refresh: bool = False,
    ) -> None:
        """Show the checkpoints in an ephemeral reply, page by page, or look for new ones."""
        if refresh:
            await self._refresh(interaction)
            return
        here = catalog_here(interaction)
        names = search(here.names, wanted or "")
        entries = [checkpoint_entry(here[name], here) for name in names]
        await self._show(interaction, Shown.CHECKPOINT, entries)

    @app_commands.command(description=say("command-loras"))
    @app_commands.rename(wanted="search")
    @app_commands.describe(wanted=say("command-loras.search"))
    async def loras(
        self,
        interaction: Interaction,
        wanted: app_commands.Range[str, 1, NAME_LENGTH] | None = None,
    ) -> None:
        """Show the LoRAs in an ephemeral reply, page by page."""
        entries = [lora_entry(one) for one in found(catalog_here(interaction), wanted or "")]
        browser = LoraBrowser(self.gallery, self.pictures, entries, interaction)
        await browser.show(say("nothing-offered"))

    @app_commands.command(description=say("command-styles"))
    async def styles(self, interaction: Interaction) -> None:
        """Show the styles in an ephemeral reply, page by page."""
        here = catalog_here(interaction)
        entries = [style_entry(here.styles[name]) for name in here.style_names]
        await self._show(interaction, Shown.STYLE, entries)

    async def _refresh(self, interaction: Interaction) -> None:
        if not await interaction.client.is_owner(interaction.user):
            raise OwnersOnly
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            change = await self.folders.refresh()
        except GenerationError as error:  # a file of the owner's, for the owner
            change = Change(notes=[str(error)])
        await interaction.edit_original_response(
            content=cut("\n".join(_lines(change)), CONTENT_LENGTH)
        )

    async def _show(self, interaction: Interaction, shown: Shown, entries: Sequence[Entry]) -> None:
        browser = CatalogBrowser(self.gallery, self.pictures, shown, entries, interaction)
        await browser.show(say("nothing-offered"))


def _lines(change: Change) -> list[str]:
    """Return what a look at the folders found, for the bot's owner."""
    lines = []
    if new := change.new:
        lines.append(say("refresh-new", count=len(new), names=_names(new)))
    if changed := change.changed:
        lines.append(say("refresh-changed", count=len(changed), names=_names(changed)))
    if gone := change.gone:
        lines.append(say("refresh-gone", count=len(gone), names=_names(gone)))
    lines = lines or [say("refresh-nothing")]
    notes = [cut(inert(note), NOTE_LENGTH) for note in change.notes[:NOTES]]
    if (more := len(change.notes) - NOTES) > 0:
        notes.append(say("refresh-more", count=more))
    return [*lines, *(f"-# {note}" for note in notes)]


def _names(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    shown = [cut(name, NAME_SHOWN) for name in names[:NAMED]]
    return all_of(map(inert, (*shown, say("config-more", more=more)) if more > 0 else shown))


def setup(app: "App") -> None:
    """Add the commands, and keep entries out of where they must not be."""
    app.admission.add_screen(suited(app.catalog, app.rules))
    pictures = OwnersPictures(app.jobs.decoder)
    app.add_cog(CatalogCog(app.get(Gallery), pictures, app.folders))

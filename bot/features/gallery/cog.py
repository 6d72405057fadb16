"""/history and /favourites: a person's own jobs, and the ones they marked."""

from datetime import timedelta
from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.core.discord_limits import LARGEST_INTEGER
from bot.core.jobs.job_service import JobService
from bot.core.pictures.example_store import ExampleStore
from bot.core.pictures.favourite_store import FavouriteStore
from bot.core.pictures.gallery import Gallery
from bot.db.records import Search
from bot.features.gallery.details import show_details
from bot.texts import say
from bot.ui.interaction import Interaction
from bot.ui.pages.pages import OwnAlbum

if TYPE_CHECKING:
    from bot.app import App

WORD_LENGTH = 100
DAYS = (1, 3650)


class GalleryCog(commands.Cog):
    """Commands for earlier jobs."""

    def __init__(self, gallery: Gallery, jobs: JobService) -> None:
        self.gallery, self.jobs = gallery, jobs

    @app_commands.command(description=say("command-history"))
    @app_commands.describe(
        word=say("command-history.word"),
        days=say("command-history.days"),
    )
    async def history(
        self,
        interaction: Interaction,
        word: app_commands.Range[str, 1, WORD_LENGTH] = "",
        days: app_commands.Range[int, DAYS[0], DAYS[1]] | None = None,
    ) -> None:
        """Show the person's own jobs in an ephemeral reply, page by page."""
        since = None if days is None else interaction.created_at - timedelta(days=days)
        search = Search(interaction.user.id, interaction.guild_id, word=word, since=since)
        await self._show(interaction, search, say("history-own-none"))

    @app_commands.command(description=say("command-favourites"))
    async def favourites(self, interaction: Interaction) -> None:
        """Show the favourites in an ephemeral reply, page by page."""
        search = Search(interaction.user.id, interaction.guild_id, favourites=True)
        await self._show(interaction, search, say("favourites-none"))

    @app_commands.command(description=say("command-show"))
    @app_commands.describe(job=say("command-show.job"))
    async def show(
        self,
        interaction: Interaction,
        job: app_commands.Range[int, 1, LARGEST_INTEGER],
    ) -> None:
        """Show a job in an ephemeral reply, as the Details button does."""
        await show_details(interaction, self.gallery, job)

    async def _show(self, interaction: Interaction, search: Search, nothing: str) -> None:
        await OwnAlbum(self.gallery, self.jobs, search, interaction).show(nothing)


def setup(app: "App") -> None:
    """Add the commands and buttons, and keep people's favourites."""
    favourites = FavouriteStore(app.database)
    app.personal_data.append(favourites)
    gallery = Gallery(
        visibility=app.visibility,
        jobs=app.job_store,
        pictures=app.pictures,
        favourites=favourites,
        examples=ExampleStore(app.database),
    )
    app.provide(gallery)
    app.add_cog(GalleryCog(gallery, app.jobs))

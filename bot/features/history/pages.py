"""Paged search results for a server's moderators."""

import tempfile
from collections.abc import Sequence
from typing import Any

import discord

from bot.core.discord_limits import FILE_BYTES
from bot.core.pictures.gallery import Found, Unseen
from bot.db.records import Job, ModSearch
from bot.features.history import browser as inspecting
from bot.features.history.job_card import inspect
from bot.features.history.service import Lookup
from bot.texts import say
from bot.ui.eyes import DiscordEyes
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import moderator
from bot.ui.pages.listing import ModeratorView
from bot.ui.pages.pages import Album

# The rest of the request needs some room too.
MOST_BYTES = FILE_BYTES - 2**16


class History(ModeratorView, Album):
    """Jobs of a server, with a menu to inspect one, and a button that exports all of them."""

    def __init__(self, lookup: Lookup, search: ModSearch, asked: Interaction) -> None:
        async def load(before: int | None, limit: int) -> Sequence[Found | Unseen]:
            return await lookup.search(search, before, limit, DiscordEyes(self._asked))

        super().__init__(load, asked, say("history-pick"))
        self._lookup, self._search = lookup, search
        self.unveil.label, self.export.label = say("button-unveil"), say("button-export")

    def entry(self, job: Job, thumbnail: str | None) -> discord.Embed:
        """Return a job with what only moderators see."""
        return inspecting.entry(job, thumbnail)

    async def page(self, shown: Sequence[Found | Unseen]) -> dict[str, Any]:
        """Return the page, with a button to show hidden pictures if there are any."""
        found = [one for one in shown if isinstance(one, Found)]
        veiled = any(one.hidden and one.thumbnail is not None for one in found)
        self.unveil.disabled = self._unveiled or not veiled
        return await super().page(shown)

    async def picked(self, interaction: Interaction, job_id: int) -> None:
        """Show everything about a job, with the actions available."""
        await inspect(interaction, self._lookup, job_id)

    @discord.ui.button(emoji="👁️", row=0)
    async def unveil(self, interaction: Interaction, _: discord.ui.Button["History"]) -> None:
        """Show this page's pictures unblurred."""
        self._unveiled = True
        await self.turn(interaction)

    @discord.ui.button(emoji="📄", row=0)
    async def export(self, interaction: Interaction, _: discord.ui.Button["History"]) -> None:
        """Send the search results in an ephemeral reply, as far as they fit."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        actor = await moderator(interaction)
        with tempfile.TemporaryFile() as file:
            done = await self._lookup.export(self._search, actor, file, most_bytes=MOST_BYTES)
            file.seek(0)
            said = say("exported", jobs=done.rows)
            if not done.whole:
                said += " " + say("exported-part")
            await interaction.followup.send(said, file=discord.File(file, "history.csv"))

"""/mod filter: prompt filters."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.core.discord_limits import LARGEST_INTEGER, TEXT_OPTION_LENGTH
from bot.db.records import FilterAction, FilterKind, FilterStrictness
from bot.features.filters.filter_store import FilterStore
from bot.features.filters.lists import filter_line, filter_text, tested
from bot.features.filters.screening import Screening
from bot.texts import say
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import moderator
from bot.ui.pages.listing import Line, Listing

if TYPE_CHECKING:
    from bot.app import App

PATTERN_LENGTH = 200


class Filters(app_commands.Group):
    """A subgroup of /mod."""

    def __init__(self, screening: Screening) -> None:
        super().__init__(name="filter", description=say("command-mod-filter"))
        self.screening = screening

    @app_commands.command(description=say("command-mod-filter-add"))
    @app_commands.describe(
        pattern=say("command-mod-filter-add.pattern"),
        action=say("command-mod-filter-add.action"),
        kind=say("command-mod-filter-add.kind"),
        strictness=say("command-mod-filter-add.strictness"),
        everywhere=say("command-mod-filter-add.everywhere"),
    )
    async def add(
        self,
        interaction: Interaction,
        pattern: app_commands.Range[str, 1, PATTERN_LENGTH],
        action: FilterAction,
        kind: FilterKind = FilterKind.WORD,
        strictness: FilterStrictness = FilterStrictness.WHOLE,
        everywhere: bool = False,
    ) -> None:
        """Add a filter; it applies at once."""
        actor = await moderator(interaction, everywhere=everywhere)
        added = await self.screening.add(
            actor, pattern=pattern, kind=kind, action=action, strictness=strictness
        )
        done = say("filter-added", id=str(added.id), line=filter_text(added))
        await interaction.response.send_message(done, ephemeral=True)

    @app_commands.command(description=say("command-mod-filter-remove"))
    @app_commands.rename(filter_id="filter")
    @app_commands.describe(
        filter_id=say("command-mod-filter-remove.filter"),
        everywhere=say("command-mod-filter-remove.everywhere"),
    )
    async def remove(
        self,
        interaction: Interaction,
        filter_id: app_commands.Range[int, 1, LARGEST_INTEGER],
        everywhere: bool = False,
    ) -> None:
        """Remove a filter; what it flagged stays flagged."""
        actor = await moderator(interaction, everywhere=everywhere)
        removed = await self.screening.remove(actor, filter_id)
        done = say("filter-removed", id=str(removed.id), line=filter_text(removed))
        await interaction.response.send_message(done, ephemeral=True)

    @app_commands.command(description=say("command-mod-filter-list"))
    @app_commands.describe(everywhere=say("command-mod-filter-list.everywhere"))
    async def list(self, interaction: Interaction, everywhere: bool = False) -> None:
        """List the filters, page by page."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        actor = await moderator(interaction, everywhere=everywhere)

        async def load(before: int | None, limit: int) -> list[Line]:
            found = await self.screening.page(actor.guild_id or 0, before, limit)
            return [filter_line(one, off.get(one.id)) for one in found]

        off = await self.screening.switched_off(actor.guild_id or 0)

        await Listing(say("filters-title"), load, interaction).show(say("filters-none"))

    @app_commands.command(description=say("command-mod-filter-test"))
    @app_commands.describe(text=say("command-mod-filter-test.text"))
    async def test(
        self, interaction: Interaction, text: app_commands.Range[str, 1, TEXT_OPTION_LENGTH]
    ) -> None:
        """Show privately how the filters treat a text, with cuts marked."""
        actor = await moderator(interaction)
        verdict = await self.screening.judge(actor.guild_id, text)
        off = await self.screening.switched_off(actor.guild_id or 0)
        shown = tested(verdict, verdict.pieces[0], off)
        await interaction.response.send_message(
            embed=discord.Embed(description=shown), ephemeral=True
        )


def setup(app: "App") -> None:
    """Add the commands and the prompt check."""
    filters = FilterStore(app.database)
    app.loads.append(filters.load)
    app.personal_data.append(filters)
    screening = Screening(filters)
    app.provide(screening)
    app.admission.add_screen(screening.apply)
    app.add_mod_commands(Filters(screening))

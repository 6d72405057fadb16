"""/mod history, /mod usage, and two context menus: lookups for moderators."""

import io
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.discord_limits import LARGEST_INTEGER
from bot.core.errors import JobNotFound
from bot.db.records import ModSearch, Status
from bot.features.history.job_card import inspect
from bot.features.history.job_history import History as HistoryStore
from bot.features.history.moments import read_since, read_until
from bot.features.history.pages import History
from bot.features.history.service import Lookup
from bot.features.history.usage_store import UsageStore
from bot.texts import say
from bot.ui.autocomplete import matching
from bot.ui.command_places import in_servers_only
from bot.ui.cooldowns import OFTEN
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import check_moderator, moderator
from generation.catalog import Catalog
from generation.errors import InvalidRequest

if TYPE_CHECKING:
    from bot.app import App

WORDS_LENGTH = 100
MOMENT_LENGTH = 40
DAYS = (1, 365)
DEFAULT_DAYS = 30


class LookupCog(commands.Cog):
    """Commands of the group /mod.

    ``menus`` are context menus on messages and people; whoever adds the cog adds them to the tree.
    """

    def __init__(self, lookup: Lookup, catalog: Catalog) -> None:
        self.lookup, self.catalog = lookup, catalog
        self.menus = (
            app_commands.ContextMenu(name=say("menu-inspect"), callback=self.inspected),
            app_commands.ContextMenu(name=say("menu-history"), callback=self.looked_at),
        )
        for menu in self.menus:
            menu.default_permissions = discord.Permissions(moderate_members=True)
            in_servers_only(menu)
            menu.extras[OFTEN] = True

    @app_commands.command(description=say("command-mod-history"))
    @app_commands.describe(
        person=say("command-mod-history.person"),
        words=say("command-mod-history.words"),
        checkpoint=say("command-mod-history.checkpoint"),
        status=say("command-mod-history.status"),
        flagged=say("command-mod-history.flagged"),
        since=say("command-mod-history.since"),
        until=say("command-mod-history.until"),
        job=say("command-mod-history.job"),
    )
    @app_commands.choices(
        status=[app_commands.Choice(name=say(f"status.{one}"), value=one) for one in Status]
    )
    async def history(
        self,
        interaction: Interaction,
        person: discord.User | None = None,
        words: app_commands.Range[str, 1, WORDS_LENGTH] = "",
        checkpoint: app_commands.Range[str, 1, 200] | None = None,
        status: str | None = None,
        flagged: bool = False,
        since: app_commands.Range[str, 1, MOMENT_LENGTH] | None = None,
        until: app_commands.Range[str, 1, MOMENT_LENGTH] | None = None,
        job: app_commands.Range[int, 1, LARGEST_INTEGER] | None = None,
    ) -> None:
        """Show this server's jobs in an ephemeral reply, page by page."""
        now = interaction.created_at
        search = ModSearch(
            guild_id=interaction.guild_id or 0,
            person_id=None if person is None else person.id,
            words=words,
            checkpoint=checkpoint,
            status=None if status is None else Status(status),
            flagged=flagged,
            since=None if since is None else read_since("since", since, now),
            until=None if until is None else read_until("until", until, now),
            job_id=job,
        )
        if search.since is not None and search.until is not None and search.since >= search.until:
            raise InvalidRequest("since", say("bound-since"))
        await self._show(interaction, search)

    @history.autocomplete("checkpoint")
    async def checkpoints(
        self,
        interaction: Interaction,  # noqa: ARG002
        current: str,
    ) -> list[app_commands.Choice[str]]:
        """Suggest the catalog's checkpoints; the name of a removed one can be typed."""
        return matching(self.catalog.names, current)

    @app_commands.command(description=say("command-mod-usage"))
    @app_commands.describe(days=say("command-mod-usage.days"))
    async def usage(
        self,
        interaction: Interaction,
        days: app_commands.Range[int, DAYS[0], DAYS[1]] = DEFAULT_DAYS,
    ) -> None:
        """Report usage, with a chart and a table attached."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        actor = await moderator(interaction)
        report = await self.lookup.usage(actor, days, interaction.created_at)
        files = [discord.File(io.BytesIO(report.table), "usage.csv")]
        if report.chart is not None:
            chart = discord.File(io.BytesIO(report.chart), "usage.png", description=report.alt)
            files.insert(0, chart)
        await interaction.followup.send(report.words, files=files)

    async def inspected(self, interaction: Interaction, message: discord.Message) -> None:
        """Show everything about the job of a message."""
        check_moderator(interaction)
        if message.author != interaction.client.user:
            raise JobNotFound(say("error-message-without-job"))
        job = await self.lookup.of_message(message.id, interaction.guild_id or 0)
        await inspect(interaction, self.lookup, job.id)

    async def looked_at(
        self, interaction: Interaction, person: discord.User | discord.Member
    ) -> None:
        """Show a person's jobs here."""
        check_moderator(interaction)
        search = ModSearch(guild_id=interaction.guild_id or 0, person_id=person.id)
        await self._show(interaction, search)

    async def _show(self, interaction: Interaction, search: ModSearch) -> None:
        await History(self.lookup, search, interaction).show(say("history-none"))


def setup(app: "App") -> None:
    """Add the commands and menus for moderators' lookups."""
    lookup = Lookup(
        history=HistoryStore(app.database),
        jobs=app.job_store,
        visibility=app.visibility,
        pictures=app.pictures,
        usage=UsageStore(app.database),
        audit=app.audit,
    )
    app.provide(lookup)
    cog = LookupCog(lookup, app.catalog)
    app.add_mod_commands(*cog.get_app_commands())
    app.commands += cog.menus

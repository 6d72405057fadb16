"""/mod audit: what moderators did."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.db.records import AuditAction
from bot.features.moderation.lists import audit_line
from bot.features.moderation.service import AuditSearch, ModerationService
from bot.texts import say
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import moderator
from bot.ui.pages.listing import Line, Listing

if TYPE_CHECKING:
    from bot.app import App

# The search choices: each action, and common prefixes.
ACTIONS = (
    *(one for one in AuditAction if " " not in one),
    *sorted({word for one in AuditAction for word, _, more in [one.partition(" ")] if more}),
    *(one for one in AuditAction if " " in one),
)


class Audit(commands.Cog):
    """A command of the group /mod."""

    def __init__(self, moderation: ModerationService) -> None:
        self.moderation = moderation

    @app_commands.command(description=say("command-mod-audit"))
    @app_commands.describe(
        by=say("command-mod-audit.moderator"),
        action=say("command-mod-audit.action"),
        person=say("command-mod-audit.person"),
        everywhere=say("command-mod-audit.everywhere"),
    )
    @app_commands.rename(by="moderator")
    @app_commands.choices(
        action=[app_commands.Choice(name=str(one), value=str(one)) for one in ACTIONS]
    )
    async def audit(
        self,
        interaction: Interaction,
        by: discord.User | None = None,
        action: str | None = None,
        person: discord.User | None = None,
        everywhere: bool = False,
    ) -> None:
        """List the audit trail, page by page; it cannot be changed."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        actor = await moderator(interaction, everywhere=everywhere)
        entries = AuditSearch(
            guild_id=actor.guild_id or 0,
            moderator_id=None if by is None else by.id,
            person_id=None if person is None else person.id,
            action=action,
        )

        async def load(before: int | None, limit: int) -> list[Line]:
            found = await self.moderation.entries(entries, before, limit)
            return [audit_line(entry) for entry in found]

        await Listing(say("audit-title"), load, interaction).show(say("audit-none"))


def setup(app: "App") -> None:
    """Add the command."""
    app.add_mod_commands(*Audit(app.get(ModerationService)).get_app_commands())

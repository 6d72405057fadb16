"""/mod block, /mod unblock, /mod blocks: who may ask for nothing."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.services.admission import Stage
from bot.services.durations import FOR_GOOD
from bot.services.moderation import ModerationService
from bot.store.blocks import BlockStore
from bot.texts import say
from bot.ui import acting
from bot.ui.acting import DURATION_LENGTH, REASON_LENGTH
from bot.ui.asking import moderator
from bot.ui.deeds import block_line
from bot.ui.listing import Line, Listing

if TYPE_CHECKING:
    from bot.app import App

DURATIONS = ("1h", "1d", "1w", "30d")


class Blocks(commands.Cog):
    """Commands for the group /mod."""

    def __init__(self, moderation: ModerationService) -> None:
        self.moderation = moderation

    @app_commands.command(description=say("command-mod-block"))
    @app_commands.describe(
        person=say("command-mod-block.person"),
        duration=say("command-mod-block.duration"),
        reason=say("command-mod-block.reason"),
        everywhere=say("command-mod-block.everywhere"),
    )
    async def block(
        self,
        interaction: discord.Interaction[Any],
        person: discord.User,
        duration: app_commands.Range[str, 1, DURATION_LENGTH] = FOR_GOOD,
        reason: app_commands.Range[str, 0, REASON_LENGTH] = "",
        everywhere: bool = False,
    ) -> None:
        """Block somebody, and end what is on its way."""
        await acting.block(
            interaction,
            self.moderation,
            person,
            duration=duration,
            reason=reason,
            everywhere=everywhere,
        )

    @block.autocomplete("duration")
    async def durations(
        self,
        interaction: discord.Interaction[Any],  # noqa: ARG002
        current: str,
    ) -> list[app_commands.Choice[str]]:
        """Offer the usual ones that hold what was typed so far; others can be typed."""
        typed = current.strip().casefold()
        usual = {span: say(f"duration-{span}") for span in DURATIONS}
        usual[FOR_GOOD] = say("block-for-good")
        return [
            app_commands.Choice(name=name, value=value)
            for value, name in usual.items()
            if typed in name.casefold() or typed == value
        ]

    @app_commands.command(description=say("command-mod-unblock"))
    @app_commands.describe(
        person=say("command-mod-unblock.person"),
        reason=say("command-mod-unblock.reason"),
        everywhere=say("command-mod-unblock.everywhere"),
    )
    async def unblock(
        self,
        interaction: discord.Interaction[Any],
        person: discord.User,
        reason: app_commands.Range[str, 0, REASON_LENGTH] = "",
        everywhere: bool = False,
    ) -> None:
        """Let somebody ask again."""
        actor = await moderator(interaction, everywhere=everywhere)
        await self.moderation.unblock(person.id, actor, at=interaction.created_at, reason=reason)
        await interaction.response.send_message(
            say("unblocked", person=str(person.id)), ephemeral=True
        )

    @app_commands.command(description=say("command-mod-blocks"))
    @app_commands.describe(everywhere=say("command-mod-blocks.everywhere"))
    async def blocks(self, interaction: discord.Interaction[Any], everywhere: bool = False) -> None:
        """List the blocks that hold, a page at a time."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        actor = await moderator(interaction, everywhere=everywhere)
        guild_id = actor.guild_id or 0

        async def load(before: int | None, limit: int) -> list[Line]:
            found = await self.moderation.blocks(guild_id, interaction.created_at, before, limit)
            return [block_line(block) for block in found]

        await Listing(say("blocks-title"), load, interaction).show(say("blocks-none"))


def setup(app: "App") -> None:
    """Let moderators block people, who are then refused before anything else."""
    blocks = BlockStore(app.database)
    app.loads.append(blocks.load)
    app.personal_data.append(blocks)
    moderation = ModerationService(
        jobs=app.jobs,
        visibility=app.visibility,
        store=app.job_store,
        pictures=app.pictures,
        blocks=blocks,
        audit=app.audit,
    )
    app.provide(moderation)
    app.admission.add(Stage.PERSON, moderation.check)
    app.add_mod_commands(*Blocks(moderation).get_app_commands())

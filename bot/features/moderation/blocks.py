"""/mod block, /mod unblock, /mod blocks, and the Block button."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.admission.admission import Stage
from bot.core.discord_limits import FORM_TITLE_LENGTH
from bot.core.durations import FOR_GOOD, read_duration
from bot.core.erasing import NOBODY
from bot.core.pictures.gallery import Found
from bot.db.records import Job
from bot.features.moderation.block_store import BlockStore
from bot.features.moderation.lists import because, block_line, end_of
from bot.features.moderation.service import ModerationService
from bot.texts import say
from bot.texts.inert import plain
from bot.ui.actions.moderation_actions import REASON_LENGTH, ModerationAction, reason_input
from bot.ui.actions.press import Press
from bot.ui.forms import Input, modal
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import moderator, target_of
from bot.ui.pages.listing import Line, Listing

if TYPE_CHECKING:
    from bot.app import App

DURATION_LENGTH = 40
DURATIONS = ("1h", "1d", "1w", "30d")


async def block(
    interaction: Interaction,
    moderation: ModerationService,
    person: discord.abc.Snowflake,
    *,
    duration: str,
    reason: str,
    everywhere: bool = False,
) -> None:
    """Block a person, cancel their open jobs, and reply."""
    span = read_duration(duration)
    until = None if span is None else interaction.created_at + span
    await interaction.response.defer(ephemeral=True, thinking=True)
    actor = await moderator(interaction, everywhere=everywhere)
    target = target_of(interaction, person)
    ended = await moderation.block(target, actor, until=until, reason=reason)
    done = say("blocked", person=str(person.id), end=end_of(until), jobs=ended)
    await interaction.followup.send(done + because(reason))


class Block(ModerationAction):
    """Blocks a job's author."""

    name = "block"
    label = "button-block"

    def applies_to(self, found: Found) -> bool:
        """Tell whether the job's author is known."""
        return found.job.origin.person_id != NOBODY

    def form(self, job: Job, custom_id: str) -> discord.ui.Modal:
        """Ask for a duration and a reason."""
        span = {"max_length": DURATION_LENGTH}
        inputs = (
            Input("duration", say("form-duration"), say("form-duration.hint"), span),
            reason_input(say("form-reason.read")),
        )
        title = plain(say("form-block", name=job.origin.person_name), FORM_TITLE_LENGTH)
        return modal(title, custom_id, inputs, {"duration": FOR_GOOD})

    async def carry_out(self, press: Press, typed: Mapping[str, str]) -> None:
        """Block the author."""
        person = await _person(press.interaction, press.job.origin.person_id)
        duration, reason = typed.get("duration", ""), typed.get("reason", "")
        moderation = press.app.get(ModerationService)
        await block(press.interaction, moderation, person, duration=duration, reason=reason)


async def _person(interaction: Interaction, person_id: int) -> discord.abc.Snowflake:
    """Return the member as they are now, or only their id if they left."""
    guild = interaction.guild
    try:
        if guild is not None:
            return guild.get_member(person_id) or await guild.fetch_member(person_id)
    except discord.NotFound:
        pass
    return discord.Object(person_id)


class Blocks(commands.Cog):
    """Commands of the group /mod."""

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
        interaction: Interaction,
        person: discord.User,
        duration: app_commands.Range[str, 1, DURATION_LENGTH] = FOR_GOOD,
        reason: app_commands.Range[str, 0, REASON_LENGTH] = "",
        everywhere: bool = False,
    ) -> None:
        """Block a person, and cancel their open jobs."""
        await block(
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
        interaction: Interaction,  # noqa: ARG002
        current: str,
    ) -> list[app_commands.Choice[str]]:
        """Suggest common durations that contain what was typed so far; others can be typed."""
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
        interaction: Interaction,
        person: discord.User,
        reason: app_commands.Range[str, 0, REASON_LENGTH] = "",
        everywhere: bool = False,
    ) -> None:
        """Lift a block."""
        actor = await moderator(interaction, everywhere=everywhere)
        await self.moderation.unblock(person.id, actor, at=interaction.created_at, reason=reason)
        await interaction.response.send_message(
            say("unblocked", person=str(person.id)), ephemeral=True
        )

    @app_commands.command(description=say("command-mod-blocks"))
    @app_commands.describe(everywhere=say("command-mod-blocks.everywhere"))
    async def blocks(self, interaction: Interaction, everywhere: bool = False) -> None:
        """List active blocks, page by page."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        actor = await moderator(interaction, everywhere=everywhere)
        guild_id = actor.guild_id or 0

        async def load(before: int | None, limit: int) -> list[Line]:
            found = await self.moderation.blocks(guild_id, interaction.created_at, before, limit)
            return [block_line(block) for block in found]

        await Listing(say("blocks-title"), load, interaction).show(say("blocks-none"))


def setup(app: "App") -> None:
    """Add the commands, and the check that refuses blocked people first."""
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

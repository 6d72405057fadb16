"""One job for moderators: everything about it, and the actions available."""

import asyncio
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import discord

from bot.core.pictures.blurring import blurred
from bot.core.pictures.gallery import Details, Found
from bot.features.history import browser as inspecting
from bot.features.history.service import Lookup
from bot.texts import say
from bot.ui.actions.moderation_actions import ModerationAction, view_of
from bot.ui.actions.press import Press
from bot.ui.delivery.uploading import thumbnail_file
from bot.ui.eyes import DiscordEyes
from bot.ui.interaction import Interaction


async def inspect(interaction: Interaction, lookup: Lookup, job_id: int) -> None:
    """Reply with a job of this server; its pictures are blurred unless they may be shown here."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    details = await lookup.details(job_id, interaction.guild_id or 0)
    first = await lookup.first(details, DiscordEyes(interaction))
    if first.hidden and first.thumbnail is not None:
        first = replace(first, thumbnail=await asyncio.to_thread(blurred, first.thumbnail))
    needed = await lookup.needed(details.job)
    if first.hidden or first.thumbnail is None:
        needed = [(what, await asyncio.to_thread(blurred, one)) for what, one in needed]
    embed, files = _card(details, first, needed)
    await interaction.followup.send(embed=embed, files=files, view=view_of(first))


class Unveil(ModerationAction):
    """Shows blurred pictures."""

    name = "unveil"
    label = "button-unveil"
    style = discord.ButtonStyle.secondary

    def applies_to(self, found: Found) -> bool:
        """Tell whether anything is blurred."""
        return found.hidden and found.thumbnail is not None

    async def carry_out(self, press: Press, typed: Mapping[str, str]) -> None:  # noqa: ARG002
        """Show the pictures."""
        await press.interaction.response.defer()
        details = await press.app.get(Lookup).details(press.job.id, press.interaction.guild_id or 0)
        first = replace(await press.app.get(Lookup).first(details), hidden=False)
        embed, files = _card(details, first, await press.app.get(Lookup).needed(details.job))
        await press.interaction.edit_original_response(
            embed=embed, attachments=files, view=view_of(first)
        )


def _card(
    details: Details, first: Found, needed: Sequence[tuple[str, bytes]]
) -> tuple[discord.Embed, list[discord.File]]:
    """Return the card and its files: the first picture's thumbnail, and those of what it needed."""
    job = details.job
    files = [
        discord.File(io.BytesIO(one), f"{what}-{number}-of-job-{job.id}.webp", description=said)
        for number, (what, one) in enumerate(needed, 1)
        for said in [say(f"inspect-file.{what}")]
    ]
    if first.thumbnail is None:
        return inspecting.card(details, None), files
    file = thumbnail_file(job, first.thumbnail)
    return inspecting.card(details, file.filename), [file, *files]

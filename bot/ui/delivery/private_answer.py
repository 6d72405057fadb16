"""Ephemeral answers for which something is read first: one request where that is quick."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import discord

from bot.ui.interaction import Interaction

# Discord waits for three seconds. Until then a slow line uploads as much as this, after SOON_S.
SOON_S = 1.0
AT_ONCE_BYTES = 75_000


@asynccontextmanager
async def preparing(interaction: Interaction) -> AsyncIterator[None]:
    """Prepare an answer in this context: the person sees that we think, if that takes long."""
    thinking: asyncio.Task[object] | None = None

    def think() -> None:
        nonlocal thinking
        thinking = asyncio.create_task(_think(interaction))

    timer = asyncio.get_running_loop().call_later(SOON_S, think)
    try:
        yield
    finally:
        timer.cancel()
        if thinking is not None:
            await thinking


async def answer_privately(
    interaction: Interaction,
    content: str | None = None,
    *,
    embeds: Sequence[discord.Embed] = (),
    attachments: Sequence[discord.File] = (),
    view: discord.ui.View | None = None,
) -> None:
    """Send what was prepared; files that may take long follow after we think."""
    response = interaction.response
    if sum(map(_size, attachments)) > AT_ONCE_BYTES:
        await _think(interaction)
    if response.is_done():
        await interaction.edit_original_response(
            content=content, embeds=embeds, attachments=attachments, view=view
        )
    else:
        await response.send_message(
            content,
            embeds=embeds,
            files=attachments,
            view=discord.utils.MISSING if view is None else view,
            ephemeral=True,
        )


async def _think(interaction: Interaction) -> None:
    if not interaction.response.is_done():
        await interaction.response.defer(ephemeral=True, thinking=True)


def _size(file: discord.File) -> int:
    """Return a file's size in bytes."""
    size = file.fp.seek(0, io.SEEK_END)
    file.fp.seek(0)
    return size

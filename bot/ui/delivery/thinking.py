"""Keeping an interaction alive while what it brings is fetched and looked at.

Discord takes a first reply within three seconds. What takes longer gets a pending one, "… is
thinking", which the real one fills in later.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import discord

from bot.texts import say
from bot.ui.interaction import Interaction
from bot.ui.trouble import TROUBLE, describe

log = logging.getLogger(__name__)

AFTER_S = 1.5  # of Discord's three; the way there takes its time, too
SENT_S = 10.0  # what it waits for a pending reply to be taken
_PENDING = "thinking"  # of an interaction's extras


@asynccontextmanager
async def thinking(
    interaction: Interaction, *, private: bool, at_once: bool = False
) -> AsyncIterator[None]:
    """Send a pending reply if the work inside takes long, or ``at_once``.

    Only who asked sees it if it is ``private``, and so with the real one. When this ends none is on
    its way any more.
    """
    if at_once:
        await _begin(interaction, private=private)
    done = asyncio.Event()

    async def watch() -> None:
        try:
            async with asyncio.timeout(AFTER_S):
                await done.wait()
        except TimeoutError:
            await _begin(interaction, private=private)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        done.set()
        await watching


def pending(interaction: Interaction, *, private: bool) -> None:
    """Note that a pending reply is there."""
    interaction.extras[_PENDING] = private


def is_pending(interaction: Interaction) -> bool:
    """Tell whether a pending reply is to be filled in."""
    return _PENDING in interaction.extras


def filled_in(interaction: Interaction) -> None:
    """Note that the pending reply has become the real one."""
    interaction.extras.pop(_PENDING, None)


@asynccontextmanager
async def withdrawn(interaction: Interaction) -> AsyncIterator[None]:
    """Take back a pending reply that everybody sees; what is sent inside can be private.

    The first message after a pending reply would fill it in, for everybody. Whether one can follow
    after it was deleted, Discord does not promise. Raises TROUBLE.
    """
    if interaction.extras.pop(_PENDING, None) is not False:
        yield
        return
    await interaction.edit_original_response(content=say("pending-over"))
    try:
        yield
    finally:
        await interaction.delete_original_response()


async def _begin(interaction: Interaction, *, private: bool) -> None:
    if interaction.response.is_done():
        return
    try:
        async with asyncio.timeout(SENT_S):
            await interaction.response.defer(ephemeral=private, thinking=True)
    except (*TROUBLE, discord.InteractionResponded) as error:
        log.info("a pending reply was not sent: %s", describe(error))
        return
    pending(interaction, private=private)

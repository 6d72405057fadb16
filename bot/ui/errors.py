"""Exception class -> message for the person. One table; the most specific class wins."""

import asyncio
import logging
import math
import secrets
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot.core.discord_limits import CONTENT_LENGTH
from bot.core.errors import AgeRestricted, Blocked, CheckpointReserved, JobError, LoraForbidden
from bot.core.jobs.job_store import AlreadyRecorded
from bot.core.jobs.presenter import DeliveryFailed
from bot.db.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFailing,
    StoreFull,
    StoreReadOnly,
)
from bot.options.errors import PromptError
from bot.texts import all_of, phrased, say
from bot.texts.inert import code, inert
from bot.ui.delivery.thinking import pending, withdrawn
from bot.ui.interaction import Interaction, app_of
from bot.ui.trouble import (
    ALREADY_ACKNOWLEDGED,
    TROUBLE,
    UNKNOWN_MESSAGE,
    describe,
    is_final,
    shorten,
)
from generation.errors import (
    AdapterUnavailable,
    Cancelled,
    CheckpointUnavailable,
    InvalidRequest,
    NotChecked,
    OutOfMemory,
    StepFailed,
    WorkerDied,
)

log = logging.getLogger(__name__)

# How long another process may take to finish its reply.
OTHERS_S = 3.0
WEATHER = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, TimeoutError)
NAME, WHY = 100, 600  # characters shown of others' text; with a form's text it fits

Line = Callable[[Any], str]

SENTENCES: dict[type[BaseException], Line] = {
    JobError: str,
    PromptError: str,
    Blocked: lambda error: _blocked(error),
    AgeRestricted: lambda error: say("error-age-restricted", name=inert(error.name, NAME)),
    CheckpointReserved: lambda error: say(
        "error-checkpoint-reserved", name=inert(error.name, NAME)
    ),
    LoraForbidden: lambda error: say("error-lora-forbidden", name=inert(error.name, NAME)),
    InvalidRequest: lambda error: say(
        "error-invalid", field=error.field, bound=phrased(error.bound)
    ),
    CheckpointUnavailable: lambda error: say(
        "error-checkpoint", reason=inert(phrased(error.reason), WHY)
    ),
    AdapterUnavailable: lambda error: say(
        "error-adapter", name=inert(error.adapter, NAME), reason=inert(phrased(error.reason), WHY)
    ),
    OutOfMemory: lambda _: say("error-too-large"),
    StepFailed: lambda _: say("error-step-failed"),
    NotChecked: lambda _: say("error-not-checked"),
    Cancelled: lambda _: say("error-cancelled"),
    WorkerDied: lambda _: say("error-worker-died"),
    StoreBusy: lambda _: say("error-store-busy"),
    StoreFull: lambda _: say("error-store-full"),
    StoreReadOnly: lambda _: say("error-store-read-only"),
    StoreFailing: lambda _: say("error-store-failing"),
    StoreDamaged: lambda _: say("error-store-damaged"),
    StoreError: lambda _: say("error-store"),
    DeliveryFailed: lambda error: say("error-not-posted", why=inert(str(error), WHY)),
    app_commands.MissingPermissions: lambda error: say(
        "error-permissions", needed=all_of(map(_permission, error.missing_permissions))
    ),
    app_commands.NoPrivateMessage: lambda _: say("error-server-only"),
    app_commands.TransformerError: lambda error: say(
        "error-unreadable", value=code(str(error.value), NAME)
    ),
    app_commands.CommandOnCooldown: lambda error: say(
        "error-too-fast", seconds=max(1, math.ceil(error.retry_after))
    ),
    app_commands.CommandNotFound: lambda _: say("error-command-gone"),
    app_commands.CommandSignatureMismatch: lambda _: say("error-command-changed"),
}


def _blocked(error: Blocked) -> str:
    end = say("block-for-good")
    if error.until is not None:
        end = say("block-until", time=discord.utils.format_dt(error.until, "f"))
    if not error.reason:
        return say("error-blocked", end=end)
    return say("error-blocked-because", end=end, reason=inert(phrased(error.reason), WHY))


def explain(error: BaseException) -> str:
    """Return the message for an error; an unexpected one is logged under the reference it shows.

    Never raises: an error in a message counts as unexpected too.
    """
    try:
        for kind in type(error).__mro__:
            if kind in SENTENCES:
                return SENTENCES[kind](error)
    except Exception:
        log.exception("no sentence for %s", type(error).__name__)
    if isinstance(error, WEATHER) and (_is_acknowledged(error) or not is_final(error)):
        log.warning("Discord did not let us answer: %s", describe(error))
        return say("error-discord", why=inert(describe(error)))
    if isinstance(error, discord.NotFound) and error.code == UNKNOWN_MESSAGE:
        return say("error-message-gone")
    reference = secrets.token_hex(2)
    log.error("ref %s", reference, exc_info=error)
    return say("error-unforeseen", reference=reference)


async def answer(interaction: Interaction, error: BaseException, *, note: str = "") -> None:
    """Send an ephemeral error message, with ``note`` below it. Never raises."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    if isinstance(error, AlreadyRecorded):
        return  # Discord delivered the interaction twice; the first one is answered.
    app_of(interaction).watch.refused(error)
    line, room = explain(error), CONTENT_LENGTH - len(note)
    line = (line if len(line) <= room else shorten(line, room)) + note
    try:
        if _is_acknowledged(error):
            await _end_thinking(interaction, line)
            return
        try:
            await _say(interaction, line)
        except discord.HTTPException as refused:
            if not _is_acknowledged(refused):
                raise
            await _end_thinking(interaction, line)
    except TROUBLE as unsaid:
        log.warning("could not say %r: %s", shorten(line), describe(unsaid))
    except Exception:
        log.exception("could not say %r", shorten(line))


async def _say(interaction: Interaction, line: str) -> None:
    if interaction.type is discord.InteractionType.autocomplete:
        await choose_from_nothing(interaction)
    elif interaction.response.is_done():
        async with withdrawn(interaction):
            await interaction.followup.send(line, ephemeral=True)
    else:
        await interaction.response.send_message(line, ephemeral=True)


async def choose_from_nothing(interaction: Interaction) -> None:
    """Answer an autocomplete request that failed: Discord accepts only choices."""
    if interaction.response.is_done():
        return
    try:
        await interaction.response.autocomplete([])
    except TROUBLE as error:
        log.info("nothing is offered: %s", describe(error))


async def _end_thinking(interaction: Interaction, line: str) -> None:
    """Replace a pending "thinking" response, unless something else completes it.

    Either Discord accepted our response and we never heard, or another process with the same token
    was faster. The latter completes what it began.
    """
    await asyncio.sleep(OTHERS_S)
    original = await interaction.original_response()
    if not original.flags.loading:
        log.warning("another process with this bot's token answered interaction %d", interaction.id)
    elif original.flags.ephemeral:
        await interaction.edit_original_response(content=line)
    else:
        pending(interaction, private=False)
        async with withdrawn(interaction):
            await interaction.followup.send(line, ephemeral=True)


def _is_acknowledged(error: BaseException) -> bool:
    return isinstance(error, discord.HTTPException) and error.code == ALREADY_ACKNOWLEDGED


def _permission(name: str) -> str:
    return say(f"permission.{name.replace('_', '-')}")

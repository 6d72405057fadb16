"""From an interaction to the services' terms: who asks, where, and with which permissions."""

import asyncio
from dataclasses import replace

import aiohttp
import discord
from discord import app_commands

from bot.core.admission.request_context import Actor, RequestContext, Target
from bot.core.errors import FileUnavailable, OwnersOnly, ServerUnknown
from bot.core.pictures.example_store import Viewer
from bot.db.records import EVERYWHERE, Origin
from bot.options.typography import well_formed
from bot.texts import say
from bot.ui.eyes import (
    DiscordEyes,
    is_age_restricted,
    is_guest,
    permissions_in_server,
    readable,
)
from bot.ui.file_hosts import TooLarge, download, is_discords
from bot.ui.interaction import Interaction, app_of
from bot.ui.trouble import TROUBLE
from generation.errors import InvalidRequest
from generation.source_image import MAX_BYTES

FETCH_S = 10.0
FORM_S = 1.5  # before a form, which Discord takes within 3 s, and which nothing can announce
GONE = (403, 404)  # what Discord says of addresses that have expired
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".heic", ".heif", ".gif")


def request_context_of(
    interaction: Interaction, part: int = 0, *, private: bool = False
) -> RequestContext:
    """Return who requests a job, where, and what applies there; see Origin for the options.

    A ``private`` job is an ordinary one in direct messages with the bot, where nobody else reads.
    """
    channel = interaction.channel
    origin = Origin(
        interaction_id=interaction.id,
        token=interaction.token,
        person_id=interaction.user.id,
        person_name=well_formed(interaction.user.name),
        channel_id=interaction.channel_id or 0,
        guild_id=interaction.guild_id,
        asked_at=interaction.created_at,
        part=part,
        locale=str(interaction.locale),
        filesize_limit=interaction.filesize_limit,
        guest=is_guest(interaction),
        age_restricted=is_age_restricted(channel) is not False,
    )
    context = RequestContext(
        origin=origin,
        missing_permissions=missing_here(interaction),
        channel_ids=channel_ids_of(interaction),
        role_ids=role_ids_of(interaction.user),
        age_restricted=is_age_restricted(channel),
        alone=interaction.guild_id is None and not origin.guest,
        eyes=DiscordEyes(interaction),
    )
    return context.in_private() if private else context


def channel_ids_of(interaction: Interaction) -> tuple[int, ...]:
    """Return the ids of the channel and, for a thread, its parent."""
    channel = interaction.channel
    around = (channel.parent_id,) if isinstance(channel, discord.Thread) else ()
    return (interaction.channel_id or 0, *around)


def role_ids_of(person: discord.abc.Snowflake) -> frozenset[int]:
    """Return the ids of the roles Discord sent with a person; empty outside servers.

    `Member.roles` would have only cached roles, of which there are none while a server is
    unavailable or not yet received.
    """
    if not isinstance(person, discord.Member):
        return frozenset()
    everybodys = person.guild.id
    return frozenset((*person._roles, everybodys))  # noqa: SLF001


def actor_of(interaction: Interaction) -> Actor:
    """Return who acts; permission to moderate members makes them a moderator."""
    return Actor(
        person_id=interaction.user.id,
        guild_id=interaction.guild_id,
        moderates=permissions_in_server(interaction).moderate_members,
        eyes=DiscordEyes(interaction),
    )


async def moderator(interaction: Interaction, *, everywhere: bool = False) -> Actor:
    """Return the moderator who used a command in a server; raises OwnersOnly.

    Global (``everywhere``) actions are reserved for the bot's owners.
    """
    check_moderator(interaction)
    if everywhere:
        if not await interaction.client.is_owner(interaction.user):
            raise OwnersOnly
        return Actor(interaction.user.id, EVERYWHERE, moderates=True, owns=True)
    guild = interaction.guild
    owns = guild is not None and guild.owner_id == interaction.user.id
    return replace(actor_of(interaction), owns=owns)


def check_moderator(interaction: Interaction) -> None:
    """Raise if the person is not in a server, or may not moderate its members."""
    if interaction.guild_id is None:
        raise app_commands.NoPrivateMessage
    if not permissions_in_server(interaction).moderate_members:
        raise app_commands.MissingPermissions(["moderate_members"])


def check_administrator(interaction: Interaction) -> None:
    """Raise if the person is not in a server, or may not manage it."""
    if interaction.guild_id is None:
        raise app_commands.NoPrivateMessage
    if not permissions_in_server(interaction).manage_guild:
        raise app_commands.MissingPermissions(["manage_guild"])


def target_of(interaction: Interaction, person: discord.abc.Snowflake) -> Target:
    """Return the target of a moderator's action, as they are in this server.

    Raises ServerUnknown if Discord has not sent their permissions there.
    """
    theirs = _permissions_of(person) if isinstance(person, discord.Member) else None
    us = interaction.client.user
    return Target(
        person_id=person.id,
        moderates=theirs is not None and (theirs.moderate_members or theirs.manage_messages),
        is_us=us is not None and person.id == us.id,
    )


def _permissions_of(member: discord.Member) -> discord.Permissions:
    """Return what a member may do in the whole server or here, as Discord sent it."""
    here = member.resolved_permissions
    if member.guild.get_role(member.guild.id) is not None:  # @everyone, so the cache is filled
        return member.guild_permissions | (here or discord.Permissions.none())
    if here is None:
        raise ServerUnknown
    return here


def missing_here(interaction: Interaction) -> tuple[str, ...]:
    """Return the names of missing permissions for posting pictures here."""
    if interaction.guild_id is None or is_guest(interaction):
        return ()
    return lacking(
        interaction.app_permissions, thread=isinstance(interaction.channel, discord.Thread)
    )


def lacking(ours: discord.Permissions, *, thread: bool = False) -> tuple[str, ...]:
    """Return the names, as in Discord's settings, of permissions we lack in a place."""
    needed = {
        say("permission.view-channel"): ours.view_channel,
        say("permission.send-in-threads"): ours.send_messages_in_threads or not thread,
        say("permission.send"): ours.send_messages or thread,
        say("permission.attach"): ours.attach_files,
    }
    return tuple(name for name, allowed in needed.items() if not allowed)


def viewer_of(interaction: Interaction) -> Viewer:
    """Return the viewer and the channels they can read, without age-restricted ones.

    Threads that not everybody in the channel can open are left out.
    """
    guild, person = interaction.guild, interaction.user
    channels: list[int] = []
    if guild is not None and isinstance(person, discord.Member) and not is_guest(interaction):
        channels = readable(guild, person)
    return Viewer(person.id, interaction.guild_id, channels)


def is_picture(file: discord.Attachment) -> bool:
    """Tell whether Discord considers an attached file a picture, or its name does.

    Of some formats of phones Discord knows no type.
    """
    kind = file.content_type or ""
    unknown = kind in ("", "application/octet-stream")
    return kind.startswith("image/") or (unknown and file.filename.lower().endswith(PICTURES))


async def fetch(
    interaction: Interaction, field: str, file: discord.Attachment, within_s: float = FETCH_S
) -> bytes:
    """Return an attached file's bytes; raises InvalidRequest, FileUnavailable or CommandOnCooldown.

    It counts towards the person's file limit, so check first that they may use it. Keep the
    interaction alive meanwhile (`bot.ui.delivery.thinking`).
    """
    app_of(interaction).cooldowns.fetch(interaction)
    if file.size > MAX_BYTES:
        raise InvalidRequest(field, say("bound-file", most=MAX_BYTES // 2**20))
    if not is_discords(file.url):
        raise FileUnavailable(say("error-file-elsewhere", field=field))
    try:
        async with asyncio.timeout(within_s):
            return await file.read()
    except TROUBLE as error:
        raise FileUnavailable(say("error-file-late", field=field)) from error


async def fetch_address(interaction: Interaction, field: str, address: str) -> bytes:
    """Return the file at an address that somebody typed, which has to be Discord's, likewise."""
    app_of(interaction).cooldowns.fetch(interaction)
    if not is_discords(address):
        raise FileUnavailable(say("error-file-elsewhere", field=field))
    http = interaction.client.http
    try:
        async with asyncio.timeout(FETCH_S):
            return await download(address, MAX_BYTES, http.proxy, http.proxy_auth)
    except TooLarge as error:
        raise InvalidRequest(field, say("bound-file", most=MAX_BYTES // 2**20)) from error
    except TROUBLE as error:
        if isinstance(error, aiohttp.ClientResponseError) and error.status in GONE:
            raise FileUnavailable(say("error-file-gone", field=field)) from error
        raise FileUnavailable(say("error-file-late", field=field)) from error

"""What a person may see and do in a server, determined anew for every interaction.

An interaction's permissions are those in its channel, including overwrites. Server-wide permissions
come from roles; those in another channel from roles and that channel's overwrites.
"""

import asyncio
from dataclasses import replace

import aiohttp
import discord

from bot.core.admission.channel_access import View
from bot.ui.interaction import Interaction

LOOK_S = 1.0  # the first reply is due 3 s after the click
MOST_QUESTIONS = 10  # requests to Discord per click, however many threads must be looked up
CLOSED = {"reads": False, "manages": False}
VOICE = (discord.VoiceChannel, discord.StageChannel)


class DiscordEyes:
    """What the sender of an interaction can see; results are cached."""

    def __init__(self, interaction: Interaction) -> None:
        self.age_restricted = is_age_restricted(interaction.channel) is True
        self._interaction = interaction
        self._views: dict[int, View] = {}
        self._questions = MOST_QUESTIONS

    async def view(self, channel_id: int) -> View:
        """Return what they may do in a channel; nothing if that cannot be determined."""
        if channel_id not in self._views:
            self._views[channel_id] = await self._look(channel_id)
        return self._views[channel_id]

    async def _look(self, channel_id: int) -> View:
        context, person = self._interaction, self._interaction.user
        if context.guild_id is None:
            return View()
        if channel_id == context.channel_id:  # where they are, whatever else is known of it
            here = _view(context.channel, context.permissions)
            return replace(here, manages=here.manages and not is_guest(context))
        guild = context.guild
        if is_guest(context) or guild is None or not isinstance(person, discord.Member):
            return View()
        channel = guild.get_channel_or_thread(channel_id)
        if channel is None and self._may_ask():
            channel = await _archived(guild, channel_id)
        if channel is None or (isinstance(channel, discord.Thread) and channel.parent is None):
            return View()
        theirs = channel.permissions_for(person)
        view = _view(channel, theirs)
        if isinstance(channel, discord.Thread) and view.reads and not theirs.manage_threads:
            return view if await self._is_in(channel, person) else replace(view, **CLOSED)
        return view

    async def _is_in(self, thread: discord.Thread, person: discord.Member) -> bool:
        """Tell whether a thread is open to a person who can read its channel.

        Without the members intent, only Discord knows who is in a private thread.
        """
        if not thread.is_private():
            return True
        if not self._may_ask():
            return False
        try:
            async with asyncio.timeout(LOOK_S):
                await thread.fetch_member(person.id)
        except (discord.HTTPException, aiohttp.ClientError, OSError):  # a timeout is an OSError
            return False
        return True

    def _may_ask(self) -> bool:
        self._questions -= 1
        return self._questions >= 0


def permissions_in_server(interaction: Interaction) -> discord.Permissions:
    """Return a person's server-wide permissions, if the bot is a member of the server.

    Excluded are permissions granted only by a channel's overwrites, those that overwrites deny
    here, and those that a role has lost without our having been told yet.
    """
    person, guild = interaction.user, interaction.guild
    # Without a server's roles, as for a user install, nothing is known about permissions.
    known = guild is not None and guild.default_role is not None
    if not known or is_guest(interaction) or not isinstance(person, discord.Member):
        return discord.Permissions.none()
    return person.guild_permissions & interaction.permissions


def is_guest(interaction: Interaction) -> bool:
    """Tell whether the bot is here only through the person's user install.

    Then only the interaction's token can post here. Direct messages with the bot do not count.
    """
    theirs = interaction.is_user_integration() and not interaction.is_guild_integration()
    return theirs and not interaction.context.dm_channel


def is_age_restricted(channel: object) -> bool | None:
    """Tell whether Discord asks for a person's age before showing this channel.

    Any kind of server channel can be age-restricted; threads and forum posts inherit it from their
    parent channel, and None means that one is not known.
    """
    if isinstance(channel, discord.Thread) and channel.parent is None:
        return None
    asks = getattr(channel, "is_nsfw", None)  # direct messages have none
    return asks is not None and bool(asks())


def readable(guild: discord.Guild, person: discord.Member) -> list[int]:
    """Return the channels of a server that a person can read, without age-restricted ones.

    Threads that not everybody in the channel can open are left out.
    """
    found = []
    for channel in (*guild.channels, *guild.threads):
        if isinstance(channel, discord.Thread) and (channel.is_private() or not channel.parent):
            continue
        view = _view(channel, channel.permissions_for(person))
        if view.reads and not view.age_restricted:
            found.append(channel.id)
    return found


def _view(channel: object, theirs: discord.Permissions) -> View:
    """Return these channel permissions as a View."""
    # Discord shows a voice channel's messages to anybody who may connect to it.
    enters = theirs.connect or not isinstance(channel, VOICE)
    reads = theirs.view_channel and theirs.read_message_history and enters
    restricted = is_age_restricted(channel) is not False  # unknown counts as restricted
    return View(reads, reads and theirs.manage_messages, restricted)


async def _archived(guild: discord.Guild, thread_id: int) -> discord.Thread | None:
    """Return an archived thread, which must be requested from Discord."""
    try:
        async with asyncio.timeout(LOOK_S):
            found = await guild.fetch_channel(thread_id)
    except (discord.HTTPException, discord.InvalidData, aiohttp.ClientError, OSError):
        return None
    return found if isinstance(found, discord.Thread) else None

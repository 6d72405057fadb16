"""What whoever clicked may see and do in a server, asked of Discord with every click.

What an interaction calls permissions are those in its channel, whose overwrites are part of them.
What holds in the whole server is read from its roles, and what holds in another channel from the
roles and that channel's overwrites.
"""

import asyncio
from dataclasses import replace

import aiohttp
import discord

from bot.core.admission.channel_access import View
from bot.ui.interaction import Interaction

LOOK_S = 1.0  # the first answer is due 3 s after the click
MOST_QUESTIONS = 10  # to Discord about one click, however many threads there are to look into
CLOSED = {"reads": False, "manages": False}
VOICE = (discord.VoiceChannel, discord.StageChannel)


class DiscordEyes:
    """The eyes of whoever sent an interaction; what they found is not looked up again."""

    def __init__(self, interaction: Interaction) -> None:
        self.age_restricted = is_age_restricted(interaction.channel) is True
        self._interaction = interaction
        self._views: dict[int, View] = {}
        self._questions = MOST_QUESTIONS

    async def view(self, channel_id: int) -> View:
        """Return what they may do in a channel; nothing where that cannot be found out."""
        if channel_id not in self._views:
            self._views[channel_id] = await self._look(channel_id)
        return self._views[channel_id]

    async def _look(self, channel_id: int) -> View:
        context, person = self._interaction, self._interaction.user
        if context.guild_id is None:
            return View()
        if channel_id == context.channel_id:  # where they are, whatever we know of it
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
        """Tell whether a thread is open to somebody who reads its channel.

        Who is in a private one only Discord knows, without the intent for members.
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
    """Return what somebody may do in the whole server, where we are a member of it.

    What a channel's overwrites allow in one place is not among it. What they forbid there is not,
    either, nor what a role has lost that we have not been told of.
    """
    person, guild = interaction.user, interaction.guild
    # Without its roles, as of a server that did not invite us, nothing is known of anybody.
    known = guild is not None and guild.default_role is not None
    if not known or is_guest(interaction) or not isinstance(person, discord.Member):
        return discord.Permissions.none()
    return person.guild_permissions & interaction.permissions


def is_guest(interaction: Interaction) -> bool:
    """Tell whether we are here only because the person installed us for themselves.

    Then only the interaction's token writes here. Direct messages with us are ours, too.
    """
    theirs = interaction.is_user_integration() and not interaction.is_guild_integration()
    return theirs and not interaction.context.dm_channel


def is_age_restricted(channel: object) -> bool | None:
    """Tell whether Discord asks for a person's age before it shows this channel.

    Channels of every kind in a server can be so; a thread or a post is what the channel around it
    is, and None while that one is not known.
    """
    if isinstance(channel, discord.Thread) and channel.parent is None:
        return None
    asks = getattr(channel, "is_nsfw", None)  # direct messages have none
    return asks is not None and bool(asks())


def readable(guild: discord.Guild, person: discord.Member) -> list[int]:
    """Return the channels of a server that somebody can read, but the age-restricted ones.

    A thread that not everybody of its channel can open is none of them.
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
    """Return what these permissions in a channel come to."""
    # Discord shows a voice channel's messages to whoever may connect to it.
    enters = theirs.connect or not isinstance(channel, VOICE)
    reads = theirs.view_channel and theirs.read_message_history and enters
    restricted = is_age_restricted(channel) is not False  # where it is not known, the stricter
    return View(reads, reads and theirs.manage_messages, restricted)


async def _archived(guild: discord.Guild, thread_id: int) -> discord.Thread | None:
    """Return a thread that nobody wrote in for a while: Discord tells of it when it is asked."""
    try:
        async with asyncio.timeout(LOOK_S):
            found = await guild.fetch_channel(thread_id)
    except (discord.HTTPException, discord.InvalidData, aiohttp.ClientError, OSError):
        return None
    return found if isinstance(found, discord.Thread) else None

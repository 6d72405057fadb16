"""The world as it is: the servers, their channels and people, and who may do what where."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from playground.world import permissions
from playground.world.permissions import Permission
from playground.world.places import Channel, Kind, Overwrite
from playground.world.servers import Server
from playground.world.users import Member, Role, User

Json = dict[str, Any]


@dataclass(slots=True)
class World:
    """Everything that is there apart from messages: servers, channels and people.

    The page shows the first server, `home`. Others are there for a bot of several shards, with the
    same people in them.
    """

    home: Server
    bot: User
    application_id: int
    users: dict[int, User] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    others: dict[int, Server] = field(default_factory=dict)
    deaf_to_direct_messages: set[int] = field(default_factory=set)
    locales: dict[int, str] = field(default_factory=dict)

    @property
    def guild_id(self) -> int:
        """The id of the first server."""
        return self.home.id

    @property
    def owner_id(self) -> int:
        """Whose the first server is, and the bot."""
        return self.home.owner_id

    @property
    def roles(self) -> dict[int, Role]:
        """The first server's roles."""
        return self.home.roles

    @property
    def members(self) -> dict[int, Member]:
        """The first server's members."""
        return self.home.members

    @property
    def servers(self) -> list[Server]:
        """Every server, the first one first."""
        return [self.home, *self.others.values()]

    def server(self, server_id: int | None) -> Server | None:
        """Find a server; None where there is none."""
        return self.home if server_id == self.home.id else self.others.get(server_id or 0)

    def joined(self, server_id: int | None) -> Server | None:
        """Find a server that the bot is in; None where there is none."""
        server = self.server(server_id)
        return server if server is not None and self.bot.id in server.members else None

    def server_of(self, channel: Channel | None) -> Server:
        """Give the server that a channel is in; the first one for direct messages, or None."""
        return self.server(None if channel is None else channel.guild_id) or self.home

    @property
    def bot_is_member(self) -> bool:
        """Whether the bot is in the server (it may have been removed)."""
        return self.bot.id in self.members

    @property
    def people(self) -> list[User]:
        """Those who can act in the server: everyone but bots, in order of arrival."""
        return [member.user for member in self.members.values() if not member.user.bot]

    def user(self, who: User | int | str) -> User:
        """Find a user by id or name; LookupError when there is none."""
        if isinstance(who, User):
            return who
        for user in self.users.values():
            if who in (user.id, user.username, str(user.id)):
                return user
        raise LookupError(f"nobody here is called {who!r}")

    def locale_of(self, user: User) -> str:
        """Tell the language of somebody's client."""
        return self.locales.get(user.id, "en-US")

    def channel(self, where: Channel | int | str) -> Channel:
        """Find a channel by id or name, as it is now; LookupError when there is none."""
        if isinstance(where, Channel):
            where = where.id
        for channel in self.channels.values():
            if where in (channel.id, str(channel.id)):
                return channel
            named = isinstance(where, str) and where.removeprefix("#") == channel.name
            if named and channel.guild_id is not None:
                return channel
        raise LookupError(f"there is no channel {where!r}")

    def direct_messages(self, user: User) -> Channel | None:
        """Find the person's direct messages with the bot, if they ever wrote."""
        return next((c for c in self.channels.values() if c.recipient == user), None)

    def permissions(self, user: User, channel: Channel | None = None) -> Permission:
        """Work out what somebody may do in a channel, or in the first server as a whole."""
        if channel is not None and channel.recipient is not None:
            here = user == channel.recipient or user == self.bot
            return permissions.EVERYONE if here else permissions.NONE
        server = self.server_of(channel)
        base = server.permissions(user)
        if channel is None or user.id not in server.members or base == permissions.ALL:
            return base
        member = server.members[user.id]
        # A thread has no overwrites of its own: those of its channel count.
        place = channel if channel.thread is None else self.channels[channel.thread.parent_id]
        by_target = {overwrite.target_id: overwrite for overwrite in place.overwrites}
        mine = [by_target[role_id] for role_id in member.role_ids if role_id in by_target]
        joined = [_join(mine)]
        if own := by_target.get(user.id):
            joined.append((own.allow, own.deny))
        everyone = by_target.get(server.id)
        return permissions.combine(
            base, joined, (everyone.allow, everyone.deny) if everyone else None
        )

    def is_nsfw(self, channel: Channel) -> bool:
        """Tell whether a channel, or the one that a thread hangs in, is age-restricted."""
        place = channel if channel.thread is None else self.channels[channel.thread.parent_id]
        return place.nsfw

    def may_write(self, user: User, channel: Channel) -> bool:
        """Tell whether somebody may post in a channel or thread."""
        return bool(self.permissions(user, channel) & channel.needed_to_write)

    def guild_channels(self, server: Server | None = None) -> list[Channel]:
        """List a server's channels (None: the first one's), without their threads."""
        wanted = (server or self.home).id
        return [c for c in self.channels.values() if c.kind is Kind.TEXT and c.guild_id == wanted]

    def is_shown(self, channel: Channel) -> bool:
        """Tell whether the page shows a channel: one of the first server, or direct messages."""
        return channel.guild_id in (None, self.home.id)

    @property
    def shown_channels(self) -> list[Channel]:
        """The channels that the page shows."""
        return [channel for channel in self.channels.values() if self.is_shown(channel)]

    def threads(self, parent: Channel | None = None) -> list[Channel]:
        """List the threads of one channel, or of all."""
        return [
            channel
            for channel in self.channels.values()
            if channel.thread is not None
            and (parent is None or channel.thread.parent_id == parent.id)
        ]

    def join_bot(self) -> None:
        """Make the bot a member with its own role."""
        role = next(role for role in self.roles.values() if role.bot_id == self.bot.id)
        self.members[self.bot.id] = Member(self.bot, (role.id,), datetime.now(UTC))

    def set_overwrite(self, channel: Channel, overwrite: Overwrite) -> Channel:
        """Replace what a channel says about one role or member."""
        others = tuple(o for o in channel.overwrites if o.target_id != overwrite.target_id)
        changed = replace(channel, overwrites=(*others, overwrite))
        self.channels[channel.id] = changed
        return changed


def _join(overwrites: list[Overwrite]) -> tuple[int, int]:
    """Join the overwrites of several roles: an allow by one beats a deny by another."""
    allow = deny = 0
    for overwrite in overwrites:
        allow |= overwrite.allow
        deny |= overwrite.deny
    return allow, deny

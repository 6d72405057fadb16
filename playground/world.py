"""The server, its channels, roles and people: who is there and what they may do."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from playground import permissions
from playground.clock import Snowflakes
from playground.permissions import Permission

Json = dict[str, Any]

TEXT_CHANNEL = 0
DIRECT_MESSAGES = 1


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot."""

    id: int
    username: str
    display_name: str
    bot: bool = False

    def payload(self) -> Json:
        """Give Discord's user object."""
        return {
            "id": str(self.id),
            "username": self.username,
            "global_name": None if self.bot else self.display_name,
            "discriminator": "0001" if self.bot else "0",
            "avatar": "portrait",
            "avatar_decoration_data": None,
            "banner": None,
            "accent_color": None,
            "bot": self.bot,
            "system": False,
            "flags": 0,
            "public_flags": 0,
            "primary_guild": None,
        }


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions in the server."""

    id: int
    name: str
    permissions: int
    position: int
    color: int = 0
    bot_id: int | None = None

    def payload(self) -> Json:
        """Give Discord's role object."""
        colors = {"primary_color": self.color, "secondary_color": None, "tertiary_color": None}
        body: Json = {
            "id": str(self.id),
            "name": self.name,
            "description": None,
            "color": self.color,
            "colors": colors,
            "hoist": self.color != 0,
            "icon": None,
            "unicode_emoji": None,
            "position": self.position,
            "permissions": str(int(self.permissions)),
            "managed": self.bot_id is not None,
            "mentionable": False,
            "flags": 0,
        }
        if self.bot_id is not None:
            body["tags"] = {"bot_id": str(self.bot_id)}
        return body


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What a channel allows or denies to one role or member, whatever the server says."""

    target_id: int
    is_member: bool
    allow: int = 0
    deny: int = 0

    def payload(self) -> Json:
        """Give Discord's overwrite object."""
        return {
            "id": str(self.target_id),
            "type": int(self.is_member),
            "allow": str(int(self.allow)),
            "deny": str(int(self.deny)),
        }


@dataclass(frozen=True, slots=True)
class Channel:
    """A text channel of the server, or one person's direct messages with the bot."""

    id: int
    name: str
    topic: str = ""
    position: int = 0
    guild_id: int | None = None
    overwrites: tuple[Overwrite, ...] = ()
    recipient: User | None = None

    def payload(self) -> Json:
        """Give Discord's channel object."""
        if self.recipient is not None:
            return {
                "id": str(self.id),
                "type": DIRECT_MESSAGES,
                "last_message_id": None,
                "flags": 0,
                "recipients": [self.recipient.payload()],
            }
        return {
            "id": str(self.id),
            "type": TEXT_CHANNEL,
            "guild_id": str(self.guild_id),
            "name": self.name,
            "topic": self.topic or None,
            "position": self.position,
            "permission_overwrites": [overwrite.payload() for overwrite in self.overwrites],
            "nsfw": False,
            "parent_id": None,
            "last_message_id": None,
            "rate_limit_per_user": 0,
            "flags": 0,
        }


@dataclass(frozen=True, slots=True)
class Member:
    """A user in the server."""

    user: User
    role_ids: tuple[int, ...]
    joined: datetime

    def payload(self) -> Json:
        """Give Discord's member object, with its user."""
        return {
            "user": self.user.payload(),
            "nick": None,
            "avatar": None,
            "banner": None,
            "roles": [str(role_id) for role_id in self.role_ids],
            "joined_at": self.joined.isoformat(),
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "pending": False,
            "communication_disabled_until": None,
        }


@dataclass(slots=True)
class World:
    """Everything that is there apart from messages: one server and those in it."""

    guild_id: int
    guild_name: str
    owner_id: int
    bot: User
    application_id: int
    created: datetime
    users: dict[int, User] = field(default_factory=dict)
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    deaf_to_direct_messages: set[int] = field(default_factory=set)

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
        """Work out what somebody may do in a channel, or in the server as a whole."""
        if channel is not None and channel.recipient is not None:
            here = user == channel.recipient or user == self.bot
            return permissions.EVERYONE if here else permissions.NONE
        member = self.members.get(user.id)
        if member is None:
            return permissions.NONE
        if user.id == self.owner_id:
            return permissions.ALL
        base = int(self.roles[self.guild_id].permissions)
        for role_id in member.role_ids:
            base |= self.roles[role_id].permissions
        if channel is None:
            return permissions.ALL if base & Permission.ADMINISTRATOR else Permission(base)
        by_target = {overwrite.target_id: overwrite for overwrite in channel.overwrites}
        mine = [by_target[role_id] for role_id in member.role_ids if role_id in by_target]
        joined = [_join(mine)]
        if own := by_target.get(user.id):
            joined.append((own.allow, own.deny))
        everyone = by_target.get(self.guild_id)
        return permissions.combine(
            base, joined, (everyone.allow, everyone.deny) if everyone else None
        )

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

    def guild_payload(self, members: list[Member] | None = None) -> Json:
        """Give Discord's guild object; with `members`, all that GUILD_CREATE adds to it."""
        body: Json = {
            "id": str(self.guild_id),
            "name": self.guild_name,
            "icon": "portrait",
            "home_header": None,
            "splash": None,
            "discovery_splash": None,
            "banner": None,
            "description": None,
            "owner_id": str(self.owner_id),
            "region": "deprecated",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "application_id": None,
            "default_message_notifications": 1,
            "emojis": [],
            "explicit_content_filter": 0,
            "features": [],
            "incidents_data": None,
            "max_members": 500_000,
            "max_presences": None,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "mfa_level": 0,
            "nsfw": False,
            "nsfw_level": 0,
            "preferred_locale": "en-US",
            "premium_progress_bar_enabled": False,
            "premium_subscription_count": 0,
            "premium_tier": 0,
            "public_updates_channel_id": None,
            "roles": [role.payload() for role in self.roles.values()],
            "rules_channel_id": None,
            "safety_alerts_channel_id": None,
            "stickers": [],
            "system_channel_flags": 0,
            "system_channel_id": None,
            "vanity_url_code": None,
            "verification_level": 0,
            "widget_channel_id": None,
            "widget_enabled": False,
        }
        if members is None:
            return body
        own = [c for c in self.channels.values() if c.guild_id == self.guild_id]
        return body | {
            "joined_at": self.created.isoformat(),
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member.payload() for member in members],
            "channels": [channel.payload() for channel in own],
            "threads": [],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }


def _join(overwrites: list[Overwrite]) -> tuple[int, int]:
    """Join the overwrites of several roles: an allow by one beats a deny by another."""
    allow = deny = 0
    for overwrite in overwrites:
        allow |= overwrite.allow
        deny |= overwrite.deny
    return allow, deny


def furnish(snowflakes: Snowflakes) -> World:
    """Make the world as it is at the start: a server, a member, a moderator and the bot."""
    now = datetime.now(UTC)
    bot = User(snowflakes.next(), "Darkroom", "Darkroom", bot=True)
    owner = User(snowflakes.next(), "olive", "Olive")
    mia = User(snowflakes.next(), "mia", "Mia")
    morgan = User(snowflakes.next(), "morgan", "Morgan")
    guild_id = snowflakes.next()
    world = World(guild_id, "Darkroom", owner.id, bot, bot.id, now)
    # Discord gives @everyone the server's own id.
    everyone = Role(guild_id, "@everyone", permissions.EVERYONE, 0)
    managed = Role(snowflakes.next(), "Darkroom", permissions.BOT, 2, bot_id=bot.id)
    moderators = Role(snowflakes.next(), "Moderators", permissions.MODERATOR, 1, 0xE0A458)
    world.roles = {role.id: role for role in (everyone, moderators, managed)}
    roles = {bot.id: (managed.id,), morgan.id: (moderators.id,)}
    for user in (mia, morgan, owner, bot):
        world.users[user.id] = user
        world.members[user.id] = Member(user, roles.get(user.id, ()), now)
    for position, (name, topic) in enumerate(
        [
            (
                "darkroom",
                "Pictures come up here. Type /imagine and say what you would like to see.",
            ),
            ("general", "Anything else."),
            ("showcase", "The ones worth a frame."),
        ]
    ):
        channel = Channel(snowflakes.next(), name, topic, position, guild_id)
        world.channels[channel.id] = channel
    return world

"""The world as it is: the server, its channels, roles and people, and who may do what where."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from playground.world import permissions
from playground.world.permissions import Permission
from playground.world.places import Channel, Kind, Overwrite
from playground.world.users import Member, Role, User

Json = dict[str, Any]


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
    locale: str = "en-US"
    locales: dict[int, str] = field(default_factory=dict)

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
        # A thread has no overwrites of its own: those of its channel count.
        place = channel if channel.thread is None else self.channels[channel.thread.parent_id]
        by_target = {overwrite.target_id: overwrite for overwrite in place.overwrites}
        mine = [by_target[role_id] for role_id in member.role_ids if role_id in by_target]
        joined = [_join(mine)]
        if own := by_target.get(user.id):
            joined.append((own.allow, own.deny))
        everyone = by_target.get(self.guild_id)
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

    def guild_channels(self) -> list[Channel]:
        """List the server's channels, without their threads."""
        return [c for c in self.channels.values() if c.kind is Kind.TEXT]

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
            "preferred_locale": self.locale,
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
        return body | {
            "joined_at": self.created.isoformat(),
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member.payload() for member in members],
            "channels": [channel.payload() for channel in self.guild_channels()],
            "threads": [thread.payload() for thread in self.threads()],
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

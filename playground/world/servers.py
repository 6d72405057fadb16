"""One server: its roles, and who is in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from playground.world import permissions
from playground.world.permissions import Permission
from playground.world.places import Channel
from playground.world.users import Member, Role, User

Json = dict[str, Any]


@dataclass(slots=True)
class Server:
    """A server; its channels are the world's, as every channel has an id of its own."""

    id: int
    name: str
    owner_id: int
    created: datetime
    locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)

    def permissions(self, user: User) -> Permission:
        """Work out what somebody may do in the server as a whole."""
        member = self.members.get(user.id)
        if member is None:
            return permissions.NONE
        if user.id == self.owner_id:
            return permissions.ALL
        base = int(self.roles[self.id].permissions)
        for role_id in member.role_ids:
            base |= self.roles[role_id].permissions
        return permissions.ALL if base & Permission.ADMINISTRATOR else Permission(base)

    def partial(self) -> Json:
        """Give what little Discord's list of a bot's servers says of it."""
        return {"id": str(self.id), "name": self.name, "icon": "portrait"}

    def payload(self) -> Json:
        """Give Discord's guild object."""
        return self.partial() | {
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

    def arrival(self, places: Sequence[Channel], *, named: Callable[[User], bool]) -> Json:
        """Give what GUILD_CREATE says of it and of its channels and threads.

        Of its members it names those for whom `named` is true.
        """
        members = [member for member in self.members.values() if named(member.user)]
        return self.payload() | {
            "joined_at": self.created.isoformat(),
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member.payload() for member in members],
            "channels": [place.payload() for place in places if place.thread is None],
            "threads": [place.payload() for place in places if place.thread is not None],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

"""Who is there: people and bots, their roles, their membership."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

Json = dict[str, Any]


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

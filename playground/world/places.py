"""Where messages lie: channels of the server, threads in them, and direct messages."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from playground.world.permissions import Permission
from playground.world.users import User

Json = dict[str, Any]

ARCHIVED_AFTER_MIN = 4320


class Kind(IntEnum):
    """Channel types."""

    TEXT = 0
    DIRECT_MESSAGES = 1
    THREAD = 11


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
class Thread:
    """What a thread has beyond a channel: where it hangs, who began it, and when."""

    parent_id: int
    owner_id: int
    begun: datetime

    def payload(self) -> Json:
        """Give the part of Discord's channel object that threads have."""
        begun = self.begun.isoformat()
        return {
            "owner_id": str(self.owner_id),
            "parent_id": str(self.parent_id),
            "message_count": 0,
            "member_count": 1,
            "total_message_sent": 0,
            "thread_metadata": {
                "archived": False,
                "archive_timestamp": begun,
                "auto_archive_duration": ARCHIVED_AFTER_MIN,
                "locked": False,
                "create_timestamp": begun,
            },
        }


@dataclass(frozen=True, slots=True)
class Channel:
    """A text channel of the server, a thread in one, or one person's messages with the bot."""

    id: int
    name: str
    topic: str = ""
    position: int = 0
    guild_id: int | None = None
    overwrites: tuple[Overwrite, ...] = ()
    recipient: User | None = None
    nsfw: bool = False
    thread: Thread | None = None

    @property
    def kind(self) -> Kind:
        """Its type, as Discord counts them."""
        if self.recipient is not None:
            return Kind.DIRECT_MESSAGES
        return Kind.TEXT if self.thread is None else Kind.THREAD

    @property
    def needed_to_write(self) -> Permission:
        """The permission that posting here takes."""
        threaded = self.kind is Kind.THREAD
        return Permission.SEND_MESSAGES_IN_THREADS if threaded else Permission.SEND_MESSAGES

    def payload(self) -> Json:
        """Give Discord's channel object."""
        body: Json = {
            "id": str(self.id),
            "type": int(self.kind),
            "last_message_id": None,
            "flags": 0,
        }
        if self.recipient is not None:
            return body | {"recipients": [self.recipient.payload()]}
        body |= {"guild_id": str(self.guild_id), "name": self.name, "rate_limit_per_user": 0}
        if self.thread is not None:
            # Whether it is age-restricted, a thread leaves to the channel that it hangs in.
            return body | self.thread.payload()
        return body | {
            "topic": self.topic or None,
            "position": self.position,
            "permission_overwrites": [overwrite.payload() for overwrite in self.overwrites],
            "nsfw": self.nsfw,
            "parent_id": None,
        }

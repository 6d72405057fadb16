"""What somebody sees of the world: all of it, drawn up for the page."""

from typing import Any

from playground.people.mishaps import Mishaps
from playground.state import State
from playground.world.permissions import Permission
from playground.world.places import Channel, Kind
from playground.world.users import User

Json = dict[str, Any]

SHOWN_MESSAGES = 100
LOCALES = ("en-US", "de", "es-ES", "fr", "pt-BR", "pl", "ru", "uk", "ja", "ko", "zh-CN")
"""The languages to choose from, by Discord's names; the page itself stays in English."""


class View:
    """Draws up what the page shows."""

    def __init__(self, state: State, mishaps: Mishaps) -> None:
        self._state = state
        self._mishaps = mishaps

    def of(self, viewer: User) -> Json:
        """Draw up everything that somebody sees."""
        world = self._state.world
        channels = [c for c in world.shown_channels if self._state.may_see(viewer, c)]
        return {
            "kind": "hello",
            "me": str(viewer.id),
            "people": [self._describe(user) for user in world.people],
            "users": {str(u.id): self._describe(u) for u in world.users.values()},
            "roles": {
                str(role.id): {"name": role.name, "color": role.color}
                for role in world.roles.values()
            },
            "guild": {"id": str(world.guild_id), "name": world.home.name},
            "application": str(world.application_id),
            "channels": [self._describe_channel(viewer, c) for c in channels],
            "bot": self._state.bot_status(),
            "commands": self._state.commands_by_channel(viewer),
            "locale": world.locale_of(viewer),
            "locales": list(LOCALES),
            "takes_direct_messages": viewer.id not in world.deaf_to_direct_messages,
            "attachment_size_limit": self._state.attachment_size_limit,
            "messages": {
                str(channel.id): [
                    message.payload()
                    for message in self._state.messages.visible(channel, viewer)[-SHOWN_MESSAGES:]
                ]
                for channel in channels
            },
        }

    def _describe(self, user: User) -> Json:
        world = self._state.world
        member = world.members.get(user.id)
        roles = [world.roles[role_id] for role_id in member.role_ids] if member else []
        coloured = [role.color for role in roles if role.color]
        part = "Owner" if user.id == world.owner_id else None
        part = part or next((r.name.removesuffix("s") for r in roles if not r.bot_id), "Member")
        return {
            "id": str(user.id),
            "username": user.username,
            "name": user.display_name,
            "bot": user.bot,
            "color": coloured[0] if coloured else 0,
            "part": part,
            "roles": [str(role.id) for role in roles],
            "avatar": f"/cdn/avatars/{user.id}/portrait.png",
        }

    def _describe_channel(self, viewer: User, channel: Channel) -> Json:
        world = self._state.world
        mine = world.permissions(viewer, channel)
        direct = channel.kind is Kind.DIRECT_MESSAGES
        return {
            "id": str(channel.id),
            "type": int(channel.kind),
            "name": world.bot.display_name if direct else channel.name,
            "topic": channel.topic,
            "direct": direct,
            "nsfw": not direct and world.is_nsfw(channel),
            "parent": channel.thread and str(channel.thread.parent_id),
            "may_send": world.may_write(viewer, channel),
            "may_manage": bool(mine & Permission.MANAGE_MESSAGES) and not direct,
            "may_thread": channel.kind is Kind.TEXT
            and bool(mine & Permission.CREATE_PUBLIC_THREADS),
            "may_manage_threads": bool(mine & Permission.MANAGE_THREADS) and not direct,
            "mishaps": self._mishaps.offered(channel),
        }

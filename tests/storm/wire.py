"""Interactions as Discord hands them to a bot, also such as no client of its would send."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import simcord
from simcord.backend import serializers
from simcord.backend.models import Interaction, Message
from simcord.interactions import base_payload, resolve_handle, store_interaction_attachment

from tests.storm.cast import Actor, Place
from tests.storm.files import File

COMMAND, COMPONENT, AUTOCOMPLETE, FORM = 2, 3, 4, 5
BUTTON, MENU = 2, 3


@dataclass(frozen=True, slots=True)
class Sent:
    """An interaction that was sent, what Discord knows of it, and where it came from."""

    record: Interaction
    place: Place
    actor: Actor
    data: dict[str, Any]


class Wire:
    """Discord's end of the line."""

    def __init__(self, env: simcord.Env) -> None:
        self._env = env

    async def send(
        self,
        place: Place,
        actor: Actor,
        kind: int,
        data: dict[str, Any],
        *,
        on: Message | None = None,
        around: Mapping[str, Any],
    ) -> Sent:
        """Send an interaction, and return when the bot has done what it does at once.

        ``around`` stands in it beside the data, instead of what Discord usually says.
        """
        backend = self._env.backend
        record, payload = base_payload(
            backend,
            type=kind,
            channel_id=place.channel.id,
            guild_id=None if place.guild is None else place.guild.id,
            user_id=actor.id,
            data=data,
        )
        payload |= around
        if on is not None:
            payload["message"] = dict(serializers.message_payload(backend, on))
            record.source_message_id = on.id
        backend.emit("INTERACTION_CREATE", payload)
        await self._env.settle()
        return Sent(record, place, actor, data)

    def attach(self, place: Place, file: File, resolved: dict[str, Any]) -> str:
        """Upload a file, and return its id in the interaction."""
        backend = self._env.backend
        given = store_interaction_attachment(
            backend, place.channel.id, file.name, file.content, resolved
        )
        about = resolved["attachments"][given]
        for name in ("size", "content_type", "url"):
            if (said := getattr(file, name)) is not None:
                about[name] = said
        if file.lost:
            about["url"] += "?gone"
        return given

    def name(self, place: Place, actor: Actor, handle: Any, resolved: dict[str, Any]) -> str:
        """Name a person, a role or a channel, and return the id in the interaction."""
        resolve_handle(actor, handle, resolved, channel_id=place.channel.id)
        return str(handle.id)

    def target(self, message: Message) -> dict[str, Any]:
        """Return the part of a menu's interaction that says which message it was opened on."""
        shown = dict(serializers.message_payload(self._env.backend, message))
        return {"target_id": str(message.id), "resolved": {"messages": {str(message.id): shown}}}

    def message(self, channel_id: int, message_id: int | None) -> Message | None:
        """Return a message, None where there is none (any more)."""
        return self._env.backend.messages.get(channel_id, {}).get(message_id or 0)

    def visible(self, place: Place, actor: Actor) -> list[Message]:
        """Return the messages that somebody sees in a place."""
        posted = self._env.backend.messages.get(place.channel.id, {})
        return [message for message in posted.values() if message.visible_to(actor.id)]

"""What a playground remembers, as JSON and files: its messages, and what may still be answered."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from playground import Playground
from playground.clock import Clock, Snowflakes
from playground.interactions.interactions import Callback, Interaction, Kind
from playground.messages.files import Attachment
from playground.messages.messages import Message
from playground.messages.origins import Origin
from playground.state import State

Json = dict[str, Any]

FILE_NAME = "playground.json"
# What the JSON says instead of the file host's address, which has another port each time.
HOST = "{cdn}"


def dump(playground: Playground, folder: Path) -> None:
    """Write it into an empty folder."""
    state = playground.state
    messages = state.messages.everything()
    kept: Json = {
        "names": _names(state),
        "messages": [_message_out(message) for message in messages],
        "interactions": [
            _interaction_out(interaction)
            for interaction in state.interactions.all()
            if interaction.kind is not Kind.AUTOCOMPLETE
        ],
    }
    written = json.dumps(kept, ensure_ascii=False, indent=1).replace(playground.cdn_url, HOST)
    (folder / FILE_NAME).write_text(written, "utf-8")
    for message in messages:
        for file in message.attachments:
            (folder / _sha256(file)).write_bytes(file.content)


def load(playground: Playground, folder: Path) -> None:
    """Read it into a playground that was furnished with the same ids (`furnished`)."""
    state = playground.state
    written = (folder / FILE_NAME).read_text("utf-8")
    kept = json.loads(written.replace(HOST, playground.cdn_url))
    assert _names(state) == kept["names"], "the playground is furnished in another order"
    messages: dict[int | None, Message] = {}
    for one in kept["messages"]:
        message = _message_in(one, state, messages, folder)
        messages[message.id] = state.messages._messages[message.id] = message
        state.files._kept |= {file.id: file for file in message.attachments}
    interactions: dict[int | None, Interaction] = {}
    for one in kept["interactions"]:
        interaction = _interaction_in(one, state, messages, interactions)
        interactions[interaction.id] = interaction
        state.interactions._by_token[interaction.token] = interaction


def furnished(folder: Path) -> Callable[[Clock], Snowflakes]:
    """Return what makes the ids of a playground: first those of the people and channels here."""
    names = json.loads((folder / FILE_NAME).read_text("utf-8"))["names"]
    return lambda clock: _Again(clock, iter(sorted(map(int, names))))


class _Again(Snowflakes):
    def __init__(self, clock: Clock, first: Iterator[int]) -> None:
        super().__init__(clock)
        self._first = first

    def next(self) -> int:
        return next(self._first, None) or super().next()


def _names(state: State) -> dict[str, str]:
    """Return everything that there was from the start, by its id."""
    world = state.world
    named = {user.id: user.username for user in world.users.values()}
    named |= {role.id: role.name for role in world.roles.values()}
    named |= {channel.id: channel.name for channel in world.channels.values()}
    return {str(one): named[one] for one in sorted(named)}


def _message_out(message: Message) -> Json:
    return {
        "id": message.id,
        "channel": message.channel.id,
        "author": message.author.id,
        "type": message.type,
        "created": message.created,
        "content": message.content,
        "embeds": message.embeds,
        "components": message.components,
        "attachments": [_attachment_out(file) for file in message.attachments],
        "flags": message.flags,
        "origin": None if message.origin is None else _origin_out(message.origin),
        "original_response_id": message.original_response_id,
        "application_id": message.application_id,
        "reply_to": None if message.reply_to is None else message.reply_to.id,
        "private_to": None if message.private_to is None else message.private_to.id,
    }


def _message_in(
    kept: Json, state: State, messages: dict[int | None, Message], folder: Path
) -> Message:
    users, private_to = state.world.users, kept["private_to"]
    return Message(
        **kept
        | {
            "channel": state.world.channels[kept["channel"]],
            "author": users[kept["author"]],
            "attachments": [_attachment_in(file, folder) for file in kept["attachments"]],
            "origin": kept["origin"] and _origin_in(kept["origin"], state),
            "reply_to": messages.get(kept["reply_to"]),
            "private_to": None if private_to is None else users[private_to],
        }
    )


def _attachment_out(file: Attachment) -> Json:
    return asdict(replace(file, content=b"")) | {"content": _sha256(file)}


def _attachment_in(kept: Json, folder: Path) -> Attachment:
    return Attachment(**kept | {"content": (folder / kept["content"]).read_bytes()})


def _sha256(file: Attachment) -> str:
    return hashlib.sha256(file.content).hexdigest()


def _origin_out(origin: Origin) -> Json:
    triggering = origin.triggering
    return {
        "interaction_id": origin.interaction_id,
        "kind": origin.kind,
        "user": origin.user.id,
        "command": origin.command,
        "guild_id": origin.guild_id,
        "command_type": origin.command_type,
        "interacted_message_id": origin.interacted_message_id,
        "triggering": None if triggering is None else _origin_out(triggering),
    }


def _origin_in(kept: Json, state: State) -> Origin:
    inner = kept["triggering"]
    return Origin(
        **kept
        | {
            "user": state.world.users[kept["user"]],
            "triggering": None if inner is None else _origin_in(inner, state),
        }
    )


def _interaction_out(one: Interaction) -> Json:
    return {
        "id": one.id,
        "token": one.token,
        "kind": one.kind,
        "user": one.user.id,
        "channel": one.channel.id,
        "data": one.data,
        "opened": one.opened,
        "command": one.command,
        "message": None if one.message is None else one.message.id,
        "opened_by": None if one.opened_by is None else one.opened_by.id,
        "acknowledged": one.acknowledged,
        "original": None if one.original is None else one.original.id,
        "follow_ups": [message.id for message in one.follow_ups],
        "modal": one.modal,
    }


def _interaction_in(
    kept: Json,
    state: State,
    messages: dict[int | None, Message],
    interactions: dict[int | None, Interaction],
) -> Interaction:
    return Interaction(
        **kept
        | {
            "kind": Kind(kept["kind"]),
            "user": state.world.users[kept["user"]],
            "channel": state.world.channels[kept["channel"]],
            "message": messages.get(kept["message"]),
            "opened_by": interactions.get(kept["opened_by"]),
            "acknowledged": kept["acknowledged"] and Callback(kept["acknowledged"]),
            "original": messages.get(kept["original"]),
            "follow_ups": [messages[one] for one in kept["follow_ups"] if one in messages],
        },
        changes=state.changes,
        clock=state.clock,
    )

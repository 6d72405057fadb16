"""Whatever goes between a bot and a Discord, held against what the real one would say."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from playground.wire.observing import Exchange
from tests.discord_spec import command_limits, limits, specification

Json = dict[str, Any]

MESSAGE, UPDATE, CHOICES, FORM = 4, 7, 8, 9
MANY = 50  # are enough to begin with
UNSUPPORTED = 501  # what the stand-in cannot do, and says so

_COMMANDS = re.compile(r"/applications/\d+(?:/guilds/\d+)?/commands(/\d+)?")
_CALLBACK = re.compile(r"/interactions/\d+/[^/]+/callback")
_MESSAGES = re.compile(r"/channels/\d+/messages(/\d+)?|/webhooks/\d+/[^/]+(/messages/[^/]+)?")


def judge_request(method: str, path: str, body: Any, uploads: int = 0) -> list[str]:
    """Say why Discord would refuse a request; `uploads` counts the files that come along."""
    wrong = specification.of_request(method, path, body)
    if not wrong:  # limits are read from bodies of the right shape
        wrong = list(_beyond_the_schema(method, path, body, uploads))
    return [f"{method} {path}: {one}" for one in wrong]


def _beyond_the_schema(method: str, path: str, body: Any, uploads: int) -> Iterator[str]:
    if method not in ("POST", "PUT", "PATCH") or body is None:
        return
    if _COMMANDS.fullmatch(path):
        if isinstance(body, list):
            yield from command_limits.of_commands(body)
        elif method == "POST":
            yield from command_limits.of_command(body)
    elif _CALLBACK.fullmatch(path):
        yield from _first_answer(body, uploads)
    elif found := _MESSAGES.fullmatch(path):
        yield from limits.of_message(body, uploads, new=not any(found.groups()))


def _first_answer(body: Json, uploads: int) -> Iterator[str]:
    kind, data = body["type"], body.get("data") or {}
    if kind in (MESSAGE, UPDATE):
        yield from limits.of_message(data, uploads, new=kind == MESSAGE)
    elif kind == CHOICES:
        yield from limits.of_choices(data.get("choices") or [])
    elif kind == FORM:
        yield from limits.of_form(data)


# What is said to a bot has no schema of its own, but consists of what has.
_EVENTS = {
    "MESSAGE_CREATE": "MessageResponse",
    "MESSAGE_UPDATE": "MessageResponse",
    "THREAD_CREATE": "ThreadResponse",
    "THREAD_UPDATE": "ThreadResponse",
    "CHANNEL_CREATE": "GuildChannelResponse",
    "CHANNEL_UPDATE": "GuildChannelResponse",
    "GUILD_MEMBER_UPDATE": "GuildMemberResponse",
}
_LISTS = {
    "members": "GuildMemberResponse",
    "roles": "GuildRoleResponse",
    "channels": "GuildChannelResponse",
    "threads": "ThreadResponse",
}
_RESOLVED = {
    "users": "UserResponse",
    "roles": "GuildRoleResponse",
    "messages": "MessageResponse",
    "attachments": "MessageAttachmentResponse",
}


def judge_event(event: str, data: Json) -> list[str]:
    """Say where an event of the gateway is none that Discord sends."""
    parts: list[tuple[str, str, Any]] = []
    if event in _EVENTS:
        parts.append(("", _EVENTS[event], data))
    elif event == "GUILD_CREATE":
        parts += [(key, name, one) for key, name in _LISTS.items() for one in data[key]]
    elif event == "INTERACTION_CREATE":
        parts += _interaction_parts(data)
    return [
        f"{event} {where}: {wrong}"
        for where, name, value in parts
        for wrong in specification.of_schema(name, value)
    ]


def _interaction_parts(data: Json) -> Iterator[tuple[str, str, Any]]:
    if "user" in data:
        yield "user", "UserResponse", data["user"]
    if "member" in data:
        yield "member", "GuildMemberResponse", data["member"]
    if "message" in data:
        yield "message", "MessageResponse", data["message"]
    channel = {0: "GuildChannelResponse", 1: "PrivateChannelResponse", 11: "ThreadResponse"}
    if (kind := data["channel"]["type"]) in channel:
        yield "channel", channel[kind], data["channel"]
    resolved = (data.get("data") or {}).get("resolved") or {}
    for key, name in _RESOLVED.items():
        for value in (resolved.get(key) or {}).values():
            yield f"resolved.{key}", name, value


class Judge:
    """Listens to a playground, and keeps what Discord would not have said or taken.

    `expects_mistakes` is for tests that send them: then a request is held against the playground
    that took it, and not against who sent it. `expects_oddities` is for tests in which the
    playground says what Discord's documents do not have: then nothing that it says is judged.
    """

    def __init__(self, *, expects_mistakes: bool = False, expects_oddities: bool = False) -> None:
        self._expects_oddities = expects_oddities
        self.violations: list[str] = []
        self.requests = 0
        self._expects_mistakes = expects_mistakes

    def exchanged(self, exchange: Exchange) -> None:
        """Judge a request, and its answer where it is the playground's own."""
        method, path, status = exchange.method, exchange.path, exchange.status
        if exchange.body is not None and not (self._expects_mistakes and status >= 400):
            self.requests += 1
            body = exchange.body
            self._note(judge_request(method, path, body.json, len(body.files)))
        if not (exchange.by_fault or self._expects_oddities or status == UNSUPPORTED):
            wrong = specification.of_answer(method, path, status, exchange.answer)
            self._note(f"the answer {status} to {method} {path}: {one}" for one in wrong)

    def told(self, event: str, data: Json) -> None:
        """Judge an event of the gateway."""
        if not self._expects_oddities:
            self._note(judge_event(event, data))

    def speak(self) -> None:
        """Fail the test if Discord would have said or taken anything otherwise."""
        if self.violations:
            pytest.fail("Discord's specification:\n" + "\n".join(self.violations), pytrace=False)

    def _note(self, violations: Iterable[str]) -> None:
        for violation in violations:
            if len(self.violations) < MANY and violation not in self.violations:
                self.violations.append(violation)

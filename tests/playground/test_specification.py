"""What Discord's own specification refuses, the playground refuses."""

import asyncio
import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.checks.refusals import Refusal, Unsupported
from playground.interactions.interactions import Callback, Kind
from playground.messages.files import Upload
from playground.rest import channels, commands, interactions
from playground.rest.router import Call
from playground.state import State
from playground.wire.bodies import Body
from playground.wire.gateway import Intent
from tests.discord_spec import specification
from tests.discord_spec.judge import judge_request

BUTTONS = {
    "type": 1,
    "components": [
        {"type": 2, "style": 1, "label": "Go", "custom_id": "go", "emoji": {"name": "🎨"}},
        {"type": 2, "style": 5, "label": "Read", "url": "https://example.com/", "disabled": True},
    ],
}
OPTIONS = [{"label": str(i), "value": str(i), "description": "x"} for i in range(3)]
MENU = {
    "type": 3,
    "custom_id": "menu",
    "placeholder": "Pick",
    "min_values": 1,
    "max_values": 2,
    "options": [*OPTIONS, {"label": "last", "value": "last", "default": True}],
}
PEOPLE = {"type": 5, "custom_id": "p", "default_values": [{"type": "user", "id": "7"}]}
PLACES = {"type": 8, "custom_id": "c", "channel_types": [0, 16], "max_values": 25}
EMBED = {
    "title": "Title",
    "description": "Words",
    "url": "https://example.com/a",
    "color": 0x5865F2,
    "timestamp": "2026-11-26T12:00:00+00:00",
    "author": {"name": "A", "icon_url": "https://example.com/i.png"},
    "footer": {"text": "F"},
    "image": {"url": "attachment://a.png"},
    "fields": [{"name": "N", "value": "V", "inline": True}],
}
MESSAGE = {
    "content": "Hello",
    "embeds": [EMBED, {"description": "More"}],
    "components": [
        BUTTONS,
        *({"type": 1, "components": [one]} for one in (MENU, PEOPLE, PLACES)),
    ],
    "attachments": [{"id": "0", "filename": "a.png", "description": "A picture"}],
    "allowed_mentions": {"parse": ["users"], "roles": ["1"], "replied_user": False},
    "flags": 4,
    "nonce": "once",
    "enforce_nonce": True,
    "tts": False,
}
FIELD = {
    "type": 4,
    "custom_id": "words",
    "style": 2,
    "min_length": 1,
    "max_length": 100,
    "placeholder": "Type",
    "value": "typed",
    "required": True,
}
FORM = {
    "custom_id": "form",
    "title": "Form",
    "components": [
        {"type": 18, "label": "Words", "description": "What", "component": FIELD},
        {"type": 1, "components": [FIELD | {"custom_id": "old", "label": "Older"}]},
        {"type": 18, "label": "Menu", "component": MENU},
        {"type": 10, "content": "Some text"},
    ],
}
SAID = {
    "description": "Says what it does",
    "description_localizations": {"de": "Sagt, was es tut"},
    "name_localizations": {"de": "name"},
}
VALUES = [
    {
        "type": 4,
        "name": "number",
        **SAID,
        "required": True,
        "min_value": -(2**53) + 1,
        "max_value": 2**53 - 1,
    },
    {"type": 3, "name": "words", **SAID, "min_length": 0, "max_length": 6000},
    {
        "type": 3,
        "name": "one",
        "description": "One of them",
        "choices": [{"name": "a", "value": "a"}, {"name": "b", "value": "b"}],
    },
    {"type": 4, "name": "few", "description": "x", "choices": [{"name": "a", "value": 1}]},
    {"type": 10, "name": "broken", "description": "x", "min_value": 0.5, "max_value": 1.5},
    {"type": 7, "name": "place", "description": "x", "channel_types": [0, 5, 16]},
    {"type": 11, "name": "file", "description": "x"},
]
NAMELESS = [{**one, "name_localizations": None} for one in VALUES]
COMMANDS = [
    {
        "name": "imagine",
        **SAID,
        "options": NAMELESS,
        "default_member_permissions": "0",
        "contexts": [0, 1],
        "integration_types": [0],
        "nsfw": False,
    },
    {
        "name": "mod",
        "description": "Group",
        "type": 1,
        "options": [
            {"type": 1, "name": "do", "description": "x", "options": NAMELESS[:2]},
            {
                "type": 2,
                "name": "group",
                "description": "x",
                "options": [{"type": 1, "name": "in", "description": "x"}],
            },
        ],
    },
    {"name": "Look closer", "type": 3, "name_localizations": {"de": "Näher ansehen"}},
]
CHOICES = {"choices": [{"name": "a", "value": "a", "name_localizations": {"de": "b"}}]}

LENGTHS = (0, 1, 25, 26, 32, 33, 45, 46, 80, 81, 100, 101, 150, 151, 256, 257, 512, 513, 1024, 1025)
LONGER = (2000, 2001, 2048, 2049, 4000, 4001, 4096, 4097, 6000, 6001)
NUMBERS = (-1, 0, 1, 2, 3, 5, 7, 16, 17, 25, 26, 4000, 4001, 6000, 6001, 1 << 24, 1 << 31, 1 << 64)
SAFE = (2**53 - 1, 2**53, -(2**53) + 1, -(2**53))
COUNTS = (0, 1, 2, 5, 6, 10, 11, 25, 26)
ANYTHING = (None, True, 1, 1.5, "", " ", "x", [], [None], {}, {"type": 1})


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(one, (*path, key))


def _changed(value: Any, at: random.Random) -> Any:
    """Something else in its place: often what is just within or beyond a bound."""
    if at.random() < 0.2:
        return copy.deepcopy(at.choice(ANYTHING))
    if isinstance(value, str):
        return "x" * at.choice(LENGTHS + LONGER)
    if isinstance(value, int) and not isinstance(value, bool):
        return at.choice(NUMBERS + SAFE)
    if isinstance(value, list) and value:
        return [copy.deepcopy(at.choice(value)) for _ in range(at.choice(COUNTS))]
    return copy.deepcopy(at.choice(ANYTHING))


def _mutated(body: Any, at: random.Random) -> Any:
    """A body with one or two of its values changed or left out."""
    body = copy.deepcopy(body)
    for _ in range(at.choice((1, 1, 1, 2))):
        *way, last = at.choice(list(_places(body)))
        parent = body
        for key in way:
            parent = parent[key]
        if isinstance(parent, dict) and at.random() < 0.1:
            del parent[last]
        else:
            parent[last] = _changed(parent[last], at)
    return body


async def _asked(kind: str, body: Any, files: dict[int, Upload]) -> tuple[list[str], str]:
    """Ask the playground for it: what Discord says against it, and what the playground does."""
    state = State("token", 1 << 20, Intent(0))
    state.files.base_url = "http://127.0.0.1/cdn"
    world = state.world
    person, place = world.user("mia"), world.channel("darkroom")
    sent = Body(copy.deepcopy(body), files)
    if kind == "commands":
        path = {"application_id": str(world.application_id)}
        return await _answer(
            "PUT",
            f"/applications/{world.application_id}/commands",
            commands.overwrite,
            Call(state, path, {}, sent),
        )
    if kind == "message":
        return await _answer(
            "POST",
            f"/channels/{place.id}/messages",
            channels.post_message,
            Call(state, {"channel_id": str(place.id)}, {}, sent),
        )
    typed = {"options": [{"name": "one", "type": 3, "value": "", "focused": True}]}
    way = Kind.AUTOCOMPLETE if kind == "choices" else Kind.COMMAND
    opened = state.interactions.open(way, person, place, typed, command="x")
    path = {"interaction_id": str(opened.id), "token": opened.token}
    return await _answer(
        "POST",
        f"/interactions/{opened.id}/{opened.token}/callback",
        interactions.callback,
        Call(state, path, {}, sent),
    )


async def _answer(method: str, path: str, handler: Any, call: Call) -> tuple[list[str], str]:
    wrong = judge_request(method, path, call.body.json, len(call.body.files))
    try:
        handler(call)
    except Refusal as refusal:
        misshapen = specification.of_answer(method, path, refusal.status, refusal.payload())
        return wrong, "; ".join(misshapen) if misshapen else str(refusal)
    except Unsupported:
        return wrong, "unsupported"
    return wrong, ""


BODIES: dict[str, tuple[Any, int]] = {
    "commands": (COMMANDS, 0),
    "message": (MESSAGE, 1),
    "answer": ({"type": int(Callback.MESSAGE), "data": MESSAGE}, 1),
    "form": ({"type": int(Callback.MODAL), "data": FORM}, 0),
    "choices": ({"type": int(Callback.CHOICES), "data": CHOICES}, 0),
}


def _held(kind: str, body: Any) -> tuple[list[str], str]:
    files = {index: Upload("a.png", b"x") for index in range(BODIES[kind][1])}
    return asyncio.run(_asked(kind, body, files))


@pytest.mark.parametrize("kind", BODIES)
def test_what_is_changed_is_right_at_first(kind: str):
    assert _held(kind, BODIES[kind][0]) == ([], "")


@pytest.mark.parametrize("kind", BODIES)
@settings(max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_what_discord_refuses_the_playground_refuses(kind: str, seed: int):
    body = _mutated(BODIES[kind][0], random.Random(seed))
    wrong, refused = _held(kind, body)
    assert refused or not wrong
    assert not refused or refused == "unsupported" or refused.startswith("400 ")

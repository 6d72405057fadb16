"""That the judge finds what Discord refuses."""

import pytest

from tests.discord_spec.judge import judge_event, judge_request
from tests.discord_spec.specification import of_schema

MESSAGES, COMMANDS = "/channels/123456789/messages", "/applications/123456789/commands"
CALLBACK = "/interactions/123456789/token/callback"


def option(**more: object) -> dict:
    return {"type": 4, "name": "job", "description": "Which"} | more


def command(**more: object) -> dict:
    return {"name": "cancel", "description": "End a job"} | more


def button(**more: object) -> dict:
    return {"type": 2, "style": 2, "label": "Go", "custom_id": "go"} | more


def row(*children: dict) -> dict:
    return {"type": 1, "components": list(children)}


def menu(*values: str, **more: object) -> dict:
    options = [{"label": value, "value": value} for value in values]
    return {"type": 3, "custom_id": "menu", "options": options} | more


def field(**more: object) -> dict:
    return {"type": 4, "custom_id": "words", "style": 1} | more


def form(*fields: dict) -> dict:
    rows = [{"type": 18, "label": "Words", "component": one} for one in fields]
    return {"type": 9, "data": {"title": "Form", "custom_id": "form", "components": rows}}


@pytest.mark.parametrize(
    "commands",
    [
        [command(options=[option(max_value=2**53)])],
        [command(options=[option(min_value=-(2**53))])],
        [command(options=[option(), option()])],
        [command(options=[option(), option(name="must", required=True)])],
        [command(options=[option(min_value=2, max_value=1)])],
        [command(options=[option(choices=[{"name": "a", "value": 1}] * 2)])],
        [command(description="x" * 101)],
        [command(description_localizations={"de": "x" * 101})],
        [command(description_localizations={"de": ""})],
        [command(name_localizations={"de": "Groß"})],
        [command(name="two words")],
        [command(), command()],
        [command(name=f"c{number}") for number in range(101)],
        [{"type": 3, "name": f"Menu {number}"} for number in range(6)],
        [
            command(
                options=[
                    {
                        "type": 1,
                        "name": f"s{i}",
                        "description": "x",
                        "options": [
                            option(name=f"o{j}", description_localizations={"de": "y" * 100})
                            for j in range(10)
                        ],
                    }
                    for i in range(8)
                ]
            )
        ],
    ],
)
def test_commands(commands: list[dict]):
    assert judge_request("PUT", COMMANDS, commands)


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x" * 2001},
        {"content": " "},
        {"content": 5},
        {"embeds": [{"description": "x" * 3001}] * 2},
        {"embeds": [{"fields": [{"name": "a", "value": " "}]}]},
        {"embeds": [{}]},
        {"components": [row(button())] * 2},
        {"components": [row(button(custom_id=str(i))) for i in range(6)]},
        {"components": [row(*(button(custom_id=str(i)) for i in range(6)))]},
        {"components": [row(button(custom_id=None))]},
        {"components": [row(button(style=5))]},
        {"components": [row(button(style=5, custom_id=None))]},
        {"components": [row(button(label="x" * 81))]},
        {"components": [row(button(label=None))]},
        {"components": [row(menu("a", "a"))]},
        {"components": [row(menu())]},
        {"components": [row(menu("a", max_values=2))]},
        {"components": [row(menu("a"), button())]},
        {"content": "x", "attachments": [{"id": 0}]},
        {"content": "x", "nonce": "x" * 26},
    ],
)
def test_messages(body: dict):
    assert judge_request("POST", MESSAGES, body)


@pytest.mark.parametrize(
    "body",
    [
        form(),
        form(*(field(custom_id=str(i)) for i in range(6))),
        form(field(), field()),
        form(field(max_length=3, value="four")),
        form(field(min_length=4, max_length=3)),
        form(menu("a", disabled=True)),
        form(field()) | {"data": {}},
        {"type": 8, "data": {"choices": [{"name": "a", "value": "x" * 101}]}},
        {"type": 8, "data": {"choices": [{"name": str(i), "value": i} for i in range(26)]}},
        {"type": 4, "data": {"content": ""}},
    ],
)
def test_first_answers(body: dict):
    assert judge_request("POST", CALLBACK, body)


def test_what_discord_takes():
    assert judge_request("PUT", COMMANDS, [command(options=[option(max_value=2**53 - 1)])]) == []
    rows = [row(button()), row(menu("a", "b", max_values=2))]
    assert judge_request("POST", MESSAGES, {"content": "x", "components": rows}) == []
    files = {"attachments": [{"id": 0, "filename": "a.png"}]}
    assert judge_request("POST", MESSAGES, files, 1) == []
    assert judge_request("POST", CALLBACK, form(field(), menu("a"))) == []
    assert judge_request("PATCH", f"{MESSAGES}/123456789", {"content": ""}) == []


def test_what_discord_does_not_have():
    assert judge_request("POST", "/channels/123456789/paint", {})
    assert judge_event("MESSAGE_CREATE", {"id": 5})


def test_media_channels_are_known():
    channel = {"id": "1", "type": 16, "flags": 0, "guild_id": "2", "name": "media", "position": 0}
    assert of_schema("GuildChannelResponse", channel) == []
    assert of_schema("GuildChannelResponse", channel | {"type": 17})

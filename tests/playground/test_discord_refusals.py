"""What Discord refuses, the playground refuses, with Discord's codes."""

import pytest

from playground import NotPossible, Permission, Playground
from tests.playground.helpers import Wire, form


def button(**changes) -> dict:
    return {"type": 2, "style": 2, "label": "x", "custom_id": "x"} | changes


def row(*children) -> dict:
    return {"type": 1, "components": list(children)}


async def test_the_first_answer_comes_within_three_seconds(wire: Wire, playground: Playground):
    late = await playground.slash("mia", "darkroom", "draw", prompt="x")
    playground.clock.advance(3.1)
    status, answer = await wire.answer(late, 4, content="hello")
    assert (status, answer["code"]) == (404, 10062)
    assert late.unanswered
    assert await wire.refused("GET", wire.hook(late, "@original"), token=None) == (404, 10015)
    wrong = wire.answer_path(late).replace(late.token, "nonsense")
    assert await wire.refused("POST", wrong, {"type": 5}, token=None) == (404, 10062)


async def test_there_is_one_first_answer(wire: Wire, playground: Playground):
    interaction = await playground.slash("mia", "darkroom", "draw", prompt="x")
    assert (await wire.answer(interaction, 4, content="hello"))[0] == 204
    status, answer = await wire.answer(interaction, 5)
    assert (status, answer["code"]) == (400, 40060)


async def test_a_token_lives_fifteen_minutes(wire: Wire, playground: Playground):
    interaction = await playground.slash("mia", "darkroom", "draw", prompt="x")
    await wire.answer(interaction, 4, content="hello")
    original = wire.hook(interaction, "@original")
    playground.clock.advance(890)
    assert (await wire.call("PATCH", original, {"content": "still"}, token=None))[0] == 200
    playground.clock.advance(15)
    for method in ("GET", "PATCH", "DELETE"):
        assert await wire.refused(method, original, {}, token=None) == (401, 50027)
    assert await wire.refused("POST", wire.hook(interaction), {}, token=None) == (401, 50027)
    message = await interaction.response()
    path = f"{wire.channel()}/messages/{message.id}"
    assert (await wire.call("PATCH", path, {"content": "by the channel"}))[0] == 200


@pytest.mark.parametrize(
    ("body", "where", "code"),
    [
        ({"content": "x" * 2001}, "content", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"title": "x"}] * 11}, "embeds", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds", "MAX_EMBED_SIZE_EXCEEDED"),
        (
            {"embeds": [{"fields": [{"name": "", "value": "x"}]}]},
            "embeds.0.fields.0.name",
            "BASE_TYPE_REQUIRED",
        ),
        ({"components": [row(button())] * 6}, "components", "BASE_TYPE_BAD_LENGTH"),
        (
            {"components": [row(*(button(custom_id=str(i)) for i in range(6)))]},
            "components.0.components",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            {"components": [row(button(custom_id="x" * 101))]},
            "components.0.components.0.custom_id",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            {"components": [row(button(), button())]},
            "components.0.components.1.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            {"components": [row(button(label=None))]},
            "components.0.components.0",
            "BUTTON_COMPONENT_INVALID",
        ),
        ({"attachments": [{"id": i} for i in range(11)]}, "attachments", "BASE_TYPE_MAX_LENGTH"),
        ({"content": "x", "nonce": "x" * 26}, "nonce", "BASE_TYPE_MAX_LENGTH"),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            "allowed_mentions",
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
    ],
)
async def test_bad_bodies_say_where(wire: Wire, body: dict, where: str, code: str):
    status, answer = await wire.call("POST", f"{wire.channel()}/messages", body)
    assert (status, answer["code"]) == (400, 50035)
    node = answer["errors"]
    for part in where.split("."):
        node = node[part]
    assert node["_errors"][0]["code"] == code


async def test_an_answer_says_where_within_its_data(wire: Wire, playground: Playground):
    interaction = await playground.slash("mia", "darkroom", "draw", prompt="x")
    status, answer = await wire.answer(interaction, 4, content="x" * 2001)
    assert status == 400
    assert "_errors" in answer["errors"]["data"]["content"]
    status, answer = await wire.answer(interaction, 8, choices=[])
    assert answer["errors"]["type"]["_errors"]
    assert (await wire.answer(interaction, 4, content="now"))[0] == 204


async def test_messages_are_not_empty(wire: Wire):
    messages = f"{wire.channel()}/messages"
    assert await wire.refused("POST", messages, {"content": "  "}) == (400, 50006)
    _, message = await wire.call("POST", messages, {"content": "x"})
    path = f"{messages}/{message['id']}"
    assert await wire.refused("PATCH", path, {"content": None}) == (400, 50006)
    assert (await wire.call("GET", path))[1]["content"] == "x"


@pytest.mark.parametrize(
    ("denied", "more", "expected"),
    [
        (Permission.VIEW_CHANNEL, {}, (403, 50001)),
        (Permission.SEND_MESSAGES, {}, (403, 50013)),
        (Permission.EMBED_LINKS, {"embeds": [{"title": "x"}]}, (403, 50013)),
        (Permission.ATTACH_FILES, "file", (403, 50013)),
    ],
)
async def test_permissions(wire: Wire, playground: Playground, denied, more, expected):
    playground.overwrite("darkroom", playground.world.bot, deny=denied)
    path = f"{wire.channel()}/messages"
    if more == "file":
        assert await wire.refused("POST", path, data=form({}, ("a.txt", b"x"))) == expected
    else:
        assert await wire.refused("POST", path, {"content": "x"} | more) == expected
    assert (await wire.call("POST", f"{wire.channel('general')}/messages", {"content": "x"}))[
        0
    ] == 200
    interaction = await playground.slash("mia", "darkroom", "draw", prompt="x")
    seen = int(playground.state.interactions.payload(interaction)["app_permissions"])
    assert not seen & denied


async def test_unknown_things(wire: Wire):
    assert await wire.refused("GET", "/channels/1") == (404, 10003)
    assert await wire.refused("GET", f"{wire.channel()}/messages/1") == (404, 10008)
    assert await wire.refused("GET", "/guilds/1") == (404, 10004)
    guild = wire.playground.world.guild_id
    assert await wire.refused("GET", f"/guilds/{guild}/members/1") == (404, 10007)
    assert await wire.refused("GET", "/users/1") == (404, 10013)


async def test_files_over_the_limit(http):
    async with Playground(attachment_size_limit=1000) as playground:
        wire = Wire(playground, http)
        messages = f"{wire.channel()}/messages"
        ok = await wire.call("POST", messages, data=form({}, ("a.txt", b"x" * 1000)))
        assert ok[0] == 200
        big = form({}, ("a.txt", b"x" * 1001))
        assert await wire.refused("POST", messages, data=big) == (413, 40005)
        await wire.sync({"name": "draw", "description": "x"})
        interaction = await playground.slash("mia", "darkroom", "draw")
        payload = playground.state.interactions.payload(interaction)
        assert payload["attachment_size_limit"] == 1000


async def test_requests_over_the_limit(wire: Wire):
    files = [(f"{i}.bin", bytes(9 << 20)) for i in range(3)]
    path = f"{wire.channel()}/messages"
    assert await wire.refused("POST", path, data=form({}, *files)) == (413, 40005)


async def test_wrong_tokens(wire: Wire):
    assert await wire.refused("GET", "/users/@me", token="wrong") == (401, 0)
    assert await wire.refused("GET", "/users/@me", token=None) == (401, 0)


async def test_an_unknown_route_is_loud(wire: Wire, playground: Playground, caplog):
    status, _ = await wire.call("PUT", "/channels/1/pins/2")
    assert status == 501
    assert playground.unknown_routes == ["PUT /channels/1/pins/2"]
    assert "PUT /channels/1/pins/2" in caplog.text
    status, _ = await wire.call("POST", f"{wire.channel()}/messages", {"poll": {"question": {}}})
    assert status == 501
    assert "poll" in playground.unknown_routes[-1]


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ({"name": "Draw", "description": "x"}, "name"),
        ({"name": "two words", "description": "x"}, "name"),
        ({"name": "draw", "description": ""}, "description"),
        ({"name": "draw", "description": "x" * 101}, "description"),
        ({"name": "draw", "description": "x", "options": [{}] * 26}, "options"),
        (
            {
                "name": "draw",
                "description": "x",
                "options": [
                    {"type": 3, "name": "a", "description": "x"},
                    {"type": 3, "name": "b", "description": "x", "required": True},
                ],
            },
            "options.1.required",
        ),
        (
            {
                "name": "draw",
                "description": "x",
                "options": [
                    {
                        "type": 3,
                        "name": "a",
                        "description": "x",
                        "choices": [{"name": str(i), "value": str(i)} for i in range(26)],
                    }
                ],
            },
            "options.0.choices",
        ),
    ],
)
async def test_bad_commands(wire: Wire, command: dict, where: str):
    status, answer = await wire.sync(command)
    assert (status, answer["code"]) == (400, 50035)
    node = answer["errors"]["0"]
    for part in where.split("."):
        node = node[part]
    assert node["_errors"]


async def test_two_hundred_new_commands_a_day(wire: Wire, playground: Playground):
    for day in range(2):
        for number in range(199 if day == 0 else 200):
            made = await wire.sync({"name": f"c{day}-{number}", "description": "x"})
            assert made[0] == 200
        status, answer = await wire.sync({"name": "more", "description": "x"})
        assert (status, answer["code"]) == (400, 30034)
        playground.clock.advance(86_400)


async def test_closed_direct_messages(wire: Wire, playground: Playground):
    mia = playground.world.user("mia")
    _, channel = await wire.call("POST", "/users/@me/channels", {"recipient_id": str(mia.id)})
    path = f"/channels/{channel['id']}/messages"
    assert (await wire.call("POST", path, {"content": "psst"}))[0] == 200
    assert [m.content for m in playground.messages(channel["id"], "mia")] == ["psst"]
    playground.world.deaf_to_direct_messages.add(mia.id)
    assert await wire.refused("POST", path, {"content": "psst"}) == (403, 50007)


async def test_people_are_refused_too(wire: Wire, playground: Playground):
    await wire.sync(
        {"name": "ban", "description": "x", "default_member_permissions": str(1 << 40)},
        {"name": "own", "description": "x", "default_member_permissions": "0"},
    )
    with pytest.raises(NotPossible):
        await playground.slash("mia", "darkroom", "ban")
    await playground.slash("morgan", "darkroom", "ban")
    with pytest.raises(NotPossible):
        await playground.slash("morgan", "darkroom", "own")
    await playground.slash("olive", "darkroom", "own")
    message = await playground.send("morgan", "general", "hello")
    with pytest.raises(NotPossible):
        await playground.delete_message("mia", message)
    with pytest.raises(NotPossible, match="nothing to use called 'go'"):
        await playground.click("mia", message, "go")

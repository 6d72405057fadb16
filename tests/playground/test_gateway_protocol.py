"""The gateway, frame by frame."""

import pytest

from playground import Intent, Playground
from tests.playground.helpers import Wire


async def test_an_arrival(playground: Playground, dial):
    line = await dial("&compress=zlib-stream")
    await line.say(1, None)
    assert (await line.hear())["op"] == 11
    ready = await line.identify()
    assert ready["user"]["username"] == "Darkroom"
    assert ready["guilds"] == [{"id": str(playground.world.guild_id), "unavailable": True}]
    guild = (await line.event("GUILD_CREATE"))["d"]
    assert [channel["name"] for channel in guild["channels"]] == [
        "darkroom",
        "general",
        "showcase",
        "after-dark",
    ]
    assert {role["name"] for role in guild["roles"]} == {
        "@everyone",
        "Artists",
        "Moderators",
        "Darkroom",
    }
    # Only the bot itself, because it has no members intent.
    assert [member["user"]["username"] for member in guild["members"]] == ["Darkroom"]
    await line.say(3, {"status": "idle"})
    await line.say(8, {"guild_id": guild["id"], "query": "mi", "limit": 1, "nonce": "n"})
    chunk = (await line.event("GUILD_MEMBERS_CHUNK"))["d"]
    assert (chunk["members"][0]["user"]["username"], chunk["nonce"]) == ("mia", "n")


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (2, {"token": "wrong", "intents": 0}, 4004),
        (2, {"token": "playground", "intents": int(Intent.MESSAGE_CONTENT)}, 4014),
        (2, {"token": "playground", "intents": 0, "shard": [2, 2]}, 4010),
        (3, {}, 4003),
        (77, {}, 4002),
    ],
)
async def test_bad_arrivals(dial, op: int, data: dict, code: int):
    line = await dial()
    await line.say(op, data)
    assert await line.closed() == code


async def test_a_dropped_socket_resumes(playground: Playground, wire: Wire, dial):
    line = await dial()
    session = (await line.identify())["session_id"]
    seen = (await line.event("GUILD_CREATE"))["s"]
    playground.gateway.drop()
    await line.closed()
    await playground.wait_for(lambda: not playground.gateway.connected)
    await playground.send("mia", "darkroom", "missed")
    line = await dial()
    await line.say(6, {"token": "playground", "session_id": session, "seq": seen})
    missed = await line.hear()
    assert (missed["t"], missed["s"]) == ("MESSAGE_CREATE", seen + 1)
    # What people write is not for a bot without the message content intent.
    assert missed["d"]["content"] == ""
    assert missed["d"]["member"]["roles"] == []
    assert (await line.hear())["t"] == "RESUMED"


async def test_an_old_session_is_invalid(playground: Playground, dial):
    line = await dial()
    session = (await line.identify())["session_id"]
    playground.gateway.drop()
    await playground.wait_for(lambda: not playground.gateway.connected)
    playground.clock.advance(301)
    for candidate in (session, "nonsense"):
        line = await dial()
        await line.say(6, {"token": "playground", "session_id": candidate, "seq": 2})
        assert await line.hear() == {"op": 9, "d": False, "s": None, "t": None}
        await line.identify()


async def test_the_bot_hears_of_its_own_messages(wire: Wire, dial):
    line = await dial()
    await line.identify()
    path = f"{wire.channel()}/messages"
    _, message = await wire.call("POST", path, {"content": "hello"})
    assert (await line.event("MESSAGE_CREATE"))["d"]["content"] == "hello"
    await wire.call("PATCH", f"{path}/{message['id']}", {"content": "bye"})
    assert (await line.event("MESSAGE_UPDATE"))["d"]["content"] == "bye"
    await wire.call("DELETE", f"{path}/{message['id']}")
    deleted = (await line.event("MESSAGE_DELETE"))["d"]
    assert (deleted["id"], "guild_id" in deleted) == (message["id"], True)


async def test_an_interaction_carries_what_a_bot_needs(playground: Playground, wire: Wire, dial):
    line = await dial()
    await line.identify()
    interaction = await playground.slash("mia", "darkroom", "draw", prompt="x", count=2)
    data = (await line.event("INTERACTION_CREATE"))["d"]
    assert data["token"] == interaction.token
    assert data["data"]["options"][1] == {"name": "count", "type": 4, "value": 2}
    assert data["member"]["user"]["username"] == "mia"
    assert int(data["member"]["permissions"]) & (1 << 31)
    assert (data["context"], data["attachment_size_limit"]) == (0, 10 << 20)
    assert data["authorizing_integration_owners"] == {"0": str(playground.world.guild_id)}

"""Threads, age-restricted channels, and what an interaction says of its place and its person."""

import pytest

from playground import NotPossible, Permission, Playground
from tests.playground.helpers import Wire


async def asked_in(playground: Playground, person: str, channel) -> dict:
    interaction = await playground.slash(person, channel, "draw", prompt="x")
    return playground.state.interactions.payload(interaction)


async def test_a_thread_is_told_and_used_and_deleted(playground: Playground, wire: Wire, dial):
    line = await dial()
    await line.identify()
    message = await playground.send("mia", "darkroom", "look at this")
    thread = await playground.start_thread("mia", message, "Apples")
    created = (await line.event("THREAD_CREATE"))["d"]
    parent = playground.world.channel("darkroom")
    assert (created["id"], created["parent_id"]) == (str(message.id), str(parent.id))
    assert (created["type"], created["newly_created"]) == (11, True)
    changed = (await line.event("MESSAGE_UPDATE"))["d"]
    assert (changed["thread"]["name"], changed["flags"]) == ("Apples", 32)
    starter = (await line.event("MESSAGE_CREATE"))["d"]
    assert (starter["type"], starter["message_reference"]["channel_id"]) == (21, str(parent.id))

    asked = await asked_in(playground, "mia", thread)
    assert (asked["channel"]["type"], asked["channel"]["parent_id"]) == (11, str(parent.id))
    assert asked["channel_id"] == str(thread.id)
    assert int(asked["app_permissions"]) & Permission.SEND_MESSAGES_IN_THREADS
    path = f"/channels/{thread.id}/messages"
    assert (await wire.call("POST", path, {"content": "here"}))[0] == 200

    with pytest.raises(NotPossible, match="already been created"):
        await playground.start_thread("mia", message, "Again")
    with pytest.raises(NotPossible, match="may not delete"):
        playground.delete_thread("mia", thread)
    playground.delete_thread("morgan", thread)
    gone = (await line.event("THREAD_DELETE"))["d"]
    assert gone == {key: created[key] for key in ("id", "guild_id", "parent_id", "type")}
    assert await wire.refused("POST", path, {"content": "x"}) == (404, 10003)
    assert message.thread is None


async def test_a_thread_follows_its_channel(playground: Playground, wire: Wire):
    bot = playground.world.bot
    message = await playground.send("mia", "general", "x")
    thread = await playground.start_thread("mia", message, "x")
    path = f"/channels/{thread.id}/messages"
    # Writing in the channel and writing in its threads are two permissions.
    playground.overwrite("general", bot, deny=Permission.SEND_MESSAGES)
    assert (await wire.call("POST", path, {"content": "x"}))[0] == 200
    playground.overwrite("general", bot, deny=Permission.SEND_MESSAGES_IN_THREADS)
    assert await wire.refused("POST", path, {"content": "x"}) == (403, 50013)
    assert (await wire.call("POST", f"{wire.channel('general')}/messages", {"content": "x"}))[0]
    playground.delete_channel("general")
    assert await wire.refused("GET", f"/channels/{thread.id}") == (404, 10003)


async def test_age_restricted_places(playground: Playground, wire: Wire):
    await wire.sync(
        {
            "name": "draw",
            "description": "x",
            "options": [{"type": 3, "name": "prompt", "description": "x"}],
        },
        {"name": "risky", "description": "x", "nsfw": True},
    )
    assert (await asked_in(playground, "mia", "after-dark"))["channel"]["nsfw"] is True
    assert (await asked_in(playground, "mia", "darkroom"))["channel"]["nsfw"] is False
    message = await playground.send("mia", "after-dark", "x")
    thread = await playground.start_thread("mia", message, "x")
    # Discord leaves it to the channel that the thread hangs in.
    assert "nsfw" not in (await asked_in(playground, "mia", thread))["channel"]
    await playground.slash("mia", thread, "risky")
    with pytest.raises(NotPossible):
        await playground.slash("mia", "darkroom", "risky")


async def test_who_asks_and_where(playground: Playground, wire: Wire):
    world = playground.world
    roles = {role.name: str(role.id) for role in world.roles.values()}
    playground.set_locale("theo", "de")
    asked = await asked_in(playground, "theo", "darkroom")
    assert asked["member"]["roles"] == [roles["Artists"]]
    assert (asked["locale"], asked["guild_locale"]) == ("de", "en-US")
    rights = {}
    for person in ("mia", "morgan", "olive"):
        asked = await asked_in(playground, person, "darkroom")
        mine = int(asked["member"]["permissions"])
        rights[person] = [
            bool(mine & wanted)
            for wanted in (
                Permission.MODERATE_MEMBERS,
                Permission.MANAGE_MESSAGES,
                Permission.MANAGE_GUILD,
            )
        ]
    assert rights == {
        "mia": [False, False, False],
        "morgan": [True, True, False],
        "olive": [True, True, True],
    }
    direct = await asked_in(playground, "mia", playground.open_direct_messages("mia"))
    assert (direct["context"], direct["channel"]["type"]) == (1, 1)
    assert direct["authorizing_integration_owners"] == {"0": "0"}
    assert "member" not in direct
    assert "guild_id" not in direct
    assert direct["user"]["username"] == "mia"

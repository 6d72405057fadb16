"""Several shards, frame by frame, as Discord's documentation of the gateway has them."""

import pytest

from playground import Intent, Playground
from playground.wire.gateway import IDENTIFY_S, Shard
from tests.playground.helpers import INTENTS, Line, Wire


async def arrive(dial, shard: tuple[int, int]) -> tuple[Line, dict]:
    line = await dial()
    await line.say(
        2, {"token": "playground", "intents": INTENTS, "properties": {}, "shard": list(shard)}
    )
    return line, (await line.event("READY"))["d"]


async def test_a_shard_hears_of_its_servers_and_the_first_of_direct_messages(
    playground: Playground, wire: Wire, dial
):
    places = [playground.open_server(f"Server {n}", Shard(n, 2)) for n in range(2)]
    home = Shard(0, 2).hears(playground.world.guild_id)
    lines = []
    for number in range(2):
        line, ready = await arrive(dial, (number, 2))
        assert ready["shard"] == [number, 2]
        told = {guild["id"] for guild in ready["guilds"]}
        mine = {str(places[number].guild_id)}
        assert told - {str(playground.world.guild_id)} == mine
        assert (str(playground.world.guild_id) in told) == (home == (number == 0))
        while told:
            told.remove((await line.event("GUILD_CREATE"))["d"]["id"])
        lines.append(line)
        assert playground.gateway.connected == (number == 1)
    for number in (1, 0):
        asked = await playground.slash("mia", places[number], "draw", prompt="x")
        heard = (await lines[number].event("INTERACTION_CREATE"))["d"]
        assert (heard["id"], heard["guild_id"]) == (str(asked.id), str(places[number].guild_id))
        assert heard["member"]["user"]["username"] == "mia"
    direct = playground.open_direct_messages("mia")
    asked = await playground.slash("mia", direct, "draw", prompt="x")
    assert (await lines[0].event("INTERACTION_CREATE"))["d"]["id"] == str(asked.id)
    # The other one heard nothing of all that.
    await lines[1].say(1, None)
    assert (await lines[1].hear())["op"] == 11


async def test_one_shard_drops_and_resumes_and_the_other_stays(playground: Playground, dial):
    place = playground.open_server("Another", Shard(1, 2))
    stays, _ = await arrive(dial, (0, 2))
    drops, ready = await arrive(dial, (1, 2))
    for _ in ready["guilds"]:  # the first server's shard is its id's to say
        seen = (await drops.event("GUILD_CREATE"))["s"]
    playground.gateway.drop(1)
    await drops.closed()
    await playground.wait_for(lambda: not playground.gateway.connected)
    await playground.send("mia", place, "missed")
    line = await dial()
    await line.say(6, {"token": "playground", "session_id": ready["session_id"], "seq": seen})
    assert (await line.hear())["t"] == "MESSAGE_CREATE"
    assert (await line.hear())["t"] == "RESUMED"
    assert playground.gateway.connected
    await stays.say(1, None)
    while (await stays.hear())["op"] != 11:
        pass


@pytest.mark.parametrize(("max_concurrency", "early"), [(1, True), (2, False)])
async def test_sessions_begin_no_faster_than_discord_allows(
    playground: Playground, dial, max_concurrency: int, early: bool
):
    playground.gateway.identify_s, playground.gateway.max_concurrency = 100.0, max_concurrency
    await arrive(dial, (0, 2))
    line = await dial()
    await line.say(2, {"token": "playground", "intents": INTENTS, "shard": [1, 2]})
    heard = await line.hear()
    assert (heard["op"], heard["d"]) == (9, False) if early else (heard["t"] == "READY")
    assert playground.gateway.too_early == early
    assert IDENTIFY_S == 5.0


async def test_a_shard_takes_no_more_servers_than_2500(playground: Playground, dial):
    for number in range(2_500):
        playground.open_server(f"Server {number}", Shard(0, 1))
    line = await dial()
    await line.say(2, {"token": "playground", "intents": int(Intent.GUILDS)})
    assert await line.closed() == 4011


async def test_what_discord_recommends_is_asked_for(playground: Playground, wire: Wire):
    playground.gateway.shards, playground.gateway.max_concurrency = 3, 16
    _, told = await wire.call("GET", "/gateway/bot")
    assert told["shards"] == 3
    assert told["session_start_limit"] == {
        "total": 1000,
        "remaining": 1000,
        "reset_after": 86_400_000,
        "max_concurrency": 16,
    }

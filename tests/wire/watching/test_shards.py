"""Several shards in one process, each with its part of 2,500 servers."""

import json
from pathlib import Path

import pytest

from bot.texts import say
from playground import Channel, Playground
from playground.messages.messages import Message
from playground.wire.gateway import IDENTIFY_S, Shard
from tests.wire.conftest import PATIENCE_S, Process

SERVERS, SHARDS = 2_500, 2


@pytest.fixture
async def places(playground: Playground) -> list[Channel]:
    """A channel of each shard, among those of many servers."""
    playground.gateway.shards, playground.gateway.identify_s = SHARDS, IDENTIFY_S
    opened = [
        playground.open_server(f"Server {number}", Shard(number % SHARDS, SHARDS))
        for number in range(SERVERS)
    ]
    return opened[-SHARDS:]


async def test_2500_servers_on_two_shards(
    playground: Playground, places: list[Channel], tmp_path: Path
):
    bot = Process(playground, tmp_path)
    await bot.start(LOG__FORMAT="json")
    (ready,) = await bot.said("ready as")
    assert f"in {SERVERS + 1} server(s) on {SHARDS} shard(s)" in ready
    assert (playground.gateway.identifies, playground.gateway.too_early) == (SHARDS, 0)

    def answers(place: Channel) -> list[Message]:
        return [message for message in playground.messages(place) if message.author.bot]

    async def drawn(place: Channel, pictures: int) -> Message:
        def ended() -> bool:
            here = answers(place)
            labels = {button.label for button in here[-1].buttons} if here else set()
            return len(here) == pictures and say("button-reroll") in labels

        await playground.wait_for(ended, PATIENCE_S, f"picture {pictures}")
        return answers(place)[-1]

    for place in places:
        await playground.slash("mia", place, "imagine", prompt="a pear", count=1, steps=2)
    # What is pressed is heard on the same shard.
    for place in reversed(places):
        message = await drawn(place, 1)
        assert len(message.attachments) == 1
        await playground.click("morgan", message, say("button-reroll"))
    for place in places:
        await drawn(place, 2)

    # A shard that drops while it draws resumes, and the other one has not noticed.
    for place in places:
        await playground.slash("mia", place, "imagine", prompt="a fig", count=1, steps=30)
    await playground.wait_for(
        lambda: all(len(answers(place)) == 3 for place in places), PATIENCE_S, "the answers"
    )
    playground.gateway.drop(1)
    await playground.wait_for(lambda: playground.gateway.resumes == 1, PATIENCE_S, "the shard")
    for place in places:
        assert len((await drawn(place, 3)).attachments) == 1
        await playground.slash("mia", place, "queue")
    assert (playground.gateway.identifies, playground.gateway.too_early) == (SHARDS, 0)
    await bot.until("(SELECT count(*) FROM jobs WHERE status = 'done')", lambda done: done == 6)

    # A lost session begins anew, with its servers and no others.
    playground.gateway.invalidate(0)
    await playground.wait_for(lambda: playground.gateway.identifies == 3, PATIENCE_S, "a session")
    await bot.said("shard 0 is ready", times=2)
    await playground.slash("mia", places[0], "imagine", prompt="a plum", count=1, steps=2)
    await drawn(places[0], 4)
    assert playground.gateway.too_early == 0

    assert await bot.end() == 0
    lines = [json.loads(line) for line in bot.log.read_text("utf-8").splitlines()]
    ours = [line for line in lines if not line["logger"].startswith("discord.")]
    assert [line for line in ours if line["level"] in ("ERROR", "CRITICAL")] == []
    for logger in ("bot.client", "discord.gateway"):
        named = {line["shard"] for line in lines if line["logger"] == logger and "shard" in line}
        assert named == set(range(SHARDS)), logger

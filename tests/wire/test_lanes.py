"""The bot's process with two workers, one of which is killed while it draws."""

import json
from collections import Counter

import psutil
import pytest

from playground import Playground
from tests.wire.conftest import PATIENCE_S, Process

PEOPLE = ("mia", "morgan", "olive", "theo", "ana", "ben", "cleo", "dan")
LANES = {"cpu:0", "cpu:1"}


@pytest.fixture
async def bot(playground: Playground, tmp_path):
    """Each of two lanes holds two requests for two pictures."""
    process = Process(playground, tmp_path)
    try:
        await process.start(GENERATION__DEVICES="cpu*2", LOG__FORMAT="json")
        await process.said("the worker draws on", 2)
        yield process
    finally:
        ended = await process.end()
    assert ended == 0, process.log.read_text("utf-8")


def workers(bot: Process) -> list[psutil.Process]:
    return [child for child in bot.children() if "spawn_main" in " ".join(child.cmdline())]


async def test_a_lane_that_is_killed_costs_none_of_eight_people_anything(
    playground: Playground, bot: Process
):
    for name in PEOPLE[4:]:
        playground.join(name)
    for name in PEOPLE:
        await playground.slash(name, "darkroom", "imagine", prompt="a pear", count=2, steps=60)

    def four_draw() -> bool:
        return sum(status == "running" for (status,) in bot.rows("status")) == 4

    await playground.wait_for(four_draw, PATIENCE_S, "two requests on each lane")
    await playground.wait_for(
        lambda: sum("step " in message.content for message in bot.posted()) == 4,
        PATIENCE_S,
        "their steps",
    )
    killed, other = workers(bot)
    killed.kill()
    await bot.until(
        "(SELECT count(*) FROM jobs WHERE status = 'done')", lambda done: done == len(PEOPLE)
    )
    assert bot.rows("status, error") == [("done", None)] * len(PEOPLE)
    await playground.wait_for(
        lambda: all(len(message.attachments) == 2 for message in bot.posted()), PATIENCE_S, "all"
    )
    drawn_for = Counter(
        name
        for message in bot.posted()
        for name in PEOPLE
        if f"<@{playground.world.user(name).id}>" in message.content
    )
    assert drawn_for == dict.fromkeys(PEOPLE, 1)
    assert other.is_running(), "the other lane went on"
    lines = [json.loads(line) for line in bot.log.read_text("utf-8").splitlines()]
    of_lanes = [line for line in lines if line["logger"] == "generation.worker.lane"]
    assert {line["lane"] for line in of_lanes} == LANES
    ended = [line["lane"] for line in of_lanes if "has ended (crashed)" in line["message"]]
    assert len(ended) == 1

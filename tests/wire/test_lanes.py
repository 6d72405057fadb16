"""The bot's process with two workers, one of which is killed while it draws."""

import json
from collections import Counter

import psutil
import pytest

from playground import Playground
from tests.wire.conftest import PATIENCE_S, Process

PEOPLE = ("mia", "morgan", "olive", "theo", "ana", "ben", "cleo", "dan")
LANES = {"cpu:0", "cpu:1"}
UNHEARD = "never acknowledged"


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


async def ask(playground: Playground, bot: Process, name: str) -> None:
    """Ask until it is heard in time, which a busy machine may take more than once for."""
    asked = len(bot.rows("id")) + 1
    await playground.slash(name, "darkroom", "imagine", prompt="a pear", count=2, steps=100)
    await playground.wait_for(
        lambda: len(bot.rows("id")) == asked and bot.rows("status")[-1] != ("recorded",),
        PATIENCE_S,
        "the job",
    )
    if bot.rows("error")[-1] == (UNHEARD,):
        await ask(playground, bot, name)


async def test_a_lane_that_is_killed_costs_none_of_eight_people_anything(
    playground: Playground, bot: Process
):
    for name in PEOPLE[4:]:
        playground.join(name)
    for name in PEOPLE:
        await ask(playground, bot, name)

    def somebody_draws() -> bool:
        return ("running",) in bot.rows("status") and any(
            "step " in message.content for message in bot.posted()
        )

    await playground.wait_for(somebody_draws, PATIENCE_S, "a step")
    killed, other = workers(bot)
    killed.kill()
    await bot.until(
        "(SELECT count(*) FROM jobs WHERE status = 'done')", lambda done: done == len(PEOPLE)
    )
    heard = [row for row in bot.rows("status, error") if row[1] != UNHEARD]
    assert heard == [("done", None)] * len(PEOPLE)
    await playground.wait_for(
        lambda: sum(len(one.attachments) == 2 for one in bot.posted()) == len(PEOPLE),
        PATIENCE_S,
        "everybody's pictures",
    )
    drawn_for = Counter(
        name
        for message in bot.posted()
        if message.attachments
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

"""Every outage at every point of the way, through the real process, against what is declared."""

import importlib.util
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.__main__ import NOT_LET_IN
from bot.texts import say
from playground import Playground
from playground.interactions.interactions import Interaction
from playground.messages.messages import Message
from playground.server import HANDSHAKE
from playground.wire.faults import Outage
from tests.texts import says
from tests.wire.conftest import PATIENCE_S, Process
from tests.wire.faults.matrix import OUTCOMES, Outcome, Point

WRITER = Path(__file__).parents[3] / "docs" / "discord_faults.py"
COMMANDS = r"/applications/\d+/commands$"
CALLBACK = r"/interactions/.*/callback"
BY_TOKEN = r"/webhooks/.*/messages/"
SENT = r"/channels/\d+/messages$"
FIFTEEN_MINUTES = 15 * 60 + 1  # the clock stands still
MANY_JOBS_S = 2 * PATIENCE_S
IMPATIENT = {
    "DISCORD__LONGEST_PAUSE_S": "1",
    "DISCORD__TIMEOUT_S": "3",
    "LIMITS__WAITING_PER_PERSON": "20",
    "LIMITS__RUNNING_PER_PERSON": "4",
}


@pytest.fixture
async def process(playground: Playground, tmp_path: Path) -> AsyncIterator[Process]:
    process = Process(playground, tmp_path)
    yield process
    if await process.end() != 0:
        print(process.log.read_text("utf-8"))
    assert "Traceback" not in process.log.read_text("utf-8")


def test_the_page_says_what_is_declared():
    spec = importlib.util.spec_from_file_location("discord_faults", WRITER)
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert writer.FILE.read_text("utf-8") == writer.text()


def expected(point: Point, outcome: Outcome) -> list[Outage]:
    return [one for one, declared in OUTCOMES[point].items() if declared is outcome]


def strike(playground: Playground, outage: Outage, method: str, path: str, body: str = "") -> None:
    # aiohttp tries once more by itself where the connection of such a request is reset.
    again = outage is Outage.RESET and method in ("GET", "PUT", HANDSHAKE)
    playground.faults.strike(outage, method, path, body=body, times=2 if again else 1)


STARTS = {
    Point.LOGIN: ("GET", "/users/@me$"),
    Point.GATEWAY: (HANDSHAKE, "/gateway"),
    Point.SYNC: ("PUT", COMMANDS),
}


@pytest.mark.parametrize("point", STARTS)
async def test_what_a_start_waits_for(playground: Playground, process: Process, point: Point):
    for outage in expected(point, Outcome.WAITS):
        strike(playground, outage, *STARTS[point])
    await process.start(**IMPATIENT)
    assert playground.faults.waiting == (), "each was met"
    assert playground.gateway.identifies == 1
    assert not process.lines("darkroom: ")


@pytest.mark.parametrize("outage", expected(Point.LOGIN, Outcome.ENDS))
async def test_what_ends_a_start(playground: Playground, process: Process, outage: Outage):
    strike(playground, outage, *STARTS[Point.LOGIN])
    await process.begin()
    assert await process.ended() == NOT_LET_IN
    assert len(process.lines("darkroom: ")) == 1


@pytest.mark.parametrize("outage", expected(Point.SYNC, Outcome.SERVES))
async def test_what_leaves_the_commands_as_they_are(
    playground: Playground, process: Process, outage: Outage
):
    strike(playground, outage, *STARTS[Point.SYNC])
    await process.begin()
    await process.said("the commands are not synced")
    await process.said("ready as")


def prompt(outage: Outage) -> str:
    return f"a red apple {outage.name.lower().replace('_', ' ')}!"


def message_of(messages: list[Message], outage: Outage) -> Message | None:
    """The one message about a job; more than one is one too many."""
    found = [message for message in messages if prompt(outage) in message.content]
    assert len(found) <= 1
    return found[0] if found else None


def outcome_of(process: Process, outage: Outage, seen: Callable[[], list[Message]]) -> Outcome:
    shown = message_of(seen(), outage)
    status, error = next(
        (status, str(error))
        for status, error, words in process.rows("status, error, json_extract(request, '$.prompt')")
        if words == prompt(outage)
    )
    if shown is None:
        told = [
            message
            for message in process.playground.messages("darkroom", "mia")
            if message.ephemeral and says(message.content, "error-answer-refused")
        ]
        assert status == "failed"
        if error.startswith("not posted: "):
            assert len(told) == 1
            return Outcome.TOLD_PRIVATELY
        assert error == "never acknowledged"
        return Outcome.TOLD_BY_DISCORD
    if shown.attachments:
        assert status == "done"
        assert [button.label for button in shown.buttons].count(say("button-reroll")) == 1
        return Outcome.POSTED
    assert status == "failed"
    assert says(shown.content, "error-not-posted")
    assert shown.buttons == []
    return Outcome.TOLD


async def ended(process: Process) -> None:
    await process.until(
        "(SELECT count(*) FROM jobs WHERE status IN ('done', 'failed'))",
        lambda count: count == len(Outage),
        MANY_JOBS_S,
    )


async def ask(
    playground: Playground, outage: Outage, steps: int, *, private: bool = False
) -> Interaction:
    return await playground.slash(
        "mia",
        "darkroom",
        "imagine",
        prompt=prompt(outage),
        count=1,
        steps=steps,
        private=private,
    )


# With as few steps as the point needs: on a busy machine the worker gives way to everybody.
MOMENTS = {
    Point.FIRST_ANSWER: ("POST", CALLBACK, "", 2),
    # More than end before the first of them is shown.
    Point.EDIT: ("PATCH", BY_TOKEN, r".*(step \d|Queued)", 30),
    Point.FINAL_EDIT: ("PATCH", BY_TOKEN, r".*-# Emoji", 2),
}


@pytest.mark.parametrize("point", MOMENTS)
async def test_what_becomes_of_a_job(playground: Playground, process: Process, point: Point):
    await process.start(**IMPATIENT)
    playground.clock.stop()  # three seconds are not long on a busy machine
    method, path, body, steps = MOMENTS[point]
    for outage in Outage:
        strike(playground, outage, method, path, re.escape(prompt(outage)) + body)
        asked = await ask(playground, outage, steps)
        if OUTCOMES[point][outage] is not Outcome.TOLD_BY_DISCORD:
            await asked.answered(within=PATIENCE_S)
    await ended(process)
    assert playground.faults.waiting == (), "each was met"
    outcomes = {one: outcome_of(process, one, process.posted) for one in Outage}
    assert outcomes == OUTCOMES[point]


async def test_what_becomes_of_a_direct_message(playground: Playground, process: Process):
    await process.start(**IMPATIENT)
    playground.clock.stop()
    direct = playground.open_direct_messages(playground.world.user("mia"))
    for outage in Outage:
        strike(playground, outage, "POST", SENT, re.escape(prompt(outage)))
        asked = await ask(playground, outage, 20, private=True)
        await asked.answered(within=PATIENCE_S)
    await process.until(
        "(SELECT count(*) FROM jobs WHERE message_id IS NOT NULL)",
        lambda count: count == len(Outage),
    )
    playground.clock.advance(FIFTEEN_MINUTES)
    await ended(process)
    assert playground.faults.waiting == (), "each was met"
    outcomes = {
        one: outcome_of(process, one, lambda: playground.messages(direct, "mia")) for one in Outage
    }
    assert outcomes == OUTCOMES[Point.DIRECT_MESSAGE]
    assert process.posted() == []

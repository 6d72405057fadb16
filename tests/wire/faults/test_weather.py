"""The real process in bad weather: it waits for what passes, and says what does not in one line."""

import re
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.__main__ import NOT_LET_IN
from playground import Playground
from playground.server import HANDSHAKE
from playground.wire.faults import Fault, Outage
from tests.wire.conftest import PATIENCE_S, Process

OPERATING = Path(__file__).parents[3] / "docs" / "operating.md"
COMMANDS = r"/applications/\d+/commands$"
TOO_MANY_TODAY = 30034
IMPATIENT = {"DISCORD__LONGEST_PAUSE_S": "1", "DISCORD__TIMEOUT_S": "3"}


@pytest.fixture
async def process(playground: Playground, tmp_path: Path) -> AsyncIterator[Process]:
    process = Process(playground, tmp_path)
    yield process
    if await process.end() != 0:
        print(process.log.read_text("utf-8"))
    assert "Traceback" not in process.log.read_text("utf-8")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"DISCORD__API_URL": "http://127.0.0.1:{port}/api/v10"},
        {"DISCORD__API_URL": "http://nowhere.invalid/api/v10"},
    ],
    ids=["refused", "no such host"],
)
async def test_without_a_network_it_waits_and_ends_at_once_when_asked(
    playground: Playground, process: Process, elsewhere: dict[str, str]
):
    there = {name: value.format(port=free_port()) for name, value in elsewhere.items()}
    await process.begin(**there)
    lines = await process.said("Discord cannot be reached", 3)
    pauses = [int(re.findall(r"again in (\d+) s", line)[0]) for line in lines]
    assert pauses == sorted(pauses)
    began = time.monotonic()
    assert await process.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < 10


async def test_every_outage_at_login_passes(playground: Playground, process: Process):
    passing = [one for one in Outage if one is not Outage.UNAUTHORIZED]
    for outage in passing:
        # aiohttp tries once more by itself where the connection of a GET is reset.
        times = 2 if outage is Outage.RESET else 1
        playground.faults.strike(outage, "GET", "/users/@me$", times=times)
    await process.start(**IMPATIENT)
    assert playground.faults.waiting == ()
    lines = process.lines("Discord cannot be reached")
    assert len(lines) == len(passing) - 2, "discord.py waits for limits that Discord itself sets"
    assert all(len(line) < 300 for line in lines)
    assert "403 Forbidden (Attention Required! | Cloudflare)" in "".join(lines)
    assert "429 Too Many Requests (error code: 1015)" in "".join(lines)


async def test_a_ban_is_waited_for_as_long_as_it_says(playground: Playground, process: Process):
    playground.faults.add(
        Fault("GET", re.compile("/users/@me$"), 429, retry_after=6.0, page="error code: 1015")
    )
    await process.start(**IMPATIENT)
    first, second = playground.log.matching("GET", "/users/@me$")
    assert second.at - first.at >= 6.0


async def test_every_outage_of_the_gateway_passes_and_costs_no_identify(
    playground: Playground, process: Process
):
    for outage in Outage:
        times = 2 if outage is Outage.RESET else 1
        playground.faults.strike(outage, HANDSHAKE, "/gateway", times=times)
    await process.start(**IMPATIENT)
    assert playground.faults.waiting == ()
    assert len(process.lines("the gateway cannot be reached")) == len(Outage)
    assert playground.gateway.identifies == 1


async def test_a_refused_token_ends_it_for_good(playground: Playground, process: Process):
    await process.begin(DISCORD__TOKEN="wrong-token")
    assert await process.ended() == NOT_LET_IN
    assert process.lines("darkroom: ") == [
        "darkroom: DISCORD__TOKEN: Discord refused it; copy it anew"
    ]
    assert "wrong-token" not in process.log.read_text("utf-8")


@pytest.mark.parametrize("code", [4004, 4010, 4012, 4013, 4014])
async def test_a_gateway_that_turns_away_for_good_ends_it_for_good(
    playground: Playground, process: Process, code: int
):
    playground.gateway.turning_away.append(code)
    await process.begin()
    assert await process.ended() == NOT_LET_IN
    (line,) = process.lines("darkroom: ")
    assert ("DISCORD__TOKEN" in line) == (code in (4004, 4014))
    assert playground.gateway.identifies == 0


def test_the_readmes_unit_does_not_start_it_again_then():
    (unit,) = re.findall(r"```ini\n(.*?)```", OPERATING.read_text("utf-8"), re.DOTALL)
    assert f"RestartPreventExitStatus={NOT_LET_IN}" in unit.splitlines()


async def test_it_takes_as_many_shards_as_discord_wants(playground: Playground, process: Process):
    playground.gateway.shards = 2
    await process.start()
    await playground.wait_for(lambda: playground.gateway.identifies == 2, PATIENCE_S, "both")
    await process.said("ready as")
    asked = await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=2)
    await asked.answered(within=PATIENCE_S)
    await process.finished(1)


async def test_more_shards_are_taken_in_the_same_process(playground: Playground, process: Process):
    playground.gateway.turning_away.append(4011)
    await process.start(**IMPATIENT)
    pid = process.pid
    await playground.wait_for(lambda: playground.gateway.identifies == 1, PATIENCE_S, "the bot")
    assert len(process.lines("Discord wants more shards (4011)")) == 1
    assert process.pid == pid


async def test_a_session_that_is_lost_over_and_over_is_not_begun_anew_at_once(
    playground: Playground, process: Process
):
    await process.start()
    for count in range(1, 4):
        await playground.wait_for(
            lambda count=count: playground.gateway.identifies == count, PATIENCE_S, "a session"
        )
        await playground.wait_for(lambda: playground.gateway.connected, PATIENCE_S, "the bot")
        if count < 3:
            began = time.monotonic()
            playground.gateway.invalidate()
    assert time.monotonic() - began >= 5.0


async def test_a_gateway_that_is_lost_later_is_a_line_an_attempt(
    playground: Playground, process: Process
):
    await process.start()
    playground.faults.strike(Outage.FORBIDDEN, HANDSHAKE, "/gateway")
    banned = Fault(HANDSHAKE, re.compile("/gateway"), 429, retry_after=6.0, page="error code: 1015")
    playground.faults.add(banned)
    began = time.monotonic()
    playground.gateway.drop()
    await playground.wait_for(lambda: playground.gateway.identifies == 2, PATIENCE_S, "a session")
    assert time.monotonic() - began >= 6.0
    lines = process.lines("Attempting a reconnect")
    assert len(lines) == 2
    assert all("WSServerHandshakeError" in line and len(line) < 400 for line in lines)


async def test_refused_commands_leave_those_that_are_there(
    playground: Playground, process: Process
):
    await process.start()
    await process.end()
    (process.folder / "commands.sha256").unlink()
    playground.faults.fail("PUT", COMMANDS, 400, code=50035)
    await process.begin()
    (line,) = await process.said("the commands are not synced")
    assert "until this is mended" in line
    await playground.wait_for(lambda: playground.gateway.connected, PATIENCE_S, "the bot")
    asked = await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=2)
    await asked.answered(within=PATIENCE_S)


async def test_commands_beyond_a_days_two_hundred_come_later(
    playground: Playground, process: Process
):
    playground.faults.fail("PUT", COMMANDS, 400, code=TOO_MANY_TODAY)
    await process.begin()
    (line,) = await process.said("the commands are not synced")
    assert "trying again in 3600 s" in line
    await playground.wait_for(lambda: playground.gateway.connected, PATIENCE_S, "the bot")


async def test_a_sync_that_meets_bad_weather_is_made_up_for(
    playground: Playground, process: Process
):
    playground.faults.strike(Outage.BROKEN, "GET", COMMANDS)
    playground.faults.strike(Outage.RESET, "PUT", COMMANDS, times=2)
    await process.start()
    assert len(process.lines("the commands are not synced")) == 2


async def test_an_entry_point_command_stays(playground: Playground, process: Process):
    playground.state.commands.add_entry_point()
    await process.start()
    listed = {command["name"]: command for command in playground.state.commands.listed(None)}
    assert listed["launch"]["handler"] == 2
    assert "imagine" in listed


async def test_a_job_asked_for_after_the_storm_is_posted(playground: Playground, process: Process):
    """What was waiting for Discord serves like any other start."""
    playground.faults.strike(Outage.BANNED, "GET", "/users/@me$")
    playground.faults.strike(Outage.SILENT, HANDSHAKE, "/gateway")
    await process.start(**IMPATIENT)
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=2)
    await process.finished(1)

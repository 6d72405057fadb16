"""Health and figures, as an operator's tools ask for them, and the dashboard held against them."""

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.db.database import FILE_NAME
from bot.texts import say
from playground import Fault, Playground
from tests.wire.conftest import PATIENCE_S, Process

DASHBOARD = Path(__file__).parents[3] / "docs/grafana/darkroom.json"
MANUAL = Path(__file__).parents[3] / "docs/monitoring.md"
METRIC = re.compile(r"\b(?:darkroom|process)_\w+\b")


class Watcher:
    """Asks a bot's monitoring server."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self.http, self.address = http, address

    async def get(self, path: str, host: str | None = None) -> tuple[int, str]:
        headers = {} if host is None else {"Host": host}
        async with self.http.get(self.address + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def figures(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return every sample by its name and labels."""
        _, text = await self.get("/metrics")
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def figure(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over whatever labels are not named; 0 without a sample."""
        return sum(
            value
            for (found, its), value in (await self.figures()).items()
            if found == name and its >= labels.items()
        )


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def bot(playground: Playground, tmp_path: Path) -> Process:
    return Process(playground, tmp_path)


@pytest.fixture
async def watched(
    bot: Process, http: aiohttp.ClientSession
) -> AsyncIterator[Callable[..., Awaitable[Watcher]]]:
    """Begin a bot that is watched, and return the watcher once it answers."""

    async def begin(**environment: str) -> Watcher:
        await bot.begin(MONITORING__ADDRESS="127.0.0.1:0", **environment)
        (line,) = await bot.said("health and figures at")
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found is not None
        return Watcher(http, found[0])

    yield begin
    assert await bot.end() == 0


async def ready(watcher: Watcher, *missing: str) -> None:
    """Wait until the bot is ready, or lacks what these patterns say, among other things."""
    deadline = time.monotonic() + 2 * PATIENCE_S
    while True:
        status, text = await watcher.get("/readyz")
        lines = text.splitlines()
        if missing and status == 503:
            if all(any(re.fullmatch(one, line) for line in lines) for one in missing):
                return
        elif not missing and (status, lines) == (200, ["ready"]):
            return
        assert time.monotonic() < deadline, f"{missing or 'ready'}, but {status} {text}"
        await asyncio.sleep(0.05)


async def test_it_is_ready_when_it_can_serve_people_and_says_what_is_missing(
    playground: Playground, watched: Callable[..., Awaitable[Watcher]], bot: Process
):
    handshake = Fault("WS", re.compile("/gateway"), 503)
    playground.faults.add(handshake, times=1000)
    watcher = await watched(DISCORD__LONGEST_PAUSE_S="1")
    assert await watcher.get("/livez") == (200, "alive\n")
    await ready(watcher, "not connected to Discord.*")
    playground.faults.clear()
    await playground.ready(PATIENCE_S)
    await ready(watcher)

    for host, status in [
        ("localhost:9", 200),
        ("[::1]:9", 200),
        ("10.1.2.3", 200),
        ("darkroom", 200),
        ("evil.example", 421),
        ("[", 421),
        ("a:b:c", 421),
        ("127.0.0.1.evil.example:80", 421),
    ]:
        assert (await watcher.get("/metrics", host))[0] == status, host
    async with watcher.http.post(f"{watcher.address}/livez", data=b"x") as answer:
        assert answer.status == 405
    assert (await watcher.get("/"))[0] == 404

    playground.faults.add(handshake, times=1000)
    playground.gateway.drop()
    await ready(watcher, "not connected to Discord: shard 0 of 1")
    assert await watcher.figure("darkroom_shard_connected", shard="0") == 0
    playground.faults.clear()
    await ready(watcher)
    assert await watcher.figure("darkroom_shard_connected", shard="0") == 1

    with closing(sqlite3.connect(bot.folder / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await ready(watcher, "the database cannot be written: .*")
    await ready(watcher)

    (worker,) = [one for one in bot.children() if "spawn_main" in " ".join(one.cmdline())]
    worker.suspend()
    worker.kill()
    await ready(watcher, "nothing is ready to draw: .* is (starting|dead)")
    await ready(watcher)
    assert await watcher.figure("darkroom_lane_restarts_total") == 1
    assert await watcher.get("/livez") == (200, "alive\n")


async def test_what_happens_is_counted_and_the_dashboard_shows_it(
    playground: Playground, watched: Callable[..., Awaitable[Watcher]], bot: Process
):
    watcher = await watched()
    await playground.ready(PATIENCE_S)
    await ready(watcher)
    playground.faults.limit("PATCH", "/messages/", 0.2)
    asked = await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=20)
    message = await bot.finished(1)
    await playground.click("mia", message, say("button-details"))
    await playground.autocomplete("mia", "darkroom", "imagine", "checkpoint", "e")
    refused = await playground.slash("mia", "darkroom", "imagine", prompt="a pear --steps many")
    await refused.answered(within=PATIENCE_S)

    async def counted(least: float, name: str, **labels: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while await watcher.figure(name, **labels) < least:
            assert time.monotonic() < deadline, f"{name} {labels}"
            await asyncio.sleep(0.05)

    await counted(1, "darkroom_jobs_ended_total", kind="imagine", status="done")
    await counted(1, "darkroom_job_seconds_count", kind="imagine")
    await counted(1, "darkroom_job_wait_seconds_count")
    await counted(1, "darkroom_pictures_total", kind="imagine")
    await counted(0.1, "darkroom_job_device_seconds_total", kind="imagine")
    for kind, times in (("command", 2), ("component", 1), ("autocomplete", 1)):
        await counted(times, "darkroom_interactions_total", kind=kind)
        await counted(times, "darkroom_acknowledgement_seconds_count", kind=kind)
    await counted(1, "darkroom_errors_total", where="interaction", code="InvalidRequest")
    await counted(1, "darkroom_discord_rate_limited_total", scope="user")
    await counted(1, "darkroom_discord_buckets_exhausted_total")
    await counted(1, "darkroom_discord_request_seconds_count", method="PATCH", status="429")
    await counted(20, "darkroom_forward_seconds_count")
    await counted(20, "darkroom_loop_lag_seconds_count")
    await counted(1, "darkroom_shard_events_total", shard="0", event="ready")
    figures = await watcher.figures()
    rows, forwards = (
        sum(value for (name, _), value in figures.items() if name == wanted)
        for wanted in ("darkroom_forward_rows_total", "darkroom_forward_seconds_count")
    )
    assert rows == 2 * forwards, "the picture is guided"
    _, text = await watcher.get("/metrics")
    mia = playground.world.user("mia")
    for private in (mia.id, "mia", asked.id, asked.token, asked.channel.id, "pear", bot.folder):
        assert str(private) not in text
    assert len(figures) < 1000

    known = {name: set[str]() for name, _ in figures}
    for name, labels in figures:
        known[name] |= {label for label, _ in labels}
    panels = [one for one in json.loads(DASHBOARD.read_text("utf-8"))["panels"] if "targets" in one]
    shown = set[str]()
    for panel in panels:
        for target in panel["targets"]:
            names = set(METRIC.findall(target["expr"]))
            assert names, panel["title"]
            assert names <= known.keys(), panel["title"]
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            labels |= set(re.findall(r"(\w+)=~?\"", target["expr"]))
            for grouped in re.findall(r"by \(([^)]*)\)", target["expr"]):
                labels |= set(re.split(r",\s*", grouped))
            assert labels <= set.union(*(known[name] for name in names)), panel["title"]
            shown |= names
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}
    ours = {name for name in known if name.startswith("darkroom_")}
    unseen = {re.sub(r"_(bucket|count|sum)$", "", name) for name in ours} - families
    assert unseen == set(), "what is counted is shown"
    text = MANUAL.read_text("utf-8")
    for name in ours:
        assert re.sub(r"_(bucket|count|sum)$", "", name) in text, "what is counted is explained"
    assert set(METRIC.findall(text)) <= {*known, *families}

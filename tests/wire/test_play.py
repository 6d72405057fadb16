"""`darkroom play`, as a newcomer starts it."""

import asyncio
import json
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest
from playwright.async_api import expect

from generation import embedded
from tests.browser import opened
from tests.wire.conftest import PATIENCE_S


async def start(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "play",
        "--port",
        "0",
        env={
            "PATH": "",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "GENERATION__ROWS": "8",  # instead of measuring how many pay
        },
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def address_of(play: asyncio.subprocess.Process) -> str:
    """Wait for the one address that it prints."""
    assert play.stdout is not None
    printed = b""
    while not (found := re.findall(rb"http://\S+", printed)):
        line = await asyncio.wait_for(play.stdout.readline(), PATIENCE_S)
        assert line, "it ended"
        printed += line
    (address,) = found
    return address.decode()


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[str]:
    play = await start(folder)
    try:
        yield await address_of(play)
    finally:
        play.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(play.wait(), 30) == 0


async def test_play_prints_one_address_and_ctrl_c_ends_everything(tmp_path: Path):
    play = await start(tmp_path)
    address = await address_of(play)
    async with aiohttp.ClientSession() as session, session.get(address) as page:
        assert page.status == 200
        assert "Darkroom" in await page.text()
    database = tmp_path / "data" / "playground" / "darkroom.sqlite3"
    while not database.exists():
        assert play.returncode is None
        await asyncio.sleep(0.05)
    processes = psutil.Process(play.pid).children(recursive=True)
    assert len(processes) >= 2
    play.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(play.wait(), 30) == 0
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 10)
    assert alive == []


@pytest.mark.browser
async def test_the_first_minute(tmp_path: Path):
    async with playing(tmp_path) as address, opened(address) as page:
        things = f"It knows {len(embedded.concepts()):,} things"
        await expect(page.locator(".welcome")).to_contain_text(things)
        send = page.get_by_role("button", name="Send", exact=True)
        messages = page.locator(".message", has=page.locator(".tile"))
        await expect(page.locator("#banner")).to_be_hidden()

        await page.locator(".example", has_text="--ar 16:9").get_by_role("button").click()
        await send.click()
        await expect(messages.get_by_role("button", name="Remix")).to_have_count(1)
        tile = messages.locator(".tile img").first
        width, height = [
            await tile.evaluate(f"one => one.decode().then(() => one.natural{side})")
            for side in ("Width", "Height")
        ]
        assert round(width / height, 1) == 1.8

        await page.locator(".example", has_text="remix").get_by_role("button").click()
        await page.get_by_role("dialog").get_by_role("button", name="Submit").click()
        await expect(messages.last).to_contain_text("a cat in a forest")
        await expect(messages.get_by_role("button", name="Remix")).to_have_count(3)
        await expect(page.get_by_role("note")).to_have_count(0)

        await page.locator("#composer").fill("/imagine quantum blorg *qqq* count:1 steps:2")
        await page.keyboard.press("Enter")
        await expect(messages.last.get_by_role("note")).to_contain_text("knows none of these words")
        await messages.last.get_by_role("button", name="Reroll").click()
        await expect(page.get_by_role("note")).to_have_count(2)
        # Each job is told of twice, when it comes and when it is done; never its steps.
        told = await page.locator("#announcer p").all_inner_texts()
        assert [text for text in told if "step" in text] == []
        assert ["Starting" in text for text in told[-2:]] == [True, False]


async def test_a_checkpoint_of_one_s_own_is_used_and_named(tmp_path: Path):
    shutil.copytree(embedded.CHECKPOINT, tmp_path / "sketches")
    (tmp_path / ".env").write_text("GENERATION__CHECKPOINT=sketches\n", "utf-8")
    async with (
        playing(tmp_path) as address,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{address}/live?as=mia") as live,
    ):
        async with session.get(f"{address}/model.json") as response:
            assert await response.json() == {"name": "sketches", "things": 0, "words": []}
        channel = None
        news: dict = {}
        while not (news.get("ready") or news.get("bot", {}).get("ready")):
            news = await live.receive_json(timeout=PATIENCE_S)
            channel = channel or news["channels"][0]["id"]
        options = {"prompt": "quantum", "count": 1, "steps": 2}
        orders = json.dumps({"channel": channel, "command": "imagine", "options": options})
        async with session.post(f"{address}/act/slash?as=mia", data=orders) as response:
            assert response.status == 200
        while "\n-# sketches · " not in news.get("message", {}).get("content", ""):
            news = await live.receive_json(timeout=PATIENCE_S)

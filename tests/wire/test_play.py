"""`darkroom play`, as a newcomer starts it."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import aiohttp
import psutil

from tests.wire.conftest import PATIENCE_S


async def test_play_prints_one_address_and_ctrl_c_ends_everything(tmp_path: Path):
    play = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "play",
        "--port",
        "0",
        env={"PATH": "", "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert play.stdout is not None
    printed = b""
    while not (found := re.findall(rb"http://\S+", printed)):
        printed += await asyncio.wait_for(play.stdout.readline(), PATIENCE_S)
    (address,) = found
    async with aiohttp.ClientSession() as session, session.get(address.decode()) as page:
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

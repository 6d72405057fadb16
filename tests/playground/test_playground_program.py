"""`python -m playground` as a program."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "playground",
        *arguments,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_where_it_is_and_ends_when_told(http, number: signal.Signals):
    process = await start("--port", "0", "--token", "secret")
    assert process.stdout is not None
    address = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    async with http.get(address) as response:
        assert response.status == 200
    for token, status in (("secret", 200), ("playground", 401)):
        headers = {"Authorization": f"Bot {token}"}
        async with http.get(f"{address}/api/v10/users/@me", headers=headers) as response:
            assert response.status == status
    live = await http.ws_connect(f"{address}/live")
    process.send_signal(number)
    assert await asyncio.wait_for(process.wait(), 10) == 0
    await live.close()


async def test_a_taken_port_is_one_clear_line(playground):
    process = await start("--port", playground.address.split(":")[1])
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().strip().endswith("Address already in use")
    assert errors.decode().count("\n") == 1

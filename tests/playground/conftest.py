"""A playground for each test, and the small bot as its own process."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from playground import Playground

SMALL_BOT = Path(__file__).with_name("small_bot.py")


@asynccontextmanager
async def running_bot(playground: Playground) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SMALL_BOT), env=os.environ | playground.environment
    )
    try:
        await playground.ready()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground() as playground:
        yield playground


@pytest.fixture
async def small_bot(playground: Playground) -> AsyncIterator[asyncio.subprocess.Process]:
    async with running_bot(playground) as process:
        yield process
        assert playground.unknown_routes == []


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session

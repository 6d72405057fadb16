"""A playground for each test, with or without the small bot."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from playground import Playground
from tests.discord_spec.judge import Judge
from tests.playground.helpers import DRAW, Line, Wire, running_bot


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    judge = Judge(expects_mistakes=True)
    async with Playground() as playground:
        playground.observers.append(judge)
        yield playground
    judge.speak()


@pytest.fixture
async def small_bot(playground: Playground) -> AsyncIterator[asyncio.subprocess.Process]:
    async with running_bot(playground) as process:
        yield process
        assert playground.unknown_routes == []


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def wire(playground: Playground, http: aiohttp.ClientSession) -> Wire:
    wire = Wire(playground, http)
    await wire.sync(DRAW)
    return wire


@pytest.fixture
async def dial(playground: Playground, http: aiohttp.ClientSession):
    async def connect(compress: str = "") -> Line:
        query = f"?v=10&encoding=json{compress}"
        line = Line(await http.ws_connect(playground.gateway_url + query))
        hello = await line.hear()
        assert (hello["op"], hello["d"]["heartbeat_interval"] > 1000) == (10, True)
        return line

    return connect

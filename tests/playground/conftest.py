"""A playground for each test, with or without the small bot."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from playground import Playground
from tests.playground.helpers import DRAW, Wire, running_bot


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


@pytest.fixture
async def wire(playground: Playground, http: aiohttp.ClientSession) -> Wire:
    wire = Wire(playground, http)
    await wire.sync(DRAW)
    return wire

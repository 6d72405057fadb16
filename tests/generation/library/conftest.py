"""A server with models, asked without pauses."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from generation.library.fetching import download
from tests.generation.library.files import KINDS, safetensors
from tests.generation.library.server import Shop, opened


@pytest.fixture
def shop() -> Shop:
    return Shop(files={"nice.safetensors": safetensors(KINDS["lora"])})


@pytest.fixture
async def server(shop: Shop) -> AsyncIterator[TestServer]:
    server = await opened(shop)
    yield server
    await server.close()


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.fetch, "__kwdefaults__", {"pause_s": 0.0})

"""Behind a proxy: the bot's process reaches Discord, whose name it cannot resolve, only there."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yarl

from playground import Playground
from tests.wire.conftest import PATIENCE_S, Process

DISCORD = "discord.invalid"  # RFC 6761: no resolver knows it


class Proxy:
    """An HTTP proxy (RFC 9112, absolute form) that knows where DISCORD is, and notes requests."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, rest = head.split(b" ", 2)
        rest = re.sub(rb"(?im)^host: .*$", b"Host: 127.0.0.1:%d\r" % self._port, rest)
        if b"upgrade" not in rest.lower():  # what is kept alive would come with its whole address
            rest = rest[:-2] + b"Connection: close\r\n\r\n"
        address = yarl.URL(target.decode())
        assert address.host == DISCORD
        self.asked.append(f"{method.decode()} {address.path}")
        inner, outer = await asyncio.open_connection("127.0.0.1", self._port)
        outer.write(b" ".join([method, address.raw_path_qs.encode(), rest]))
        await asyncio.gather(_copy(reader, outer), _copy(inner, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy(playground: Playground) -> AsyncIterator[tuple[Proxy, str]]:
    port = yarl.URL(playground.url).port
    assert port is not None
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    yield proxy, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize("setting", ["DISCORD__PROXY", "HTTP_PROXY"])
async def test_everything_goes_through_the_proxy(
    playground: Playground, proxy: tuple[Proxy, str], tmp_path: Path, setting: str
):
    noted, address = proxy
    port = yarl.URL(playground.url).port
    playground.state.gateway.url = f"ws://{DISCORD}:{port}/gateway"  # as /gateway/bot tells it
    bot = Process(playground, tmp_path)
    await bot.start(
        DISCORD__API_URL=f"http://{DISCORD}:{port}/api/v10",
        DISCORD__GATEWAY_URL=f"ws://{DISCORD}:{port}/gateway",
        **{setting: address},
    )
    try:
        await playground.slash("mia", "darkroom", "queue")
        await playground.wait_for(
            lambda: any(one.endswith("/callback") for one in noted.asked), PATIENCE_S, "an answer"
        )
        assert any("/gateway" in one for one in noted.asked)
        assert any("/users/@me" in one for one in noted.asked)
    finally:
        assert await bot.end() == 0

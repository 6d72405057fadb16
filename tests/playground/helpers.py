"""The small bot as a process, and a voice on the wire without one."""

import asyncio
import io
import json
import os
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from playground import Intent, Playground

SMALL_BOT = Path(__file__).with_name("small_bot.py")

DRAW = {
    "name": "draw",
    "description": "Draw something",
    "options": [
        {"type": 3, "name": "prompt", "description": "What", "required": True, "max_length": 20},
        {"type": 4, "name": "count", "description": "How many", "min_value": 1, "max_value": 4},
        {"type": 3, "name": "style", "description": "How", "autocomplete": True},
    ],
}


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


class Wire:
    """Speaks to the playground as a bot does, without a bot."""

    def __init__(self, playground: Playground, session: aiohttp.ClientSession) -> None:
        self.playground = playground
        self.session = session
        self.application = playground.world.application_id

    async def call(self, method, path, body=None, *, token="playground", **more):
        headers = {"Authorization": f"Bot {token}"} if token else {}
        if body is not None:
            more["json"] = body
        url = self.playground.api_url + path
        async with self.session.request(method, url, headers=headers, **more) as response:
            answer = None if response.status == 204 else await response.json()
            return response.status, answer

    async def refused(self, method, path, body=None, **more) -> tuple[int, int]:
        status, answer = await self.call(method, path, body, **more)
        return status, answer["code"]

    async def sync(self, *commands):
        path = f"/applications/{self.application}/commands"
        return await self.call("PUT", path, list(commands))

    def answer_path(self, interaction) -> str:
        return f"/interactions/{interaction.id}/{interaction.token}/callback"

    async def answer(self, interaction, kind, **data):
        return await self.call(
            "POST", self.answer_path(interaction), {"type": kind, "data": data}, token=None
        )

    def hook(self, interaction, message="") -> str:
        base = f"/webhooks/{self.application}/{interaction.token}"
        return f"{base}/messages/{message}" if message else base

    def channel(self, name="darkroom") -> str:
        return f"/channels/{self.playground.world.channel(name).id}"


def form(payload: dict, *files: tuple[str, bytes]) -> aiohttp.FormData:
    data = aiohttp.FormData(quote_fields=False)
    data.add_field("payload_json", json.dumps(payload))
    for index, (name, content) in enumerate(files):
        data.add_field(f"files[{index}]", io.BytesIO(content), filename=name)
    return data


INTENTS = int(Intent.GUILDS | Intent.GUILD_MESSAGES)


class Line:
    """A bot's socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.inflate = zlib.decompressobj()

    async def hear(self) -> dict:
        message = await self.socket.receive(timeout=5)
        if message.type is aiohttp.WSMsgType.BINARY:
            assert message.data.endswith(b"\x00\x00\xff\xff")
            return json.loads(self.inflate.decompress(message.data))
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def event(self, name: str) -> dict:
        while True:
            frame = await self.hear()
            if frame["t"] == name:
                return frame

    async def say(self, op: int, data: object = None) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def identify(self, token: str = "playground", intents: int = INTENTS) -> dict:
        await self.say(2, {"token": token, "intents": intents, "properties": {}})
        return (await self.event("READY"))["d"]

    async def closed(self) -> int | None:
        while (await self.socket.receive(timeout=5)).type not in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
        ):
            pass
        return self.socket.close_code

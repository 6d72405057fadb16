"""Asking the bot to stop, at moments that are hard to hit from outside."""

import asyncio
from typing import Any

import discord
import pytest
from yarl import URL

from bot import connecting
from playground import Playground


@pytest.mark.parametrize(
    ("shards", "connection", "dropped"),
    [(1, 1, None), (1, 2, 0), (2, 2, None), (2, 3, 0), (2, 3, 1)],
    ids=["first", "again", "second shard", "first shard again", "second shard again"],
)
async def test_a_stop_in_the_moment_a_shard_connects_is_heard(
    monkeypatch: pytest.MonkeyPatch, shards: int, connection: int, dropped: int | None
):
    monkeypatch.setattr(connecting, "FIRST_IDENTIFY_S", 0.01)
    connect = discord.gateway.DiscordWebSocket.from_client
    connected = 0

    async def connect_and_stop(*args: Any, **options: Any) -> discord.gateway.DiscordWebSocket:
        nonlocal connected
        socket = await connect(*args, **options)
        connected += 1
        if connected == connection:
            serving.cancel()
        return socket

    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "from_client", connect_and_stop)
    async with Playground() as playground:
        playground.gateway.shards = shards
        monkeypatch.setattr(discord.http.Route, "BASE", playground.api_url)
        monkeypatch.setattr(
            discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", URL(playground.gateway_url)
        )
        bot = connecting.PatientBot(
            command_prefix=(),
            intents=discord.Intents.none(),
            timeout_s=30,
            longest_pause_s=1,
        )
        async with bot:
            serving = asyncio.create_task(connecting.serve(bot, playground.token))
            if dropped is not None:
                await playground.wait_for(lambda: playground.gateway.connected, 30, "the bot")
                playground.gateway.drop(dropped)
            await asyncio.wait([serving], timeout=30)
            assert serving.cancelled()
            assert connected == connection

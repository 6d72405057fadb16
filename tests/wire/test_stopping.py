"""Asking the bot to stop, at moments that are hard to hit from outside."""

import asyncio
from typing import Any

import discord
import pytest
from yarl import URL

from bot import connecting
from playground import Playground


async def test_a_stop_in_the_moment_a_shard_connects_is_heard(monkeypatch: pytest.MonkeyPatch):
    connect = discord.gateway.DiscordWebSocket.from_client

    async def connect_and_stop(*args: Any, **options: Any) -> discord.gateway.DiscordWebSocket:
        socket = await connect(*args, **options)
        serving.cancel()
        return socket

    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "from_client", connect_and_stop)
    async with Playground() as playground:
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
            await asyncio.wait([serving], timeout=30)
            assert serving.cancelled()

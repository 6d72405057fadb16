import contextlib

import aiohttp
import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.texts import say
from bot.ui.file_hosts import Elsewhere, Redirected, TooLarge, download, is_discords
from tests.bot.conftest import House, build
from tests.fakes import png


@pytest.mark.parametrize(
    "address",
    [
        "https://cdn.discordapp.com/attachments/1/2/cat.png?ex=6&hm=7",
        "https://CDN.discordapp.com/ephemeral-attachments/1/2/cat.png",
        "https://media.discordapp.net/attachments/1/2/cat.png",
        "https://cdn.simcord.invalid/attachments/1/2/cat.png",  # as in DISCORD__CDN_URL
    ],
)
def test_discords_hosts_and_the_one_in_the_settings(address: str):
    assert is_discords(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://cdn.discordapp.com/attachments/1/2/cat.png",
        "https://cdn.discordapp.com:8443/cat.png",
        "https://cdn.discordapp.com@169.254.169.254/latest/meta-data",
        "https://cdn.discordapp.com.evil.example/cat.png",
        "https://evil.example/https://cdn.discordapp.com/cat.png",
        "http://127.0.0.1/cat.png",
        "http://[::1]/cat.png",
        "file:///etc/passwd",
        "//cdn.discordapp.com/cat.png",
        "https://cdn.discordapp.com:port/",
        "https://[/",
        "",
    ],
)
def test_nothing_else(address: str):
    assert not is_discords(address)


@pytest.mark.parametrize(("command", "options"), [("imagine", {"prompt": "a"}), ("inspect", {})])
async def test_a_file_elsewhere_is_not_fetched(house: House, command, options, monkeypatch):
    monkeypatch.setattr(discord.Asset, "BASE", "https://cdn.discordapp.com")
    fetched = []
    monkeypatch.setattr(house.bot.http, "get_from_cdn", fetched.append)
    result = await house.mia.slash(house.channel, command, image=("cat.png", png(1)), **options)
    assert house.refusal(result) == say("error-file-elsewhere", field="image")
    assert fetched == []
    assert await house.jobs.get(1) is None


async def test_the_bot_follows_no_redirect(tmp_path, database, executor, monkeypatch):
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path == "/moved.png":
            raise web.HTTPFound("/secret.png")
        if request.path == "/api/users/@me":
            return web.Response(body=b"{}", headers={"Content-Type": "application/json"})
        return web.Response(body=b"bytes")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server, build(tmp_path, database, executor) as bot:
        address = str(server.make_url("")).rstrip("/")
        monkeypatch.setattr(discord.http.Route, "BASE", f"{address}/api")
        await bot.http.static_login("token")
        assert await bot.http.get_from_cdn(f"{address}/plain.png") == b"bytes"
        with pytest.raises(Redirected, match="redirects to somewhere else"):
            await bot.http.get_from_cdn(f"{address}/moved.png")
    assert asked == ["/api/users/@me", "/plain.png", "/moved.png"]


async def test_a_download_is_bounded_and_goes_nowhere_else(monkeypatch):
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if request.path == "/moved.png":
            raise web.HTTPFound("/secret.png")
        if request.path == "/gone.png":
            raise web.HTTPNotFound
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(3 if request.path == "/cat.png" else 10_000):
                await response.write(b"bytes" * 1000)
        return response

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        address = str(server.make_url("")).rstrip("/")
        with pytest.raises(Elsewhere):
            await download(f"{address}/cat.png", 20_000, None)
        assert asked == []
        monkeypatch.setattr(discord.Asset, "BASE", address)
        assert await download(f"{address}/cat.png", 20_000, None) == b"bytes" * 3000
        with pytest.raises(Redirected):
            await download(f"{address}/moved.png", 20_000, None)
        with pytest.raises(TooLarge):
            await download(f"{address}/large.png", 20_000, None)
        with pytest.raises(aiohttp.ClientResponseError):
            await download(f"{address}/gone.png", 20_000, None)
    assert asked == ["/cat.png", "/moved.png", "/large.png", "/gone.png"]

"""Where files may be fetched from: only Discord's own hosts.

Attachment addresses arrive over the gateway. If somebody could choose one, they could make this
machine send requests inside its network, so no other address or redirect is followed.
"""

from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import yarl

CHUNK = 2**16
HOSTS = ("https://cdn.discordapp.com", "https://media.discordapp.net")


class Redirected(aiohttp.ClientError):
    """A redirect, which is not followed: Discord's hosts answer directly."""


class Elsewhere(aiohttp.ClientError):
    """An address that is not Discord's."""


class TooLarge(aiohttp.ClientError):
    """A file that is larger than what is taken."""


def is_discords(address: str) -> bool:
    """Whether a file is on Discord's hosts, or the host configured instead.

    The composition has put the latter into discord.py's ``Asset.BASE``.
    """
    try:
        origin = yarl.URL(address).origin()
    except ValueError:
        return False
    return any(origin == yarl.URL(host).origin() for host in (*HOSTS, discord.Asset.BASE))


async def download(address: str, most: int, proxy: str | None, auth: Any = None) -> bytes:  # noqa: ANN401
    """Return the file at an address of Discord's, of at most so many bytes; reads no more.

    Raises Elsewhere for any other address, TooLarge, and aiohttp's errors for what is not there.
    """
    if not is_discords(address):
        raise Elsewhere(address)
    data = bytearray()
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(address, allow_redirects=False, proxy=proxy, proxy_auth=auth) as answer,
    ):
        if answer.status != HTTPStatus.OK:
            raise Redirected(f"{address} is answered with {answer.status}")
        async for chunk in answer.content.iter_chunked(CHUNK):
            data += chunk
            if len(data) > most:
                raise TooLarge(address)
    return bytes(data)


def no_redirects() -> aiohttp.TraceConfig:
    """Return a trace that stops discord.py's HTTP client at a redirect; it would follow ten."""
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse)
    return trace


async def _refuse(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    params: aiohttp.TraceRequestRedirectParams,
) -> None:
    raise Redirected(f"{params.url.host} redirects to somewhere else")

"""Where files may be fetched from: only Discord's own hosts.

Attachment addresses arrive over the gateway. If somebody could choose one, they could make this
machine send requests inside its network, so no other address or redirect is followed.
"""

from types import SimpleNamespace

import aiohttp
import discord
import yarl

HOSTS = ("https://cdn.discordapp.com", "https://media.discordapp.net")


class Redirected(aiohttp.ClientError):
    """A redirect, which is not followed: Discord's hosts answer directly."""


def is_discords(address: str) -> bool:
    """Whether a file is on Discord's hosts, or the host configured instead.

    The composition has put the latter into discord.py's ``Asset.BASE``.
    """
    try:
        origin = yarl.URL(address).origin()
    except ValueError:
        return False
    return any(origin == yarl.URL(host).origin() for host in (*HOSTS, discord.Asset.BASE))


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

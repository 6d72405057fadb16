"""From where we fetch a file: Discord's own hosts and nowhere else.

An attachment's address comes over the gateway. Whoever could choose it could make this machine ask
its neighbours, so neither an address nor a redirect is followed to anywhere else.
"""

from types import SimpleNamespace

import aiohttp
import discord
import yarl

HOSTS = ("https://cdn.discordapp.com", "https://media.discordapp.net")


class Redirected(aiohttp.ClientError):
    """Discord's hosts answer themselves; who sends us elsewhere is not followed."""


def is_discords(address: str) -> bool:
    """Whether a file is at Discord's hosts, or at the one that the settings name instead.

    The composition has put the latter into discord.py's ``Asset.BASE``.
    """
    try:
        origin = yarl.URL(address).origin()
    except ValueError:
        return False
    return any(origin == yarl.URL(host).origin() for host in (*HOSTS, discord.Asset.BASE))


def no_redirects() -> aiohttp.TraceConfig:
    """Return what stops discord.py's HTTP client at a redirect; it would follow ten."""
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse)
    return trace


async def _refuse(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    params: aiohttp.TraceRequestRedirectParams,
) -> None:
    raise Redirected(f"{params.url.host} redirects to somewhere else")

"""How an outage looks on the wire, for REST and for the gateway's handshake."""

import asyncio
import socket
import struct

from aiohttp import web

from playground.wire.faults import Fault

# Nobody waits for so long.
FOREVER_S = 3600.0


async def begin(fault: Fault, request: web.Request) -> None:
    """Take the time that the fault takes, and cut the connection where it does so."""
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.cut and request.transport is not None:
        # Without lingering, closing it is a reset.
        held = request.transport.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    if fault.cut or fault.silent:
        await asyncio.sleep(FOREVER_S)


def page(fault: Fault) -> web.Response:
    """Answer as what stands before Discord does: no JSON, and no word of who passed it on."""
    headers = {"Server": "cloudflare"}
    if fault.retry_after:
        headers["Retry-After"] = f"{fault.retry_after:g}"
    kind = "text/html" if fault.page.startswith("<") else "text/plain"
    return web.Response(
        status=fault.status or 500, text=fault.page, content_type=kind, headers=headers
    )

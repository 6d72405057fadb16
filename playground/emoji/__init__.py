"""Twemoji's pictures of emoji, as Discord shows them; the page needs no font of the machine's."""

import functools
import json
import lzma
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent
PICTURES = FOLDER / "twemoji.json.xz"
FONT = FOLDER / "twemoji.woff2"
"""For text that is being typed, where no picture can stand."""

_FOR_LONG = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}


@functools.cache
def pictures() -> dict[str, str]:
    """Return every SVG by its code points in hexadecimal, such as ``1f468-200d-1f373``."""
    packed: dict[str, str] = json.loads(lzma.decompress(PICTURES.read_bytes()))
    return packed


def install(app: web.Application) -> None:
    """Register the addresses of the pictures, of their list, and of the font."""
    app.router.add_get("/emoji/index.json", _index)
    app.router.add_get("/emoji/twemoji.woff2", _font)
    app.router.add_get(r"/emoji/{code:[0-9a-f\-]+}.svg", _picture)


async def _index(_request: web.Request) -> web.Response:
    return web.json_response(list(pictures()), headers=_FOR_LONG)


async def _font(_request: web.Request) -> web.Response:
    return web.Response(body=FONT.read_bytes(), content_type="font/woff2", headers=_FOR_LONG)


async def _picture(request: web.Request) -> web.Response:
    drawn = pictures().get(request.match_info["code"])
    if drawn is None:
        raise web.HTTPNotFound
    return web.Response(text=drawn, content_type="image/svg+xml", headers=_FOR_LONG)

"""The page: its files, its live news, and what a person does on it."""

import asyncio
import json
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, WSMsgType, web

from playground import emoji
from playground.checks.refusals import NotPossible
from playground.interactions.invocations import InvalidOption
from playground.messages.files import Upload
from playground.page.acts import Acts
from playground.page.model import Model
from playground.page.view import View
from playground.people.mishaps import Mishaps
from playground.people.people import People
from playground.world.users import User

Json = dict[str, Any]

FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class Page:
    """Serves the page at `/`, its news at `/live`, and takes what people do at `/act/…`.

    `model` is what draws, where the page is to tell about it.
    """

    def __init__(self, people: People, model: Model | None = None) -> None:
        self._model = model
        self._state = people.state
        mishaps = Mishaps(people)
        self._view = View(people.state, mishaps)
        self._acts = Acts(people, mishaps)

    def install(self, app: web.Application) -> None:
        """Register the page's addresses."""
        app.router.add_get("/", self._index)
        app.router.add_get(r"/page/{name:[a-z_\-]+\.[a-z]+}", self._file)
        emoji.install(app)
        app.router.add_get("/favicon.ico", self._favicon)
        app.router.add_get("/model.json", self._drawing)
        app.router.add_get("/live", self._live)
        app.router.add_post("/act/{action}", self._act)

    async def _index(self, _request: web.Request) -> web.Response:
        return _served("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return _served(request.match_info["name"])

    async def _favicon(self, _request: web.Request) -> web.Response:
        bot = self._state.world.bot
        raise web.HTTPFound(f"/cdn/avatars/{bot.id}/portrait.png")

    async def _drawing(self, _request: web.Request) -> web.Response:
        """Say what draws; null where nobody told."""
        return web.json_response(self._model and self._model.payload())

    def _viewer(self, request: web.Request) -> User:
        """Find who looks: the person named by `as`, or the first one."""
        name = request.query.get("as")
        try:
            return self._state.world.user(name) if name else self._state.world.people[0]
        except LookupError:
            return self._state.world.people[0]

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        """Send the whole picture first and every change after it."""
        viewer = self._viewer(request)
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        with self._state.feed.subscribe(viewer) as news:
            await socket.send_json(self._view.of(viewer))
            sender = asyncio.create_task(self._forward(viewer, news, socket))
            try:
                while (await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    continue
            finally:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)
        return socket

    async def _forward(
        self, viewer: User, news: asyncio.Queue[Json], socket: web.WebSocketResponse
    ) -> None:
        while True:
            item = await news.get()
            await socket.send_json(self._view.of(viewer) if item["kind"] == "refresh" else item)

    async def _act(self, request: web.Request) -> web.Response:
        """Do what a person did; 400 with a `problem` (and its `option`) when it cannot be."""
        action = self._acts.by_name.get(request.match_info["action"])
        if action is None:
            raise web.HTTPNotFound
        try:
            return web.json_response(await action(self._viewer(request), await _orders(request)))
        except InvalidOption as error:
            answer = {"problem": error.problem, "option": error.option}
        except (NotPossible, LookupError) as error:
            answer = {"problem": str(error.args[0])}
        return web.json_response(answer, status=400)


async def _orders(request: web.Request) -> Json:
    """Read what a person did: JSON, or a form with JSON in `orders` and a file per option."""
    if request.content_type != "multipart/form-data":
        return _object(await request.text())
    orders: Json = {}
    files: dict[str, Upload] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise web.HTTPBadRequest
        if part.name == "orders":
            orders = _object(await part.text())
        else:
            files[part.name or ""] = Upload(part.filename or "file", bytes(await part.read()))
    orders["options"] = orders.get("options", {}) | files
    return orders


def _object(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        raise web.HTTPBadRequest from None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest
    return value


def _served(name: str) -> web.Response:
    path = FOLDER / name
    if path.suffix not in _TYPES or not path.is_file():
        raise web.HTTPNotFound
    return web.Response(
        text=path.read_text(encoding="utf-8"),
        content_type=_TYPES[path.suffix],
        headers={
            "Content-Security-Policy": _POLICY,
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        },
    )

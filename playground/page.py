"""The page: its files, its live news, and what a person does on it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, WSMsgType, web

from playground.files import Upload
from playground.interactions import Kind
from playground.invocations import InvalidOption
from playground.messages import Message
from playground.mishaps import Mishaps
from playground.people import NotPossible, People
from playground.permissions import Permission
from playground.world import Channel, User

Json = dict[str, Any]

FOLDER = Path(__file__).parent / "page"
SHOWN_MESSAGES = 100
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Page:
    """Serves the page at `/`, its news at `/live`, and takes what people do at `/act/…`."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._state = people.state
        self._mishaps = Mishaps(people)
        self._actions: dict[str, Callable[[User, Json], Awaitable[Json]]] = {
            "slash": self._slash,
            "autocomplete": self._autocomplete,
            "click": self._click,
            "select": self._select,
            "submit": self._submit,
            "send": self._send,
            "delete": self._delete,
            "mishap": self._mishap,
        }

    def install(self, app: web.Application) -> None:
        """Register the page's addresses."""
        app.router.add_get("/", self._index)
        app.router.add_get(r"/page/{name:[a-z_\-]+\.[a-z]+}", self._file)
        app.router.add_get("/favicon.ico", self._favicon)
        app.router.add_get("/live", self._live)
        app.router.add_post("/act/{action}", self._act)

    async def _index(self, _request: web.Request) -> web.Response:
        return _served("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return _served(request.match_info["name"])

    async def _favicon(self, _request: web.Request) -> web.Response:
        bot = self._state.world.bot
        raise web.HTTPFound(f"/cdn/avatars/{bot.id}/portrait.png")

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
            await socket.send_json(self._snapshot(viewer))
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
            await socket.send_json(self._snapshot(viewer) if item["kind"] == "refresh" else item)

    def _snapshot(self, viewer: User) -> Json:
        """Draw up everything that somebody sees."""
        world = self._state.world
        channels = [c for c in world.channels.values() if self._state.may_see(viewer, c)]
        return {
            "kind": "hello",
            "me": str(viewer.id),
            "people": [self._describe(user) for user in world.people],
            "users": {str(u.id): self._describe(u) for u in world.users.values()},
            "roles": {str(r.id): {"name": r.name, "color": r.color} for r in world.roles.values()},
            "guild": {"id": str(world.guild_id), "name": world.guild_name},
            "application": str(world.application_id),
            "channels": [self._describe_channel(viewer, c) for c in channels],
            "bot": self._state.bot_status(),
            "commands": self._state.commands_by_channel(viewer),
            "attachment_size_limit": self._state.attachment_size_limit,
            "messages": {
                str(channel.id): [
                    message.payload()
                    for message in self._state.messages.visible(channel, viewer)[-SHOWN_MESSAGES:]
                ]
                for channel in channels
            },
        }

    def _describe(self, user: User) -> Json:
        world = self._state.world
        member = world.members.get(user.id)
        roles = [world.roles[role_id] for role_id in member.role_ids] if member else []
        coloured = [role.color for role in roles if role.color]
        part = "Owner" if user.id == world.owner_id else None
        part = part or next((r.name.removesuffix("s") for r in roles if not r.bot_id), "Member")
        return {
            "id": str(user.id),
            "username": user.username,
            "name": user.display_name,
            "bot": user.bot,
            "color": coloured[0] if coloured else 0,
            "part": part,
            "avatar": f"/cdn/avatars/{user.id}/portrait.png",
        }

    def _describe_channel(self, viewer: User, channel: Channel) -> Json:
        permissions = self._state.world.permissions(viewer, channel)
        direct = channel.recipient is not None
        return {
            "id": str(channel.id),
            "name": self._state.world.bot.display_name if direct else channel.name,
            "topic": channel.topic,
            "direct": direct,
            "may_send": bool(permissions & Permission.SEND_MESSAGES),
            "may_manage": bool(permissions & Permission.MANAGE_MESSAGES) and not direct,
            "mishaps": self._mishaps.offered(channel),
        }

    async def _act(self, request: web.Request) -> web.Response:
        """Do what a person did; 400 with a `problem` (and its `option`) when it cannot be."""
        action = self._actions.get(request.match_info["action"])
        if action is None:
            raise web.HTTPNotFound
        try:
            return web.json_response(await action(self._viewer(request), await _orders(request)))
        except InvalidOption as error:
            answer = {"problem": error.problem, "option": error.option}
        except (NotPossible, LookupError) as error:
            answer = {"problem": str(error.args[0])}
        return web.json_response(answer, status=400)

    async def _slash(self, person: User, orders: Json) -> Json:
        interaction = await self._people.slash(
            person, orders["channel"], orders["command"], **orders["options"]
        )
        return {"id": str(interaction.id)}

    async def _autocomplete(self, person: User, orders: Json) -> Json:
        try:
            choices = await self._people.autocomplete(
                person,
                orders["channel"],
                orders["command"],
                orders["option"],
                orders["typed"],
                **orders["options"],
            )
        except TimeoutError:
            raise NotPossible("Loading options failed.") from None
        return {"choices": choices}

    async def _click(self, person: User, orders: Json) -> Json:
        message = self._message(person, orders)
        interaction = await self._people.click(person, message, orders["custom_id"])
        return {"id": str(interaction.id)}

    async def _select(self, person: User, orders: Json) -> Json:
        message = self._message(person, orders)
        interaction = await self._people.select(
            person, message, orders["custom_id"], orders["values"]
        )
        return {"id": str(interaction.id)}

    async def _submit(self, person: User, orders: Json) -> Json:
        opened = self._state.interactions.find(int(orders["interaction"]))
        if opened is None or opened.user != person or opened.kind is Kind.AUTOCOMPLETE:
            raise NotPossible("This form is gone.")
        return {"id": str((await self._people.submit(opened, orders["values"])).id)}

    async def _send(self, person: User, orders: Json) -> Json:
        files = list(orders.get("options", {}).values())
        message = await self._people.send(person, orders["channel"], orders["content"], *files)
        return {"id": str(message.id)}

    async def _delete(self, person: User, orders: Json) -> Json:
        await self._people.delete_message(person, self._message(person, orders))
        return {}

    async def _mishap(self, person: User, orders: Json) -> Json:
        channel = self._state.world.channel(orders["channel"])
        if not self._state.may_see(person, channel):
            raise NotPossible("This channel is not yours to see.")
        return {"said": self._mishaps.happen(orders["name"], channel)}

    def _message(self, person: User, orders: Json) -> Message:
        message = self._state.messages.find(int(orders["message"]))
        if message is None or not self._state.may_see(person, message.channel):
            raise NotPossible("This message was deleted.")
        return message


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

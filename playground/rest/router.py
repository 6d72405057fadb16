"""From an HTTP request to a handler and back: tokens, faults, limits, and the record of it all."""

import logging
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import web

from playground.checks import refusals
from playground.checks.refusals import Refusal, Unsupported
from playground.state import State
from playground.wire import bodies, outages
from playground.wire.bodies import Body
from playground.wire.faults import Fault, SeenRequest
from playground.wire.observing import Exchange
from playground.world.places import Channel

Json = dict[str, Any]
_log = logging.getLogger(__name__)

PREFIX = "/api/v10"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers; no body means 204."""

    body: Any = None
    status: int = 200


NO_CONTENT = Reply(None, 204)


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its body read."""

    state: State
    path: dict[str, str]
    query: dict[str, str]
    body: Body = field(default_factory=Body)

    def id(self, name: str) -> int:
        """Give an id from the path."""
        return int(self.path[name])

    def channel(self) -> Channel:
        """Give the channel that the path names; Refusal 10003 when it is not there."""
        channel = self.state.world.channels.get(self.id("channel_id"))
        if channel is None:
            raise refusals.unknown("Channel")
        return channel


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path (in aiohttp's notation), and who may call it."""

    method: str
    path: str
    handler: Handler
    needs_token: bool = True


class Router:
    """Serves the routes that were added, and reports every request for another."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._routes: list[Route] = []

    def add(self, route: Route) -> None:
        """Add a route."""
        self._routes.append(route)

    def install(self, app: web.Application) -> None:
        """Register everything under the API's prefix."""
        for route in self._routes:
            app.router.add_route(route.method, PREFIX + route.path, self._serve(route))
        app.router.add_route("*", "/api/{rest:.*}", self._unknown)

    def _serve(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            began = time.monotonic()
            path = request.path.removeprefix(PREFIX)
            fault: Fault | None = None
            read: Body | None = None
            try:
                self._check_token(route, request)
                body = read = await bodies.read(request, self._state.attachment_size_limit)
                fault = self._state.faults.take(request.method, path, len(body.files), body.json)
                if fault is not None:
                    await outages.begin(fault, request)
                reply = self._handle(route, request, body, fault)
            except Refusal as refusal:
                _log.info("%s %s refused: %s", request.method, path, refusal)
                reply = Reply(refusal.payload(), refusal.status)
            except Unsupported as unsupported:
                reply = self._report(f"{request.method} {path}: {unsupported}")
            self._remember(request, path, read or Body(), reply, began)
            by_fault = fault is not None and fault.status is not None
            exchange = Exchange(request.method, path, read, reply.status, reply.body, by_fault)
            for observer in self._state.observers:
                observer.exchanged(exchange)
            await self._state.faults.hold(request.method, path, len(read.files) if read else 0)
            return self._response(route, reply, fault)

        return serve

    def _handle(self, route: Route, request: web.Request, body: Body, fault: Fault | None) -> Reply:
        if fault is None or fault.status is None or fault.carried_out:
            call = Call(self._state, dict(request.match_info), dict(request.query), body)
            reply = route.handler(call)
            if fault is None or fault.status is None:
                return reply
            return Reply({"message": "Bad Gateway", "code": 0}, fault.status)
        if fault.status == 429:
            wait = fault.retry_after
            limited = {"message": "You are being rate limited.", "retry_after": wait}
            return Reply(limited | {"global": fault.everywhere}, 429)
        message = fault.message or f"{fault.status}: asked for by a fault"
        return Reply({"message": message, "code": fault.code}, fault.status)

    def _check_token(self, route: Route, request: web.Request) -> None:
        given = request.headers.get("Authorization")
        if given is None and not route.needs_token:
            return
        if given != f"Bot {self._state.token}":
            raise refusals.unauthorized()

    def _remember(
        self, request: web.Request, path: str, body: Body, reply: Reply, began: float
    ) -> None:
        took = time.monotonic() - began
        refused = isinstance(reply.body, dict) and reply.status >= 400
        seen = SeenRequest(
            request.method,
            path,
            reply.status,
            self._state.clock.now() - took,
            took,
            body.json,
            tuple((upload.filename, len(upload.content)) for upload in body.files.values()),
            reply.body.get("code") if refused else None,
        )
        self._state.log.requests.append(seen)
        self._state.changes.announce()

    def _response(self, route: Route, reply: Reply, fault: Fault | None) -> web.Response:
        if fault is not None and fault.page:
            return outages.page(fault)
        # The bucket is a name for the route: generous, and never the reason to wait.
        bucket = f"{zlib.crc32(f'{route.method} {route.path}'.encode()):08x}"
        headers = {
            "X-RateLimit-Limit": "50",
            "X-RateLimit-Remaining": "49",
            "X-RateLimit-Reset": f"{time.time() + 1:.3f}",
            "X-RateLimit-Reset-After": "1.000",
            "X-RateLimit-Bucket": bucket,
            "Via": "1.1 playground",
            "Date": formatdate(self._state.clock.born(), usegmt=True),
        }
        if reply.status == 429 and fault is not None:
            wait = fault.retry_after
            headers |= {
                "Retry-After": f"{wait:g}",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": f"{time.time() + wait:.3f}",
                "X-RateLimit-Reset-After": f"{wait:.3f}",
                "X-RateLimit-Scope": "global" if fault.everywhere else "user",
            }
            if fault.everywhere:
                headers["X-RateLimit-Global"] = "true"
        return _json(reply, headers)

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX)
        began = time.monotonic()
        reply = self._report(f"{request.method} {path}")
        await request.read()
        self._remember(request, path, Body(), reply, began)
        return _json(reply, {})

    def _report(self, what: str) -> Reply:
        _log.error("the playground cannot serve %s", what)
        self._state.log.unknown_routes.append(what)
        return Reply({"message": f"The playground cannot serve {what}", "code": 0}, 501)


def _json(reply: Reply, headers: dict[str, str]) -> web.Response:
    if reply.status == 204:
        return web.Response(status=204, headers=headers)
    response = web.json_response(reply.body, status=reply.status, headers=headers)
    # discord.py compares the type exactly, so it must not name a charset.
    response.headers["Content-Type"] = "application/json"
    return response

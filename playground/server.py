"""The playground as a whole: one aiohttp server on the loopback address."""

import socket
from types import TracebackType
from typing import Self

from aiohttp import web

from playground import rest
from playground.clock import Clock
from playground.messages.files import MEBIBYTE
from playground.page.model import Model
from playground.page.page import Page
from playground.people.people import People
from playground.state import State
from playground.wire import outages
from playground.wire.bodies import REQUEST_LIMIT
from playground.wire.cdn import Cdn
from playground.wire.faults import Faults, RequestLog
from playground.wire.gateway import Gateway, Intent
from playground.wire.guard import only_from_here
from playground.wire.observing import Observer
from playground.world.world import World

HOST = "127.0.0.1"
HANDSHAKE = "WS"  # the method by which faults name the opening of the gateway's socket
DEFAULT_TOKEN = "playground"  # noqa: S105 - it opens nothing but a toy


class Playground(People):
    """A Discord to play with.

    Use it as an async context manager; `port` 0 takes any free one. `attachment_size_limit` is
    in bytes; `privileged_intents` are those that the bot was granted (Discord grants none by
    itself, and closes the socket of a bot that asks); `model` is what the page says draws.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        token: str = DEFAULT_TOKEN,
        attachment_size_limit: int = 10 * MEBIBYTE,
        privileged_intents: Intent = Intent(0),  # noqa: B008 - a flag is a constant
        model: Model | None = None,
        ahead: float = 0.0,
    ) -> None:
        super().__init__(State(token, attachment_size_limit, privileged_intents, ahead))
        self._port = port
        self._model = model
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self._port}"

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{self.address}"

    @property
    def api_url(self) -> str:
        """The base of the REST API."""
        return f"{self.url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """The gateway's address."""
        return f"ws://{self.address}/gateway"

    @property
    def cdn_url(self) -> str:
        """The base of the file host."""
        return f"{self.url}/cdn"

    @property
    def token(self) -> str:
        """The bot token that is accepted."""
        return self.state.token

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point Darkroom at this playground."""
        return {
            "DISCORD__TOKEN": self.token,
            "DISCORD__API_URL": self.api_url,
            "DISCORD__GATEWAY_URL": self.gateway_url,
            "DISCORD__CDN_URL": self.cdn_url,
        }

    @property
    def world(self) -> World:
        """The server and its people."""
        return self.state.world

    @property
    def clock(self) -> Clock:
        """The time by which deadlines pass."""
        return self.state.clock

    @property
    def faults(self) -> Faults:
        """Misbehaviour on demand for REST requests."""
        return self.state.faults

    @property
    def gateway(self) -> Gateway:
        """The bot's sockets: to drop, close or invalidate them."""
        return self.state.gateway

    @property
    def log(self) -> RequestLog:
        """Every request of the bot."""
        return self.state.log

    @property
    def observers(self) -> list[Observer]:
        """Who listens to everything between the bot and the playground."""
        return self.state.observers

    @property
    def unknown_routes(self) -> list[str]:
        """What the bot asked for that the playground does not have."""
        return self.state.log.unknown_routes

    async def ready(self, within: float = 30.0) -> None:
        """Wait until the bot listens and has told its commands."""
        await self.wait_for(lambda: self.state.ready, within, "the bot's arrival")

    async def start(self) -> None:
        """Begin to serve; OSError when the port is taken."""
        app = web.Application(client_max_size=REQUEST_LIMIT + MEBIBYTE)
        app.middlewares.append(only_from_here)
        rest.build(self.state).install(app)
        Cdn(self.state).install(app)
        Page(self, self._model).install(app)
        app.router.add_get("/gateway", self._gateway)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self._port))
        except OSError:
            listener.close()
            await self.stop()
            raise
        self._port = listener.getsockname()[1]
        self.state.files.base_url = self.cdn_url
        self.state.gateway.url = self.gateway_url
        await web.SockSite(self._runner, listener).start()

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.take(HANDSHAKE, "/gateway", 0)
        if fault is not None:
            await outages.begin(fault, request)
            if fault.page:
                return outages.page(fault)
            if fault.status is not None:
                return web.json_response({"message": fault.message}, status=fault.status)
        return await self.state.gateway.serve(request)

    async def stop(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self.state.gateway.close(1001)
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

"""Answers /livez, /readyz and /metrics over HTTP. Nothing can be changed through it."""

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from yarl import URL

from bot.watching.health import Health
from bot.watching.metrics import Metrics
from bot.watching.moment import Moment

if TYPE_CHECKING:
    from bot.app import App

log = logging.getLogger(__name__)

LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
LOOK_S = 0.5  # between two looks at how late the event loop is
CLOSE_S = 1.0
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CannotListen(Exception):
    """The address cannot be listened to: it is taken, or not this machine's."""


class Monitor:
    """The figures and the health of whatever bot runs, and the server that tells of them.

    ``host`` is what it listens to, and the one name with dots under which it may be asked.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.metrics = Metrics()
        self._health, self._moment = Health(), Moment()
        self.metrics.registry.register(self._moment)
        self._lag = Histogram(
            "darkroom_loop_lag_seconds",
            "How late the event loop gets to what is due",
            buckets=LAG_S,
            registry=self.metrics.registry,
        )

    @contextmanager
    def watching(self, app: "App") -> Iterator[None]:
        """Tell of this bot until it is left."""
        self.metrics.watch(app)
        self._health.app = self._moment.app = app
        try:
            yield
        finally:
            self._health.app = self._moment.app = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer until it is left; raises CannotListen."""
        app = web.Application(middlewares=[self._only_by_its_name], client_max_size=0)
        app.router.add_get("/livez", _livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._tell)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
        await runner.setup()
        looking = asyncio.create_task(self._look(), name="event loop's lag")
        try:
            try:
                await web.TCPSite(runner, self.host, self.port).start()
            except (OSError, OverflowError, UnicodeError) as error:
                raise CannotListen(f"{self.host}:{self.port} cannot be used ({error})") from error
            port = _port_of(runner)
            log.info(
                "health and figures at %s", URL.build(scheme="http", host=self.host, port=port)
            )
            yield
        finally:
            looking.cancel()
            await runner.cleanup()

    async def _readyz(self, _request: web.Request) -> web.Response:
        missing = await self._health.missing()
        lines = missing or ["ready"]
        return _text("".join(f"{line}\n" for line in lines), 503 if missing else 200)

    async def _tell(self, _request: web.Request) -> web.Response:
        body = generate_latest(self.metrics.registry)
        return web.Response(body=body, headers=HEADERS | {"Content-Type": CONTENT_TYPE_LATEST})

    @web.middleware
    async def _only_by_its_name(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a name with dots that is not ours: any web page could have made it mean us.

        Addresses, and names of one word as in a local network, are answered: no web page from
        elsewhere can be under either (DNS rebinding).
        """
        try:
            host = URL(f"http://{request.host}").host
        except ValueError:
            host = None
        if host is None or not (host == self.host or "." not in host or _is_address(host)):
            return _text("ask by an address, or by the name in MONITORING__ADDRESS\n", 421)
        return await handler(request)

    async def _look(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self._lag.observe(max(0.0, clock() - due))


async def _livez(_request: web.Request) -> web.Response:
    return _text("alive\n")


def _text(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, headers=HEADERS)


def _port_of(runner: web.AppRunner) -> int:
    port: int = runner.addresses[0][1]
    return port


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

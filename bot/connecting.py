"""Connecting to Discord: passing trouble is waited out, permanent trouble is reported once.

Passing trouble never ends the process: a supervisor would restart it at once, which prolongs a ban
and uses up IDENTIFYs, of which Discord allows a thousand per day.
"""

import asyncio
import logging
import time
from typing import Any

import aiohttp
import discord
import yarl
from discord.ext import commands

from bot.core.backoff import Pauses
from bot.ui.trouble import TROUBLE, describe, retry_after

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
# Between two IDENTIFYs of a shard; discord.py gives up a connection after a minute.
FIRST_IDENTIFY_S, LONGEST_IDENTIFY_S = 5.0, 45.0
# A connection that lasted this long was a good one.
SETTLED_S = 600.0
UNAUTHORIZED = 401
CANCELLED_AGAIN_S = 1.0

# Close codes of the gateway after which it would close again, from Discord's API reference.
AUTHENTICATION_FAILED, INVALID_SHARD, SHARDING_REQUIRED = 4004, 4010, 4011
INVALID_VERSION, INVALID_INTENTS, DISALLOWED_INTENTS = 4012, 4013, 4014
REFUSED_TOKEN = ("DISCORD__TOKEN: Discord refused it", "copy it anew")
UPDATE = "update Darkroom"
FINAL = {
    AUTHENTICATION_FAILED: REFUSED_TOKEN,
    INVALID_SHARD: ("Discord refused a shard (4010)", UPDATE),
    INVALID_VERSION: ("Discord refused the gateway's version (4012)", UPDATE),
    INVALID_INTENTS: ("Discord refused an intent (4013)", UPDATE),
    DISALLOWED_INTENTS: (
        "DISCORD__TOKEN: its application lacks an intent (4014)",
        "allow it in the developer portal",
    ),
}


class NotLetIn(Exception):
    """Discord refuses us until somebody changes something: ``why``, and what to do."""

    def __init__(self, why: str, advice: str) -> None:
        super().__init__(f"{why}; {advice}")
        self.why = why


class SentAway(Exception):
    """The connection is over and only a restart can make another; the text says why."""


class PatientBot(commands.AutoShardedBot):
    """A bot that reconnects with growing pauses, and identifies only when necessary.

    ``timeout_s`` is how long Discord may take to respond, ``longest_pause_s`` the longest pause
    between attempts while it cannot be reached.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        longest_pause_s: float,
        **options: Any,  # noqa: ANN401 - discord.py's own
    ) -> None:
        super().__init__(**options)
        self.timeout_s = timeout_s
        self.longest_pause_s = longest_pause_s
        self._open_at = 0.0  # when the gateway may be contacted again, on the loop's clock
        self._connect = self.http.ws_connect
        self.http.ws_connect = self._connect_when_asked  # type: ignore[method-assign]
        self._identifying: dict[int | None, Pauses] = {}
        self._identified: dict[int | None, float] = {}
        self._hearing: set[int] = set()

    def pauses(self) -> Pauses:
        """Return the pauses for something retried until it works."""
        return Pauses(FIRST_PAUSE_S, self.longest_pause_s)

    async def launch_shard(
        self, gateway: yarl.URL, shard_id: int, *, initial: bool = False
    ) -> None:
        """Connect a shard once the gateway opens; discord.py would try every five seconds."""
        pauses = self.pauses()
        while True:
            try:
                await self._knock(gateway)
                break
            except discord.ConnectionClosed:
                raise
            except TROUBLE as error:
                await wait("the gateway", pauses, error)
        await super().launch_shard(gateway, shard_id, initial=initial)

    def shard_of(self, guild_id: int | None) -> int:
        """Return the shard that hears of a server, or of none: direct messages go to the first.

        Source: Discord's documentation of the gateway, "Sharding".
        """
        return ((guild_id or 0) >> 22) % (self.shard_count or 1)

    @property
    def deaf_shards(self) -> list[int]:
        """The shards that hear nothing at the moment, all of them before the first connection."""
        shards = self.shards
        hearing = {one for one in self._hearing if one in shards and not shards[one].is_closed()}
        return [one for one in range(self.shard_count or 1) if one not in hearing]

    async def on_shard_connect(self, shard_id: int) -> None:
        """Note that a shard has a new session, which makes up for what it was told before."""
        self._hearing.add(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        """Note that a shard goes on with its session."""
        self._hearing.add(shard_id)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """Note that a shard hears nothing until it is connected again."""
        self._hearing.discard(shard_id)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait longer each time sessions are lost one after another."""
        now = time.monotonic()
        pauses = self._identifying.setdefault(
            shard_id, Pauses(FIRST_IDENTIFY_S, LONGEST_IDENTIFY_S)
        )
        if now - self._identified.get(shard_id, now) > SETTLED_S:
            pauses.reset()
        if not initial:
            await asyncio.sleep(pauses.next(FIRST_IDENTIFY_S))
        self._identified[shard_id] = time.monotonic()

    async def _connect_when_asked(
        self, url: str, *, compress: int = 0
    ) -> aiohttp.ClientWebSocketResponse:
        """Open a socket, but not before the time we were told to come back.

        discord.py's own reconnecting ignores that.
        """
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(self._open_at - clock())
        try:
            return await self._connect(url, compress=compress)
        except aiohttp.ClientError as error:
            self._open_at = clock() + retry_after(error)
            raise

    async def _knock(self, gateway: yarl.URL) -> None:
        """Open the gateway's socket, receive its first frame, and close: this costs no IDENTIFY."""
        async with asyncio.timeout(self.timeout_s):
            socket = await self.http.ws_connect(str(gateway.with_query(v=10, encoding="json")))
            try:
                first = await socket.receive()
            finally:
                await socket.close()
        if first.type is not aiohttp.WSMsgType.TEXT:
            if socket.close_code in (*FINAL, SHARDING_REQUIRED):
                raise discord.ConnectionClosed(socket, shard_id=None)
            raise ConnectionError(f"it hangs up with {socket.close_code}")


async def wait(what: str, pauses: Pauses, error: BaseException) -> None:
    """Log what cannot be reached, and wait for the next attempt."""
    pause = pauses.next(retry_after(error))
    log.warning("%s cannot be reached (%s); trying again in %.0f s", what, describe(error), pause)
    await asyncio.sleep(pause)


async def serve(bot: PatientBot, token: str) -> None:
    """Log in, connect, and stay until the bot is closed; raises NotLetIn or SentAway."""
    await _log_in(bot, token)
    await _stay(bot)


async def log_in_once(client: discord.Client, token: str, timeout_s: float) -> None:
    """Log in, or raise NotLetIn, or an error that may pass.

    The timeout applies to Discord's responses only, not to the client's own setup afterwards.
    """
    login = asyncio.create_task(client.login(token))
    try:
        await asyncio.wait([login], timeout=timeout_s)
        if not login.done() and client.application is None:
            raise TimeoutError
        await login
    except discord.LoginFailure:
        raise NotLetIn(*REFUSED_TOKEN) from None
    except TROUBLE as error:
        if isinstance(error, discord.HTTPException) and error.status == UNAUTHORIZED:
            raise NotLetIn(*REFUSED_TOKEN) from None
        raise
    finally:
        login.cancel()
        await asyncio.wait([login])


async def _log_in(bot: PatientBot, token: str) -> None:
    pauses = bot.pauses()
    while True:
        try:
            await log_in_once(bot, token, bot.timeout_s)
        except TROUBLE as error:
            if bot.application is not None:
                raise  # the setup afterwards failed, and would again
            # discord.py opens a new session with each login.
            await bot.http.close()
            bot.http.connector = discord.utils.MISSING
            await wait("Discord", pauses, error)
        else:
            return


async def _stay(bot: PatientBot) -> None:
    pauses = bot.pauses()
    while not bot.is_closed():
        try:
            await _wait_for_a_start(bot)
            await _connect(bot)
        except discord.PrivilegedIntentsRequired:
            raise NotLetIn(*FINAL[DISALLOWED_INTENTS]) from None
        except discord.ConnectionClosed as closed:
            if closed.code in FINAL:
                raise NotLetIn(*FINAL[closed.code]) from None
            raise SentAway(_why(closed)) from None
        except Exception as error:
            if bot.is_closed() or bot.shards or not isinstance(error, TROUBLE):
                log.exception("the connection broke")
                raise SentAway(describe(error)) from None
            cause = error.__cause__
            if isinstance(cause, discord.HTTPException) and cause.status == UNAUTHORIZED:
                raise NotLetIn(*REFUSED_TOKEN) from None
            await wait("the gateway", pauses, error)


async def _connect(bot: PatientBot) -> None:
    """Connect, and stay until the bot is closed.

    discord.py waits for sockets with `asyncio.wait_for`, which before Python 3.12 forgets a
    cancellation that comes together with the result (github.com/python/cpython/issues/86296).
    """
    connecting = asyncio.create_task(bot.connect(), name="connection")
    try:
        await asyncio.wait([connecting])
    finally:
        while not connecting.done():
            connecting.cancel()
            await asyncio.wait([connecting], timeout=CANCELLED_AGAIN_S)
    connecting.result()


async def _wait_for_a_start(bot: PatientBot) -> None:
    """Wait if so many sessions were started today that Discord would revoke the token."""
    async with asyncio.timeout(bot.timeout_s):
        shards, _, limits = await bot.http.get_bot_gateway()
    if limits["remaining"] < max(1, shards):  # each shard starts one
        pause = limits["reset_after"] / 1000
        log.warning("Discord allows no more sessions today; waiting for %.0f s", pause)
        await asyncio.sleep(pause)


def _why(closed: discord.ConnectionClosed) -> str:
    if closed.code == SHARDING_REQUIRED:
        return "Discord wants more shards (4011)"
    return f"the gateway closed with {closed.code}"

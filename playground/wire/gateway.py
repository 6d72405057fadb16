"""The gateway: the websocket over which the bot hears what happens (API version 10, JSON).

Opcodes and close codes are from the API reference, "Opcodes and Status Codes".
"""

import asyncio
import json
import logging
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

from aiohttp import ClientConnectionResetError, WSMsgType, web

from playground.clock import Clock
from playground.wire.observing import Observer

Json = dict[str, Any]
_log = logging.getLogger(__name__)

HEARTBEAT_INTERVAL_MS = 41_250
RESUMABLE_S = 300
REMEMBERED_EVENTS = 5_000
SERVERS_OF_A_SHARD = 2_500
IDENTIFY_S = 5.0
"""A session takes no more servers; and as many may begin in so many seconds as /gateway/bot says
in `max_concurrency` (API reference, "Sharding")."""


class Op(IntEnum):
    """Gateway opcodes."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Intent(IntFlag):
    """What a bot asks to be told; the privileged ones need Discord's leave."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.PRESENCES | Intent.MESSAGE_CONTENT
ALWAYS = Intent(0)
"""For events that need no intent, such as interactions."""


class _Close(Exception):
    """Ends a connection with a close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Shard(NamedTuple):
    """A part of the servers; direct messages and what is of no server go to the first one."""

    number: int
    total: int

    def hears(self, guild_id: str | int | None) -> bool:
        """Tell whether what happens in a server (None: in none) is told to this shard."""
        return (int(guild_id or 0) >> 22) % self.total == self.number


def _server(event: str, data: Json) -> str | None:
    """Give the server that an event is about which is itself one."""
    return str(data["id"]) if event.startswith("GUILD_") and "id" in data else None


@dataclass(slots=True, eq=False)
class Session:
    """One login of the bot; it outlives its socket for a while."""

    id: str
    intents: Intent
    shard: Shard
    sequence: int = 0
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=REMEMBERED_EVENTS))
    connection: "Connection | None" = None
    dropped: float | None = None


class Connection:
    """One socket of the bot: frames leave in the order they were sent."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._transport = request.transport
        # Anyone may be answered in plain text frames; zlib-stream is what discord.py asks for.
        streamed = request.query.get("compress") == "zlib-stream"
        self._compressor = zlib.compressobj() if streamed else None
        self._frames: asyncio.Queue[Json | None] = asyncio.Queue()
        self.session: Session | None = None

    def send(self, op: Op, data: object = None) -> None:
        """Send a frame that is no event."""
        self._frames.put_nowait({"op": int(op), "d": data, "s": None, "t": None})

    def forward(self, event: Json) -> None:
        """Send an event as it was numbered by its session."""
        self._frames.put_nowait(event)

    async def write(self) -> None:
        """Write frames until `stop`; a broken socket ends it too."""
        while (frame := await self._frames.get()) is not None:
            text = json.dumps(frame)
            try:
                if self._compressor is None:
                    await self._socket.send_str(text)
                else:
                    packed = self._compressor.compress(text.encode())
                    packed += self._compressor.flush(zlib.Z_SYNC_FLUSH)
                    await self._socket.send_bytes(packed)
            except (ClientConnectionResetError, ConnectionError):
                # The session keeps the event for a RESUME.
                return

    def stop(self) -> None:
        """Let `write` end after what is queued."""
        self._frames.put_nowait(None)

    async def close(self, code: int, reason: str = "") -> None:
        """Close the socket politely."""
        await self._socket.close(code=code, message=reason.encode())

    def abort(self) -> None:
        """Cut the socket, as a failing network does."""
        if self._transport is not None:
            self._transport.abort()


class Gateway:
    """Accepts the bot's sockets and numbers the events of its sessions.

    `greet` gives the payload of READY (without the session) and the events that follow it for
    a session of these intents and this shard; `members` answers a request for members.

    `shards` and `max_concurrency` are what /gateway/bot says. With `identify_s` at IDENTIFY_S,
    sessions that begin faster than that allows are invalid, as at Discord, and counted in
    `too_early`; at 0 a bot may be restarted as often as one likes.
    """

    def __init__(
        self,
        token: str,
        clock: Clock,
        *,
        privileged_intents: Intent,
        greet: Callable[[Intent, Shard], tuple[Json, Iterable[tuple[str, Json]]]],
        members: Callable[[Json], Json],
        tell: Callable[[], None],
        observers: Sequence[Observer] = (),
    ) -> None:
        self.url = ""
        self.identifies = 0
        self.resumes = 0
        self.shards = 1
        self.max_concurrency = 1
        self.identify_s = 0.0
        self.too_early = 0
        self.turning_away: deque[int] = deque()
        self._token = token
        self._clock = clock
        self._privileged = privileged_intents
        self._greet = greet
        self._members = members
        self._tell = tell
        self._observers = observers
        self._sessions: dict[str, Session] = {}
        self._begun: dict[int, float] = {}  # when a session of each key of identifying began

    @property
    def connected(self) -> bool:
        """Whether the bot is listening now, with all its shards."""
        shards = {one.shard for one in self._sessions.values() if one.connection is not None}
        return any(shards.issuperset(Shard(n, s.total) for n in range(s.total)) for s in shards)

    def dispatch(
        self, event: str, data: Json, intent: Intent = ALWAYS, *, bare: Json | None = None
    ) -> None:
        """Tell every session of an event, or `bare` to those who may not read messages."""
        for session in list(self._sessions.values()):
            if session.dropped is not None and self._clock.now() - session.dropped > RESUMABLE_S:
                del self._sessions[session.id]
            elif not session.shard.hears(data.get("guild_id") or _server(event, data)):
                continue
            elif intent == ALWAYS or session.intents & intent:
                reads = session.intents & Intent.MESSAGE_CONTENT
                self._number(session, event, data if reads or bare is None else bare)

    def _number(self, session: Session, event: str, data: Json) -> None:
        session.sequence += 1
        # Payloads are drawn up once and sent later: freeze them as they are now.
        frozen = json.loads(json.dumps(data))
        frame = {"op": int(Op.DISPATCH), "t": event, "s": session.sequence, "d": frozen}
        session.events.append(frame)
        for observer in self._observers:
            observer.told(event, frozen)
        if session.connection is not None:
            session.connection.forward(frame)

    def drop(self, shard: int | None = None) -> None:
        """Cut the bot's sockets, or one shard's, without a word; its sessions can be resumed."""
        for connection in self._connections(shard):
            connection.abort()

    async def close(self, code: int, shard: int | None = None) -> None:
        """Close the bot's sockets, or one shard's, with a close code."""
        for connection in self._connections(shard):
            await connection.close(code)

    def ask_to_reconnect(self, shard: int | None = None) -> None:
        """Send RECONNECT, as Discord does before maintenance."""
        for connection in self._connections(shard):
            connection.send(Op.RECONNECT)

    def invalidate(self, shard: int | None = None) -> None:
        """Send INVALID_SESSION and forget the sessions: the bot must identify again."""
        for connection in self._connections(shard):
            connection.send(Op.INVALID_SESSION, data=False)
        for session in list(self._sessions.values()):
            if shard in (None, session.shard.number):
                del self._sessions[session.id]

    def forget(self) -> None:
        """Forget sessions silently, so that the next RESUME is answered with INVALID_SESSION."""
        self._sessions.clear()

    def _connections(self, shard: int | None = None) -> list[Connection]:
        return [
            session.connection
            for session in self._sessions.values()
            if session.connection is not None and shard in (None, session.shard.number)
        ]

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket of the bot until it closes."""
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        connection = Connection(request, socket)
        writer = asyncio.create_task(connection.write())
        connection.send(Op.HELLO, {"heartbeat_interval": HEARTBEAT_INTERVAL_MS})
        try:
            await self._listen(connection, socket)
        except _Close as close:
            _log.warning("gateway closes the bot's socket: %s", close)
            await connection.close(close.code, close.reason)
        finally:
            session = connection.session
            if session is not None and session.connection is connection:
                session.connection = None
                session.dropped = self._clock.now()
                # 1000 and 1001 from the client end a session for good.
                if socket.close_code in (1000, 1001):
                    self._sessions.pop(session.id, None)
            connection.stop()
            await writer
            self._tell()
        return socket

    async def _listen(self, connection: Connection, socket: web.WebSocketResponse) -> None:
        patience = HEARTBEAT_INTERVAL_MS / 1000 * 1.5
        while True:
            try:
                message = await socket.receive(timeout=patience)
            except TimeoutError:
                raise _Close(4009, "Session timed out.") from None
            if message.type is not WSMsgType.TEXT:
                return
            try:
                frame = json.loads(message.data)
                op = Op(frame["op"])
            except (ValueError, KeyError, TypeError):
                raise _Close(4002, "Error while decoding payload.") from None
            self._receive(connection, op, frame.get("d"))

    def _receive(self, connection: Connection, op: Op, data: Any) -> None:  # noqa: ANN401
        if op is Op.HEARTBEAT:
            connection.send(Op.HEARTBEAT_ACK)
        elif op is Op.IDENTIFY:
            if connection.session is not None:
                raise _Close(4005, "Already authenticated.")
            self._identify(connection, data)
        elif op is Op.RESUME:
            self._resume(connection, data)
        elif connection.session is None:
            raise _Close(4003, "Not authenticated.")
        elif op is Op.REQUEST_MEMBERS:
            self._number(connection.session, "GUILD_MEMBERS_CHUNK", self._members(data))
        elif op not in (Op.PRESENCE, Op.VOICE_STATE):
            raise _Close(4001, f"Unknown opcode {int(op)}.")

    def _authenticate(self, data: Json) -> None:
        if str(data.get("token", "")).removeprefix("Bot ") != self._token:
            raise _Close(4004, "Authentication failed.")

    def _identify(self, connection: Connection, data: Json) -> None:
        self._authenticate(data)
        if self.turning_away:
            raise _Close(self.turning_away.popleft(), "Turned away by a fault.")
        shard = Shard(*data.get("shard", [0, 1]))
        if not 0 <= shard.number < shard.total:
            raise _Close(4010, "Invalid shard.")
        intents = Intent(int(data.get("intents", 0)))
        ready, events = self._greet(intents, shard)
        if shard.total < self.shards or len(ready["guilds"]) > SERVERS_OF_A_SHARD:
            raise _Close(4011, "Sharding required.")
        if intents & PRIVILEGED & ~self._privileged:
            raise _Close(4014, "Disallowed intents.")
        if self._is_too_early(shard):
            connection.send(Op.INVALID_SESSION, data=False)
            return
        session = Session(secrets.token_hex(16), intents, shard, connection=connection)
        connection.session = session
        self._sessions[session.id] = session
        self.identifies += 1
        own = {"session_id": session.id, "resume_gateway_url": self.url, "shard": list(shard)}
        self._number(session, "READY", ready | own)
        for event, payload in events:
            self._number(session, event, payload)
        self._tell()

    def _is_too_early(self, shard: Shard) -> bool:
        """Whether another shard of the same key began just now; if not, this one does."""
        key, now = shard.number % self.max_concurrency, time.monotonic()
        early = now - self._begun.get(key, -IDENTIFY_S) < self.identify_s
        self.too_early += early
        if not early:
            self._begun[key] = now
        return early

    def _resume(self, connection: Connection, data: Json) -> None:
        self._authenticate(data)
        session = self._sessions.get(str(data.get("session_id")))
        seen = data.get("seq")
        expired = (
            session is not None
            and session.dropped is not None
            and self._clock.now() - session.dropped > RESUMABLE_S
        )
        if session is None or expired or not isinstance(seen, int):
            connection.send(Op.INVALID_SESSION, data=False)
            return
        if seen > session.sequence:
            raise _Close(4007, "Invalid seq.")
        missed = [event for event in session.events if event["s"] > seen]
        if len(missed) != session.sequence - seen:
            connection.send(Op.INVALID_SESSION, data=False)
            return
        session.connection, session.dropped = connection, None
        connection.session = session
        for event in missed:
            connection.forward(event)
        self._number(session, "RESUMED", {})
        self.resumes += 1
        self._tell()

"""Misbehaviour on demand, and the record of every request."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

ANYTHING = re.compile("")


@dataclass(frozen=True, slots=True)
class Fault:
    """How the next matching request goes wrong.

    `status` is what is answered instead of the truth (None: nothing is), `delay` how many seconds
    it takes before anything happens, and `carried_out` whether the request takes effect before
    its answer is lost. `code` is Discord's error code; a request of fewer than `min_files` files
    is left alone, as is one whose JSON does not match `body`. A `page` is what Cloudflare answers
    in front of Discord, which is no JSON. A `silent` request is never answered, a `cut` one loses
    its connection, and `everywhere` a limit holds for every route.
    """

    method: str
    path: re.Pattern[str]
    status: int | None = None
    delay: float = 0.0
    retry_after: float = 0.0
    carried_out: bool = False
    code: int = 0
    min_files: int = 0
    body: re.Pattern[str] = ANYTHING
    message: str = ""
    page: str = ""
    silent: bool = False
    cut: bool = False
    everywhere: bool = False


class Outage(StrEnum):
    """The usual ways in which Discord, or what stands before it, does not do what it is asked."""

    UNAUTHORIZED = "401"
    FORBIDDEN = "403, HTML"
    NOT_FOUND = "404"
    TOO_LARGE = "413"
    LIMITED = "429, route"
    LIMITED_EVERYWHERE = "429, global"
    BROKEN = "503"
    SILENT = "timeout"
    RESET = "reset"
    BANNED = "1015"


LIMITED_S = 0.5
# As long as the pages are that Cloudflare sends.
_FILLER = "<!-- " + 6_000 * "x" + " -->"
FORBIDDEN_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Attention Required! | Cloudflare</title></head>\n"
    f"<body><h1>Sorry, you have been blocked</h1>{_FILLER}</body></html>"
)
BANNED_PAGE = "error code: 1015"
OUTAGES: Mapping[Outage, Mapping[str, Any]] = {
    Outage.UNAUTHORIZED: {"status": 401, "message": "401: Unauthorized"},
    Outage.FORBIDDEN: {"status": 403, "page": FORBIDDEN_PAGE},
    Outage.NOT_FOUND: {"status": 404, "message": "404: Not Found"},
    Outage.TOO_LARGE: {"status": 413, "code": 40005, "message": "Request entity too large"},
    Outage.LIMITED: {"status": 429, "retry_after": LIMITED_S},
    Outage.LIMITED_EVERYWHERE: {"status": 429, "retry_after": LIMITED_S, "everywhere": True},
    Outage.BROKEN: {"status": 503, "page": "upstream connect error"},
    Outage.SILENT: {"silent": True},
    Outage.RESET: {"cut": True},
    Outage.BANNED: {"status": 429, "page": BANNED_PAGE, "retry_after": 1.0},
}


@dataclass(frozen=True, slots=True)
class Held:
    """A request that takes effect while its answer is held back.

    `happened` is set once it took effect; the answer leaves when `released` is set.
    """

    method: str
    path: re.Pattern[str]
    min_files: int
    happened: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class Faults:
    """The misbehaviour that waits for its requests. Paths begin after `/api/v10`."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._held: list[Held] = []

    def fail(
        self, method: str, path: str, status: int = 500, *, code: int = 0, times: int = 1
    ) -> None:
        """Turn away the next requests that match (a regular expression) with a status."""
        self.add(Fault(method, re.compile(path), status, code=code), times)

    def too_large(self, *, times: int = 1) -> None:
        """Refuse the next uploads for their size, whatever it is."""
        self.add(Fault("*", re.compile(""), 413, code=40005, min_files=1), times)

    def lose_answer(self, method: str, path: str, status: int = 502, *, times: int = 1) -> None:
        """Carry out the next requests that match, but answer as if they had failed."""
        self.add(Fault(method, re.compile(path), status, carried_out=True), times)

    def slow(self, method: str, path: str, seconds: float, *, times: int = 1) -> None:
        """Let the next requests that match wait before they are looked at."""
        self.add(Fault(method, re.compile(path), delay=seconds), times)

    def limit(self, method: str, path: str, retry_after: float = 1.0, *, times: int = 1) -> None:
        """Answer the next requests that match with 429, to come back in so many seconds."""
        self.add(Fault(method, re.compile(path), 429, retry_after=retry_after), times)

    def hold_answer(self, method: str, path: str, *, min_files: int = 0) -> Held:
        """Carry out the next request that matches, but hold its answer until it is released.

        `min_files` waits for a request that uploads as many files.
        """
        held = Held(method, re.compile(path), min_files)
        self._held.append(held)
        return held

    async def hold(self, method: str, path: str, files: int) -> None:
        """Wait where the answer to this request is to be held back."""
        for held in self._held:
            matches = held.method == method and held.path.search(path)
            if matches and files >= held.min_files:
                self._held.remove(held)
                held.happened.set()
                await held.released.wait()
                return

    def clear(self) -> None:
        """Forget the faults that nothing has met yet."""
        self._waiting.clear()

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """The faults that nothing has met yet."""
        return tuple(self._waiting)

    def take(self, method: str, path: str, files: int, body: Any = None) -> Fault | None:  # noqa: ANN401
        """Take the first fault meant for this request, which uploads so many files."""
        text = json.dumps(body, ensure_ascii=False)
        for index, fault in enumerate(self._waiting):
            matches = fault.method in (method, "*") and fault.path.search(path)
            if matches and files >= fault.min_files and fault.body.search(text):
                return self._waiting.pop(index)
        return None

    def strike(
        self, outage: "Outage", method: str, path: str, *, body: str = "", times: int = 1
    ) -> None:
        """Let the next requests that match meet an outage of one of the usual kinds.

        `body` is a regular expression, too: something that their JSON says.
        """
        kind: dict[str, Any] = dict(OUTAGES[outage])
        self.add(Fault(method, re.compile(path), body=re.compile(body), **kind), times)

    def add(self, fault: Fault, times: int = 1) -> None:
        """Let the next requests that match go wrong in this way."""
        self._waiting.extend([fault] * times)


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request of the bot and how it was answered.

    `at` is in seconds since 1970, `took` in seconds; `files` holds (name, bytes) pairs; `code` is
    Discord's error code, if it was refused with one.
    """

    method: str
    path: str
    status: int
    at: float
    took: float
    body: Any = None
    files: tuple[tuple[str, int], ...] = ()
    code: int | None = None


@dataclass(slots=True)
class RequestLog:
    """Every request of the bot, oldest first, and those the playground could not serve."""

    requests: list[SeenRequest] = field(default_factory=list)
    unknown_routes: list[str] = field(default_factory=list)

    def matching(self, method: str, path: str) -> list[SeenRequest]:
        """List the requests whose path matches a regular expression."""
        pattern = re.compile(path)
        return [r for r in self.requests if r.method == method and pattern.search(r.path)]

"""Fetches one file: resumed where it was cut off, checked, and whole before it has its name.

Only https, but for a server on this machine. A token goes to its own site, never where that sends
us. Nothing that is logged or raised has an address's query, in which people's tokens stand.
"""

import asyncio
import hashlib
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
from yarl import URL

from generation.catalog.reading import SUFFIXES
from generation.json_text import loads
from generation.library.fetching.sites import SHA256, NotFetched, Remote, Sites, refuse_pickles

PART, NOTE = ".part", ".part.json"
REDIRECTS = 10
ATTEMPTS = 6  # without a byte in between
PAUSE_S = 1.0  # before the second; then twice as long each time
SILENCE_S = 60.0
CHUNK = 2**20
SPARE = 256 * 2**20  # bytes of the disk that stay free
MOST = 2**40  # bytes of one file
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NAME_BYTES = 200
_RETRIED = (408, 425, 429, 500, 502, 503, 504)
_CUT = (aiohttp.ClientError, TimeoutError, ConnectionError)

# Called with what is there and how much there will be, in bytes; None if unknown.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class _Reply:
    """A site's answer: the file from ``start`` on, its size and how it is recognised."""

    response: aiohttp.ClientResponse
    remote: Remote
    start: int
    total: int | None
    etag: str | None


class _CutOff(Exception):
    """The connection broke; what is there stays."""


class _Other(_CutOff):
    """The site has another file by now; what is there is of no use."""


@asynccontextmanager
async def connected() -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session for downloads; the system's proxies apply."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=SILENCE_S, sock_read=SILENCE_S)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        yield session


async def fetch(
    remote: Remote,
    folder: Path,
    session: aiohttp.ClientSession,
    sites: Sites,
    progress: Progress = lambda _done, _total: None,
    *,
    pause_s: float = PAUSE_S,
) -> tuple[Path, bool]:
    """Return the whole file in ``folder``, and whether a SHA-256 of the site's has been compared.

    What an earlier call left of it is used. Raises NotFetched.
    """
    check_address(remote.url, remote.url)
    left = ATTEMPTS
    pause = pause_s
    while True:
        before = _partial(remote, folder)[1]
        try:
            path, remote = await _attempt(remote, folder, session, sites, progress)
        except _CutOff as error:
            if isinstance(error, _Other):
                _paths(remote, folder)[1].unlink(missing_ok=True)
            grown = _partial(remote, folder)[1] > before
            left, pause = (ATTEMPTS, pause_s) if grown else (left - 1, 2 * pause)
            if left <= 0:
                raise NotFetched(f"{_host(remote.url)}: {error}; what is there stays") from error
            await asyncio.sleep(min(pause, 60 * pause_s))
        else:
            break
    if remote.sha256 is not None:
        await asyncio.to_thread(_verify, path, remote.sha256)
    return path, remote.sha256 is not None


def check_address(url: str, first: str) -> None:
    """Raise NotFetched unless an address may be followed: https, or on this machine from there."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise NotFetched(f"not an address: {error}") from error
    if parts.scheme == "https" and host:
        return
    local = host in LOOPBACK and urlsplit(first).hostname in LOOPBACK
    if parts.scheme != "http" or not local:
        raise NotFetched(f"{parts.scheme}://{host or ''}: only https is followed")


def file_name(text: str) -> str:
    """Return the name that a site gives a file as one that any disk takes; raises NotFetched."""
    name = PureWindowsPath(PurePosixPath(text).name).name
    name = re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if f"{dot}{suffix}".lower() not in SUFFIXES or not stem:
        refuse_pickles(name)
        raise NotFetched(f"{name or 'the file'}: is not named .safetensors")
    while len(stem.encode()) > NAME_BYTES:
        stem = stem[:-1]
    return f"{stem}{dot}{suffix}"


def check_space(folder: Path, needed: int) -> None:
    """Raise NotFetched unless the disk has room for so many bytes, and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise NotFetched(
            f"{folder}: {needed / 2**30:.1f} GiB are needed and {SPARE // 2**20} MiB to spare,"
            f" {free / 2**30:.1f} GiB are free"
        )


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


async def _attempt(
    remote: Remote,
    folder: Path,
    session: aiohttp.ClientSession,
    sites: Sites,
    progress: Progress,
) -> tuple[Path, Remote]:
    """Fetch the file, or what is missing of it; raises NotFetched or _CutOff."""
    note, start = _partial(remote, folder)
    try:
        reply = await _ask(remote, note, start, session, sites)
    except _CUT as error:
        raise _CutOff(_why(error)) from error
    async with reply.response:
        remote = reply.remote
        part = _paths(remote, folder)[0]
        if reply.total is not None:
            if reply.total > MOST:
                raise NotFetched(f"{remote.name}: {reply.total} bytes are too many")
            check_space(folder, reply.total - reply.start)
        _note(remote, folder, reply.etag)
        done = await _write(reply, part, progress)
    if reply.total is not None and done != reply.total:
        raise _CutOff(f"{done} of {reply.total} bytes came")
    path = folder / remote.name
    part.replace(path)
    _paths(remote, folder)[1].unlink(missing_ok=True)
    return path, remote


async def _ask(
    remote: Remote,
    note: dict[str, Any],
    start: int,
    session: aiohttp.ClientSession,
    sites: Sites,
) -> _Reply:
    """Return the site's answer after its redirects; raises NotFetched or an error of the line."""
    url = remote.url
    for _ in range(REDIRECTS):
        check_address(url, remote.url)
        headers = {"Accept-Encoding": "identity", **sites.headers_for(url)}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": note["etag"]}
        address = URL(url, encoded=url.isascii() and " " not in url)  # some are signed
        response = await session.get(address, headers=headers, allow_redirects=False)
        try:
            if sites.hub.address == _origin(url):
                remote = _as_linked(remote, response)
            if response.status in (301, 302, 303, 307, 308):
                url = urljoin(url, response.headers.get("Location", ""))
                response.close()
                continue
            return _judge(remote, url, response, start)
        except BaseException:
            response.close()
            raise
    raise NotFetched(f"{_host(remote.url)}: redirects more than {REDIRECTS} times")


def _judge(remote: Remote, url: str, response: aiohttp.ClientResponse, start: int) -> _Reply:
    """Return what an answer brings; raises NotFetched if that is not the file."""
    status, host = response.status, _host(url)
    if status in _RETRIED:
        raise _CutOff(f"answers {status} {response.reason}")
    if status == 416:
        raise _Other("has less than is there")
    if status in (401, 403):
        raise NotFetched(
            f"{host}: answers {status}: it wants a token, in HF_TOKEN or CIVITAI_API_TOKEN"
        )
    if status not in (200, 206):
        raise NotFetched(f"{host}: answers {status} {response.reason}")
    if response.content_type == "text/html":
        raise NotFetched(f"{host}: answers with a web page; it may want a token or an agreement")
    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else None
    if status == 206:
        total = _resumed(response, start)
    else:
        start = 0
    if remote.size is not None and total is not None and total != remote.size:
        raise NotFetched(f"{host}: sends {total} bytes of a file of {remote.size}")
    named = remote.name or _sent_name(response) or unquote(urlsplit(url).path)
    remote = replace(remote, name=named if remote.folder is not None else file_name(named))
    etag = response.headers.get("ETag", "")
    strong = etag if etag.startswith('"') else response.headers.get("Last-Modified")
    return _Reply(response, remote, start, total or remote.size, strong)


def _resumed(response: aiohttp.ClientResponse, start: int) -> int | None:
    """Return the whole size in an answer that goes on; raises _CutOff if it goes on elsewhere."""
    said = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if said is None or int(said[1]) != start:
        raise _Other("goes on elsewhere than asked")
    return None if said[2] == "*" else int(said[2])


async def _write(reply: _Reply, part: Path, progress: Progress) -> int:
    """Write what comes, and return how many bytes are there then; raises _CutOff."""
    done, beginning = reply.start, b""
    most = MOST if reply.total is None else reply.total
    with part.open("r+b" if reply.start else "wb") as file:
        file.seek(reply.start)
        try:
            async for chunk in reply.response.content.iter_chunked(CHUNK):
                if done < 9 and reply.remote.folder is None:
                    beginning += chunk[:9]
                    _check_beginning(reply.remote.name, beginning)
                if done + len(chunk) > most:
                    raise NotFetched(f"{reply.remote.name}: more than the {most} bytes it has")
                if reply.total is None:
                    check_space(part.parent, len(chunk))
                await asyncio.to_thread(file.write, chunk)
                done += len(chunk)
                progress(done, reply.total)
        except _CUT as error:
            raise _CutOff(_why(error)) from error
        finally:
            file.truncate()
            file.flush()
    return done


def _check_beginning(name: str, data: bytes) -> None:
    """Raise NotFetched if a file does not begin as safetensors do, before the rest is fetched."""
    if len(data) >= 9 and data[8:9] != b"{":
        what = "pickled weights, which are refused" if data[:2] in (b"PK", b"\x80\x02") else "other"
        said = what if what != "other" else "something else than a safetensors file"
        raise NotFetched(f"{name}: holds {said}")


def _verify(path: Path, wanted: str) -> None:
    found = sha256_of(path)
    if found != wanted.lower():
        path.unlink()
        raise NotFetched(f"{path.name}: its SHA-256 is {found[:12]}…, not {wanted[:12]}…; removed")


def _as_linked(remote: Remote, response: aiohttp.ClientResponse) -> Remote:
    """Return the file with what the hub says of it beside its redirect."""
    etag = response.headers.get("X-Linked-ETag", "").strip('W/"')
    size = response.headers.get("X-Linked-Size", "")
    return replace(
        remote,
        sha256=remote.sha256 or (etag.lower() if SHA256.fullmatch(etag) else None),
        size=remote.size or (int(size) if size.isdecimal() else None),
    )


def _sent_name(response: aiohttp.ClientResponse) -> str | None:
    message = Message()
    message["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    return message.get_filename()


def _paths(remote: Remote, folder: Path) -> tuple[Path, Path]:
    """Return where a partial file lies, and what is known of it."""
    key = hashlib.sha256(remote.url.encode()).hexdigest()[:16]
    return folder / f"{key}{PART}", folder / f"{key}{NOTE}"


def _partial(remote: Remote, folder: Path) -> tuple[dict[str, Any], int]:
    """Return how a partial file is recognised, and how much is there; 0 if it cannot go on."""
    part, note = _paths(remote, folder)
    try:
        said = loads(note.read_bytes())
        size = part.stat().st_size
    except (OSError, ValueError):
        return {}, 0
    known = isinstance(said, dict) and isinstance(said.get("etag"), str)
    return (said, size) if known else ({}, 0)


def _note(remote: Remote, folder: Path, etag: str | None) -> None:
    _paths(remote, folder)[1].write_text(json.dumps({"etag": etag}), "utf-8")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the address"


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing came for {SILENCE_S:.0f} s"
    strerror = getattr(error, "strerror", None)
    return str(strerror or type(error).__name__)

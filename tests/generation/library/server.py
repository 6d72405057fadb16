"""A real HTTP server with models on this machine, which can misbehave in every way."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Shop:
    """What the server has and does.

    Files are at ``/file/NAME``. Each of ``cuts`` ends a connection after so many bytes of its
    answer. ``lies`` are added to the lengths it says. ``resumes`` is whether it takes ranges.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    lies: int = 0
    resumes: bool = True
    answers: list[int] = field(default_factory=list)  # statuses instead of files
    kind: str = "application/octet-stream"
    pages: dict[str, Callable[[web.Request], web.StreamResponse]] = field(default_factory=dict)
    seen: list[web.Request] = field(default_factory=list)
    version: str = "1"

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/file/{name:.*}", self._file)
        app.router.add_get("/{path:.*}", self._page)
        return app

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        page = self.pages.get(request.path)
        return page(request) if page else web.Response(status=404)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        if self.answers:
            return web.Response(status=self.answers.pop(0))
        name = request.match_info["name"]
        if name not in self.files:
            return web.Response(status=404)
        data, start = self.files[name], 0
        etag = f'"{hashlib.sha256(data + self.version.encode()).hexdigest()[:8]}"'
        headers = {"ETag": etag, "Content-Type": self.kind}
        wanted = request.headers.get("Range", "")
        if self.resumes and wanted and request.headers.get("If-Range") == etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        headers["Content-Length"] = str(len(data) - start + self.lies)
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        await response.prepare(request)
        if self.cuts:
            await response.write(data[start : start + self.cuts.pop(0)])
            assert request.transport is not None
            request.transport.close()
            return response
        if self.lies < 0:
            await response.write(data[start : len(data) + self.lies])
        else:
            await response.write(data[start:])
            if self.lies:
                assert request.transport is not None
                request.transport.close()
        return response


async def opened(shop: Shop) -> TestServer:
    """Return the running server of a shop."""
    server = TestServer(shop.application(), host="127.0.0.1")
    await server.start_server()
    return server


def url(server: TestServer, path: str = "/file/nice.safetensors") -> str:
    return str(server.make_url(path))


def silent(_name: str) -> Callable[[int, int | None], None]:
    return lambda _done, _total: None


def left(folder: Path) -> list[str]:
    """Everything in a folder that somebody could take for a model, and what is staged."""
    return sorted(one.name for one in folder.rglob("*") if one.is_file())

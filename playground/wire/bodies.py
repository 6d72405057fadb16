"""Reading a request's body: JSON, or JSON and files in a multipart form."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from playground.checks.refusals import Refusal, too_large
from playground.messages.files import MEBIBYTE, Upload

REQUEST_LIMIT = 25 * MEBIBYTE
"""The most bytes in one request, as Discord counts it (API reference, "Uploading Files")."""

_FILE_FIELD = re.compile(r"files?\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: a JSON value, and files by their index in the form."""

    json: Any = None
    files: dict[int, Upload] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object; Refusal 50035 when the body is none."""
        if not isinstance(self.json, dict):
            raise Refusal(400, 50035, "Invalid Form Body")
        return self.json


def _parse(text: str | bytes) -> Any:  # noqa: ANN401 - it is whatever the client sent
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refusal(400, 50109, "The request body contains invalid JSON.") from error


async def read(request: web.Request, file_limit: int) -> Body:
    """Read the body of a request.

    Raises Refusal: 413 for a file over `file_limit` bytes or a request over 25 MiB, 400 for
    a body that is not JSON, 50035 for a form without the fields that Discord wants.
    """
    if request.content_length is not None and request.content_length > REQUEST_LIMIT:
        # Read what comes, so that the client sees the answer and not a broken pipe.
        async for _ in request.content.iter_any():
            pass
        raise too_large()
    if request.content_type == "multipart/form-data":
        return await _read_form(request, file_limit)
    raw = await request.read()
    if not raw:
        return Body()
    if request.content_type != "application/json":
        raise Refusal(400, 50035, "Invalid Form Body")
    return Body(_parse(raw))


async def _read_form(request: web.Request, file_limit: int) -> Body:
    payload: Any = {}
    files: dict[int, Upload] = {}
    excess = False
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise Refusal(400, 50035, "Invalid Form Body")
        name = part.name or ""
        if name == "payload_json":
            payload = _parse(await part.text())
        elif match := _FILE_FIELD.fullmatch(name):
            content = bytes(await part.read())
            excess = excess or len(content) > file_limit
            files[int(match[1])] = Upload(part.filename or "file", content)
        else:
            # Discord also takes JSON fields as form fields; discord.py never sends them so.
            raise Refusal(400, 50035, f"Invalid Form Body: unexpected field {name!r}")
    if excess:
        raise too_large()
    return Body(payload, files)

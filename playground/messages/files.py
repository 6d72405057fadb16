"""The file host: what was uploaded, where it can be fetched, and how large pictures are."""

import io
import mimetypes
import re
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

from playground.clock import Snowflakes

Json = dict[str, Any]

MEBIBYTE = 1 << 20
SPOILER_PREFIX = "SPOILER_"
IS_SPOILER = 1 << 3
_UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]+")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is kept, as a message names it."""

    id: int
    filename: str
    content: bytes
    content_type: str
    url: str
    width: int | None = None
    height: int | None = None
    description: str | None = None
    ephemeral: bool = False
    spoiler: bool = False

    def payload(self) -> Json:
        """Give Discord's attachment object."""
        body: Json = {
            "id": str(self.id),
            "filename": self.filename,
            "size": len(self.content),
            "url": self.url,
            "proxy_url": self.url,
            "content_type": self.content_type,
        }
        if self.width is not None and self.height is not None:
            body |= {"width": self.width, "height": self.height}
        if self.description is not None:
            body["description"] = self.description
        if self.ephemeral:
            body["ephemeral"] = True
        if self.spoiler:
            body["flags"] = IS_SPOILER
        return body


class FileHost:
    """Keeps uploads in memory and gives each an address under `base_url`."""

    def __init__(self, snowflakes: Snowflakes) -> None:
        self.base_url = ""
        self._snowflakes = snowflakes
        self._kept: dict[int, Attachment] = {}

    def keep(
        self,
        upload: Upload,
        channel_id: int,
        *,
        description: str | None = None,
        filename: str | None = None,
        ephemeral: bool = False,
        spoiler: bool = False,
    ) -> Attachment:
        """Store a file that belongs to a channel."""
        attachment_id = self._snowflakes.next()
        name = _UNSAFE.sub("_", filename or upload.filename).strip("_") or "file"
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        width, height = _picture_size(upload.content, content_type)
        folder = "ephemeral-attachments" if ephemeral else "attachments"
        attachment = Attachment(
            attachment_id,
            name,
            upload.content,
            content_type,
            f"{self.base_url}/{folder}/{channel_id}/{attachment_id}/{name}",
            width,
            height,
            description,
            ephemeral,
            spoiler or name.startswith(SPOILER_PREFIX),
        )
        self._kept[attachment_id] = attachment
        return attachment

    def find(self, attachment_id: int, filename: str) -> Attachment | None:
        """Find a file by the end of its address."""
        attachment = self._kept.get(attachment_id)
        return attachment if attachment and attachment.filename == filename else None


def _picture_size(content: bytes, content_type: str) -> tuple[int | None, int | None]:
    """Read a picture's width and height from its header; other files have none."""
    if not content_type.startswith("image/"):
        return None, None
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None, None

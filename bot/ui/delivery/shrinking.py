"""Shrinking pictures for upload; what is stored is unchanged."""

import asyncio
import io
from dataclasses import dataclass, replace

from PIL import Image

from generation.errors import InvalidRequest
from generation.metadata.png import exif, read

# Discord accepts 25 MiB per request, including everything around the files.
REQUEST_BYTES = 24 * 2**20
QUALITIES = (95, 85, 70, 50)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to upload, with its alt text.

    A ``spoiler`` is hidden until clicked.
    """

    name: str
    content: bytes
    alt: str
    spoiler: bool = False


async def fitting(uploads: list[Upload], limit: int) -> list[Upload]:
    """Do as `fit` does, in a thread if there is anything to do."""
    most = _share(uploads, limit)
    if all(len(upload.content) <= most for upload in uploads):
        return uploads
    return await asyncio.to_thread(fit, uploads, limit)


def fit(uploads: list[Upload], limit: int) -> list[Upload]:
    """Return the uploads, each at most ``limit`` bytes and together within one request.

    What is too large becomes a WebP: first at lower quality, then at half the size.
    """
    limit = _share(uploads, limit)
    return [
        upload if len(upload.content) <= limit else _shrink(upload, limit) for upload in uploads
    ]


def _share(uploads: list[Upload], limit: int) -> int:
    """Return how many bytes each file may have."""
    if sum(len(upload.content) for upload in uploads) > REQUEST_BYTES:
        return min(limit, REQUEST_BYTES // len(uploads))
    return limit


def _shrink(upload: Upload, limit: int) -> Upload:
    made = _how_it_was_made(upload.content)
    if len(made) > limit // 4:
        made = b""  # the picture matters more than its metadata
    with Image.open(io.BytesIO(upload.content)) as opened:
        picture = opened.convert("RGBA" if opened.mode == "RGBA" else "RGB")
    while True:
        for quality in QUALITIES:
            encoded = io.BytesIO()
            picture.save(encoded, "WEBP", quality=quality, exif=made)
            if encoded.tell() <= limit or picture.size == (1, 1):
                name = upload.name.rpartition(".")[0] + ".webp"
                return replace(upload, name=name, content=encoded.getvalue())
        picture = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)))


def _how_it_was_made(file: bytes) -> bytes:
    """Return the file's generation metadata as a WebP stores it, or nothing."""
    try:
        found = read(file)
    except InvalidRequest:
        return b""  # too large to be searched
    return b"" if found is None else exif(found).tobytes()

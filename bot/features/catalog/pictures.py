"""Pictures that the bot's owner put beside models' files, made small once."""

import asyncio
import logging
from collections import OrderedDict
from pathlib import Path

from bot.core.decoding import Decoder
from bot.core.errors import JobError
from generation.errors import InvalidRequest
from generation.source_image import MAX_BYTES

log = logging.getLogger(__name__)

SIDE = 256  # pixels
KEPT = 100  # small ones in memory, about 100 KB each


class OwnersPictures:
    """Reads and decodes them like files of strangers: bounded, in the decoders' processes."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._small: OrderedDict[tuple[Path, int, int], bytes | None] = OrderedDict()

    async def read(self, path: Path) -> bytes | None:
        """Return a small PNG of a picture; None if it cannot be read or decoded."""
        try:
            found = await asyncio.to_thread(path.stat)
            key = (path, found.st_size, found.st_mtime_ns)
            if key not in self._small:
                self._small[key] = await self._made(path, found.st_size)
        except (OSError, JobError):  # gone, or too many files at once: another time perhaps
            return None
        self._small.move_to_end(key)
        while len(self._small) > KEPT:
            self._small.popitem(last=False)
        return self._small[key]

    async def _made(self, path: Path, size: int) -> bytes | None:
        if not 0 < size <= MAX_BYTES:
            return None
        try:
            data = await asyncio.to_thread(path.read_bytes)
            return (await self._decoder.prepare(data, SIDE, SIDE))[0]
        except InvalidRequest as error:
            log.warning("%s cannot be shown: %s", path, error)
            return None

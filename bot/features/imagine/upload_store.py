"""Pictures chosen from a message, kept as files until their form is submitted."""

import asyncio
import contextlib
import hashlib
import shutil
import time
from datetime import datetime
from pathlib import Path

from bot.core.personal_data import PersonalData
from bot.db.faults import as_store_errors
from bot.db.files import read_whole, write_whole

KEPT_S = 24 * 3600.0
KEPT_EACH = 5  # the latest ones of each person


class UploadStore(PersonalData):
    """Files below ``folder``, accessible only to the person who chose them, for a day."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "uploads"

    async def save(self, person_id: int, content: bytes) -> str:
        """Store a person's file for a while; return the name to read it by.

        Raises StoreError.
        """
        return await asyncio.to_thread(self._save, person_id, content)

    async def read(self, person_id: int, sha256: str) -> bytes | None:
        """Return a person's file, or None if there is none of that name (any more)."""
        return await asyncio.to_thread(self._read, person_id, sha256)

    async def erase(self, person_id: int, now: datetime) -> int:  # noqa: ARG002
        """Remove all files of a person."""
        return await asyncio.to_thread(self._erase, person_id)

    async def tidy(self, now: datetime) -> None:  # noqa: ARG002
        """Remove files older than a day."""
        await asyncio.to_thread(self._expire)

    def _save(self, person_id: int, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        own = self._folder / str(person_id)
        write_whole(own / sha256, content)
        with as_store_errors():
            self._expire()
            latest_last = sorted(own.iterdir(), key=lambda file: file.stat().st_mtime_ns)
            for file in latest_last[:-KEPT_EACH]:
                file.unlink(missing_ok=True)
        return sha256

    def _erase(self, person_id: int) -> int:
        own = self._folder / str(person_id)
        count = sum(1 for _ in own.glob("*"))
        shutil.rmtree(own, ignore_errors=True)
        return count

    def _expire(self) -> None:
        for file in self._folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):  # already removed by somebody else
                if _is_old(file):
                    file.unlink()

    def _read(self, person_id: int, sha256: str) -> bytes | None:
        file = self._folder / str(person_id) / sha256
        with contextlib.suppress(FileNotFoundError):
            if not _is_old(file):
                return read_whole(file)
        return None


def _is_old(file: Path) -> bool:
    return time.time() - file.stat().st_mtime > KEPT_S

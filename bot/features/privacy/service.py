"""What is kept about a person: handed to them, or removed."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.core.personal_data import PersonalData
from bot.db.database import Database


class Privacy:
    """Asks everything that keeps something about people; ``kept`` may grow until the start."""

    def __init__(self, database: Database, kept: Sequence[PersonalData]) -> None:
        self._database = database
        self._kept = kept

    async def export(self, person_id: int, most_bytes: int) -> Sequence[bytes]:
        """Return everything that is kept about the person, in every server, as JSON files.

        One, or several of at most ``most_bytes`` each; every one can be read by itself.
        """
        everything: dict[str, Any] = {"person_id": person_id}
        for one in self._kept:
            if (theirs := await one.export(person_id)) is not None:
                everything[one.name] = theirs
        return await asyncio.to_thread(in_parts, everything, most_bytes)

    async def erase(self, person_id: int, now: datetime) -> Mapping[str, int]:
        """Remove what may go, and return how much that was, by what an export calls it.

        Raises NothingToDo while a job is on its way. Doing it twice changes nothing, so that what
        was interrupted can be done again. When this returns, the words cannot be read in the
        database's files any more, either.
        """
        erased = {one.name: await one.erase(person_id, now) for one in self._kept}
        await self._database.scrub()
        return erased


def in_parts(kept: Mapping[str, Any], most_bytes: int) -> Sequence[bytes]:
    """Return it as JSON, its lists dealt out to as many files as it takes."""
    if len(whole := _json(kept)) <= most_bytes:
        return [whole]
    alone = {name: value for name, value in kept.items() if not isinstance(value, list)}
    parts, room = [alone], most_bytes - len(_json(_numbered(alone)))
    for name, entries in kept.items():
        for entry in entries if isinstance(entries, list) else ():
            # Deeper in the file, each of its lines begins with two more blanks.
            text = _json(entry)
            size = len(text) + 2 * text.count(b"\n") + len(name) + 16
            if size > room:
                parts.append({"person_id": kept["person_id"]})
                room = most_bytes - len(_json(_numbered(parts[-1])))
            parts[-1].setdefault(name, []).append(entry)
            room -= size
    return [_json(_numbered(part, at, len(parts))) for at, part in enumerate(parts, 1)]


def _numbered(part: Mapping[str, Any], at: int = 10**6, of: int = 10**6) -> dict[str, Any]:
    return {"part": at, "parts": of, **part}


def _json(value: Any) -> bytes:  # noqa: ANN401
    return json.dumps(value, indent=1, ensure_ascii=False).encode(errors="replace")

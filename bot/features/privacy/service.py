"""Exporting and erasing what is kept about a person."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.core.personal_data import PersonalData
from bot.db.database import Database


class Privacy:
    """Asks every store of personal data; ``kept`` may grow until startup completes."""

    def __init__(self, database: Database, kept: Sequence[PersonalData]) -> None:
        self._database = database
        self._kept = kept

    async def export(self, person_id: int, most_bytes: int) -> Sequence[bytes]:
        """Return everything kept about the person, in every server, as JSON files.

        There may be several, of at most ``most_bytes`` each; every one is valid JSON by itself.
        """
        everything: dict[str, Any] = {"person_id": person_id}
        for one in self._kept:
            if (theirs := await one.export(person_id)) is not None:
                everything[one.name] = theirs
        return await asyncio.to_thread(in_parts, everything, most_bytes)

    async def erase(self, person_id: int, now: datetime) -> Mapping[str, int]:
        """Erase what can be erased; return how much, by the names used in an export.

        Raises NothingToDo while a job is open. Idempotent, so an interrupted erasure can be
        repeated. On return, the texts can no longer be recovered from the database's files either.
        """
        erased = {one.name: await one.erase(person_id, now) for one in self._kept}
        await self._database.scrub()
        return erased


def in_parts(kept: Mapping[str, Any], most_bytes: int) -> Sequence[bytes]:
    """Return it as JSON, its lists distributed over as many files as necessary."""
    if len(whole := _json(kept)) <= most_bytes:
        return [whole]
    alone = {name: value for name, value in kept.items() if not isinstance(value, list)}
    parts, room = [alone], most_bytes - len(_json(_numbered(alone)))
    for name, entries in kept.items():
        for entry in entries if isinstance(entries, list) else ():
            # Nested in the file, each of its lines is indented by two more spaces.
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

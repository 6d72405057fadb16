"""Prompt filters per server."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection, Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from bot.core.audit_store import NewAuditEntry
from bot.core.personal_data import Fate, PersonalData
from bot.db.database import FILE_NAME, Database
from bot.db.errors import StoreUnwritable
from bot.db.models import FilterRow
from bot.db.records import Filter, FilterAction, FilterKind, FilterStrictness


class FilterStands(Exception):
    """The server already has a filter of this kind and pattern."""


def stored(folder: Path) -> Sequence[Filter]:
    """Return every server's filters, read-only and from any database version.

    They lack strictness; without a database there are none. Raises StoreUnwritable.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return []
    columns = "SELECT id, guild_id, pattern, kind, action FROM filters ORDER BY id"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(columns).fetchall()
    except sqlite3.Error as error:
        raise StoreUnwritable(f"{path}: {error}") from error
    return [
        Filter(
            id=id_,
            guild_id=guild_id,
            pattern=pattern,
            kind=FilterKind(kind),
            action=FilterAction(action),
        )
        for id_, guild_id, pattern, kind, action in rows
    ]


class FilterStore(PersonalData):
    """The filters table, kept in memory: every prompt is checked against them.

    Call `load` first.
    """

    texts: ClassVar = {
        "filters": dict.fromkeys(("pattern", "kind", "action", "strictness"), Fate.STAYS)
    }

    def __init__(self, database: Database) -> None:
        self._database = database
        self._filters: dict[int, dict[int, Filter]] = {}  # by server and id, oldest first
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Register a listener for added and removed filters."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Read the table."""
        every = select(*FilterRow.__table__.columns).order_by(FilterRow.id)

        def find(connection: Connection) -> list[Filter]:
            return [_filter(row) for row in connection.execute(every)]

        found = await self._database.read(find)
        self._filters.clear()
        for one in found:
            self._put(one)

    async def add(
        self,
        entry: NewAuditEntry,
        *,
        pattern: str,
        kind: FilterKind,
        action: FilterAction,
        strictness: FilterStrictness = FilterStrictness.WHOLE,
    ) -> Filter:
        """Add a filter to the entry's server; raises FilterStands."""
        values: dict[str, Any] = {
            "guild_id": entry.guild_id,
            "pattern": pattern,
            "kind": kind,
            "action": action,
            "strictness": strictness,
        }

        def write(connection: Connection) -> Filter:
            key = connection.execute(insert(FilterRow), values).inserted_primary_key
            assert key is not None  # noqa: S101 - it is one row
            entry.write(connection)
            return Filter(id=key[0], **values)

        try:
            return await self._database.write(write, self._put)
        except IntegrityError as error:
            raise FilterStands from error

    async def remove(self, entry: NewAuditEntry, filter_id: int) -> bool:
        """Remove a filter of the entry's server; False if there is none."""
        here = delete(FilterRow).where(
            FilterRow.id == filter_id, FilterRow.guild_id == entry.guild_id
        )

        def write(connection: Connection) -> bool:
            if not connection.execute(here).rowcount:
                return False
            entry.write(connection)
            return True

        def committed(removed: bool) -> None:
            if removed:
                self._filters[entry.guild_id].pop(filter_id, None)
                self._changed()

        return await self._database.write(write, committed)

    def get(self, filter_id: int, guild_id: int) -> Filter | None:
        """Return a filter of a server, or None."""
        return self._filters.get(guild_id, {}).get(filter_id)

    def of(self, guild_ids: set[int]) -> Sequence[Filter]:
        """Return the filters of these servers, oldest first."""
        found = [one for guild_id in guild_ids for one in self._filters.get(guild_id, {}).values()]
        return sorted(found, key=lambda one: one.id)

    def page(self, guild_id: int, *, before: int | None, limit: int) -> Sequence[Filter]:
        """Return a server's filters older than filter ``before``, newest first."""
        found = [one for one in self.of({guild_id}) if before is None or one.id < before]
        return found[::-1][:limit]

    def _put(self, one: Filter) -> None:
        self._filters.setdefault(one.guild_id, {})[one.id] = one
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()


def _filter(row: Row[Any]) -> Filter:
    return Filter(
        id=row.id,
        guild_id=row.guild_id,
        pattern=row.pattern,
        kind=FilterKind(row.kind),
        action=FilterAction(row.action),
        strictness=FilterStrictness(row.strictness),
    )

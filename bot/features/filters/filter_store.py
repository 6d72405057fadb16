"""Prompt filters per server."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from sqlalchemy import delete, func, select
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
    """The filters table."""

    texts: ClassVar = {
        "filters": dict.fromkeys(("pattern", "kind", "action", "strictness"), Fate.STAYS)
    }

    def __init__(self, database: Database) -> None:
        self._database = database

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
        row = FilterRow(
            guild_id=entry.guild_id,
            pattern=pattern,
            kind=kind,
            action=action,
            strictness=strictness,
        )
        try:
            async with self._database.write() as session:
                session.add_all([row, entry.row()])
                await session.flush()
                return _filter(row)
        except IntegrityError as error:
            raise FilterStands from error

    async def remove(self, entry: NewAuditEntry, filter_id: int) -> bool:
        """Remove a filter of the entry's server; False if there is none."""
        async with self._database.write() as session:
            removed = await session.scalars(
                delete(FilterRow)
                .where(FilterRow.id == filter_id, FilterRow.guild_id == entry.guild_id)
                .returning(FilterRow.id)
            )
            if removed.one_or_none() is None:
                return False
            session.add(entry.row())
            return True

    async def get(self, filter_id: int, guild_id: int) -> Filter | None:
        """Return a filter of a server, or None."""
        query = select(FilterRow).where(FilterRow.id == filter_id, FilterRow.guild_id == guild_id)
        async with self._database.read() as session:
            row = await session.scalar(query)
            return None if row is None else _filter(row)

    async def of(self, guild_ids: set[int]) -> Sequence[Filter]:
        """Return the filters of these servers, oldest first."""
        query = select(FilterRow).where(FilterRow.guild_id.in_(guild_ids)).order_by(FilterRow.id)
        async with self._database.read() as session:
            return [_filter(row) for row in await session.scalars(query)]

    async def page(self, guild_id: int, *, before: int | None, limit: int) -> Sequence[Filter]:
        """Return a server's filters older than filter ``before``, newest first."""
        query = select(FilterRow).where(FilterRow.guild_id == guild_id)
        if before is not None:
            query = query.where(FilterRow.id < before)
        async with self._database.read() as session:
            rows = await session.scalars(query.order_by(FilterRow.id.desc()).limit(limit))
            return [_filter(row) for row in rows]

    async def count(self, guild_id: int) -> int:
        """Count a server's filters."""
        query = select(func.count()).select_from(FilterRow).where(FilterRow.guild_id == guild_id)
        async with self._database.read() as session:
            return await session.scalar(query) or 0


def _filter(row: FilterRow) -> Filter:
    return Filter(
        id=row.id,
        guild_id=row.guild_id,
        pattern=row.pattern,
        kind=FilterKind(row.kind),
        action=FilterAction(row.action),
        strictness=FilterStrictness(row.strictness),
    )

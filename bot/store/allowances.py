"""Allowances: what moderators granted people and roles beside a server's quota."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import and_, or_, select

from bot.store.audit import Deed
from bot.store.database import Database
from bot.store.models import AllowanceRow
from bot.store.records import Allowance, Holder

MOST_EXTRA = 10_000  # pictures of one grant


class AllowanceStore:
    """The allowances table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(
        self, guild_id: int, person_id: int, role_ids: Collection[int]
    ) -> Sequence[Allowance]:
        """Return a person's own allowance in a server, where there is one, and their roles'."""
        theirs = or_(
            and_(AllowanceRow.holder == Holder.PERSON, AllowanceRow.holder_id == person_id),
            and_(AllowanceRow.holder == Holder.ROLE, AllowanceRow.holder_id.in_(role_ids)),
        )
        query = select(AllowanceRow).where(AllowanceRow.guild_id == guild_id, theirs)
        async with self._database.read() as session:
            return [_allowance(row) for row in await session.scalars(query)]

    async def get(self, guild_id: int, holder: Holder, holder_id: int) -> Allowance:
        """Return what was granted; without a row, an allowance that grants nothing."""
        async with self._database.read() as session:
            row = await session.get(AllowanceRow, (guild_id, holder, holder_id))
            if row is not None:
                return _allowance(row)
        return Allowance(guild_id=guild_id, holder=holder, holder_id=holder_id)

    async def of_person(self, person_id: int) -> Sequence[Allowance]:
        """Return a person's own allowances, in every server."""
        query = select(AllowanceRow).where(
            AllowanceRow.holder == Holder.PERSON, AllowanceRow.holder_id == person_id
        )
        async with self._database.read() as session:
            return [_allowance(row) for row in await session.scalars(query)]

    async def change(self, before: Allowance, deed: Deed, **changes: Any) -> Allowance:  # noqa: ANN401
        """Change what the holder has, and write down who did; return what they have then.

        ``extra`` is added to what they have on the same ``extra_on``.
        """
        key = (before.guild_id, before.holder, before.holder_id)
        async with self._database.write() as session:
            row = await session.get(AllowanceRow, key)
            held = before if row is None else _allowance(row)
            if "extra" in changes and held.extra_on == changes["extra_on"]:
                changes["extra"] += held.extra
            after = replace(held, **changes)
            await session.merge(AllowanceRow(**asdict(after)))
            session.add(deed.row())
        return after


def _allowance(row: AllowanceRow) -> Allowance:
    return Allowance(
        guild_id=row.guild_id,
        holder=Holder(row.holder),
        holder_id=row.holder_id,
        pictures_per_day=row.pictures_per_day,
        extra=row.extra,
        extra_on=row.extra_on,
        counted_from=row.counted_from,
    )

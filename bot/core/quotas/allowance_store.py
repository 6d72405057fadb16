"""Allowances: what moderators grant people and roles on top of a server's quota."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

from sqlalchemy import select

from bot.core.audit_store import NewAuditEntry
from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import AllowanceRow
from bot.db.records import Allowance, Holder

MOST_EXTRA = 10_000  # pictures in one grant


class AllowanceStore(PersonalData):
    """The allowances table, kept in memory: every request reads it, and rows are few.

    Call `load` first.
    """

    name = "quotas"
    texts: ClassVar = {"allowances": {"holder": Fate.STAYS}}

    def __init__(self, database: Database) -> None:
        self._database = database
        self._granted: dict[tuple[int, Holder, int], Allowance] = {}

    async def load(self) -> None:
        """Read the table."""
        async with self._database.read() as session:
            granted = [_allowance(row) for row in await session.scalars(select(AllowanceRow))]
        self._granted = {_key(one): one for one in granted}

    def of(self, guild_id: int, person_id: int, role_ids: Collection[int]) -> Sequence[Allowance]:
        """Return a person's own allowance in a server, if any, and those of their roles."""
        holders = [(Holder.PERSON, person_id), *((Holder.ROLE, role_id) for role_id in role_ids)]
        found = [self._granted.get((guild_id, *holder)) for holder in holders]
        return [one for one in found if one is not None]

    def get(self, guild_id: int, holder: Holder, holder_id: int) -> Allowance:
        """Return the allowance; without a row, one that grants nothing."""
        none = Allowance(guild_id=guild_id, holder=holder, holder_id=holder_id)
        return self._granted.get((guild_id, holder, holder_id), none)

    async def export(self, person_id: int) -> list[dict[str, Any]]:
        """Return a person's own allowances in every server.

        Erasure keeps them, as decisions of moderators.
        """
        own = (Holder.PERSON, person_id)
        return [
            {
                "server": one.guild_id,
                "pictures_per_day": one.pictures_per_day,
                "extra": one.extra,
                "extra_on": one.extra_on and one.extra_on.isoformat(),
                "counted_from": one.counted_from and one.counted_from.isoformat(),
            }
            for one in self._granted.values()
            if (one.holder, one.holder_id) == own
        ]

    async def change(self, before: Allowance, entry: NewAuditEntry, **changes: Any) -> Allowance:  # noqa: ANN401
        """Change the holder's allowance and record who did it; return the new one.

        ``extra`` is added to the extra pictures of the same ``extra_on`` day.
        """
        async with self._database.write() as session:
            row = await session.get(AllowanceRow, _key(before))
            held = before if row is None else _allowance(row)
            if "extra" in changes and held.extra_on == changes["extra_on"]:
                changes["extra"] += held.extra
            after = replace(held, **changes)
            await session.merge(AllowanceRow(**asdict(after)))
            session.add(entry.row())
        self._granted[_key(after)] = after
        return after


def _key(one: Allowance) -> tuple[int, Holder, int]:
    return one.guild_id, one.holder, one.holder_id


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

"""Allowances: what moderators grant people and roles on top of a server's quota."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.sqlite import insert

from bot.core.audit_store import NewAuditEntry
from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import AllowanceRow
from bot.db.records import Allowance, Holder

KEY = ("guild_id", "holder", "holder_id")
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
        every = select(*AllowanceRow.__table__.columns)

        def find(connection: Connection) -> list[Allowance]:
            return [_allowance(row) for row in connection.execute(every)]

        self._granted = {_key(one): one for one in await self._database.read(find)}

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
        theirs = select(*AllowanceRow.__table__.columns).where(
            AllowanceRow.guild_id == before.guild_id,
            AllowanceRow.holder == before.holder,
            AllowanceRow.holder_id == before.holder_id,
        )

        def write(connection: Connection) -> Allowance:
            row = connection.execute(theirs).one_or_none()
            held = before if row is None else _allowance(row)
            extra = changes.get("extra", held.extra)
            if "extra" in changes and held.extra_on == changes["extra_on"]:
                extra += held.extra
            after = replace(held, **{**changes, "extra": extra})
            values = asdict(after)
            put = insert(AllowanceRow).values(values)
            connection.execute(put.on_conflict_do_update(index_elements=KEY, set_=values))
            entry.write(connection)
            return after

        return await self._database.write(write, self._put)

    def _put(self, allowance: Allowance) -> None:
        self._granted[_key(allowance)] = allowance


def _key(one: Allowance) -> tuple[int, Holder, int]:
    return one.guild_id, one.holder, one.holder_id


def _allowance(row: Row[Any]) -> Allowance:
    return Allowance(
        guild_id=row.guild_id,
        holder=Holder(row.holder),
        holder_id=row.holder_id,
        pictures_per_day=row.pictures_per_day,
        extra=row.extra,
        extra_on=row.extra_on,
        counted_from=row.counted_from,
    )

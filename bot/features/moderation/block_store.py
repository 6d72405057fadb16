"""Blocks: who may not generate, where, and until when."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, select, update

from bot.core.audit_store import NewAuditEntry
from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import BlockRow
from bot.db.records import EVERYWHERE, Block

FOR_EVER = datetime.max.replace(tzinfo=UTC)


class BlockStore(PersonalData):
    """The blocks table; lifted and expired ones stay on record.

    Unlifted ones are kept in memory, since every request is checked against them. Call `load`
    first.
    """

    name = "blocks"
    texts: ClassVar = {"blocks": {"reason": Fate.STAYS}}

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unlifted: dict[tuple[int, int], Block] = {}  # by server and person

    async def load(self) -> None:
        """Read the unlifted blocks, including expired ones."""
        query = select(BlockRow).where(BlockRow.lifted_at.is_(None))
        async with self._database.read() as session:
            blocks = [_block(row) for row in await session.scalars(query)]
        self._unlifted = {(block.guild_id, block.person_id): block for block in blocks}

    async def add(self, entry: NewAuditEntry, *, reason: str, until: datetime | None) -> Block:
        """Block the entry's target in its server, replacing any earlier block."""
        now = datetime.now(UTC)
        row = BlockRow(
            guild_id=entry.guild_id,
            person_id=entry.person_id,
            reason=reason,
            by_id=entry.moderator_id,
            made_at=now,
            until=until,
        )
        async with self._database.write() as session:
            await session.execute(
                update(BlockRow)
                .where(*_of(entry), BlockRow.lifted_at.is_(None))
                .values(lifted_at=now)
            )
            session.add_all([row, entry.row()])
        block = _block(row)
        self._unlifted[block.guild_id, block.person_id] = block
        return block

    async def lift(self, entry: NewAuditEntry, at: datetime) -> bool:
        """End the block of the entry's target; False if there is none."""
        async with self._database.write() as session:
            lifted = await session.scalars(
                update(BlockRow)
                .where(*_of(entry), *_holding(at))
                .values(lifted_at=at)
                .returning(BlockRow.person_id)
            )
            person_id = lifted.first()
            if person_id is None:
                return False
            session.add(entry.row())
        self._unlifted.pop((entry.guild_id, person_id), None)
        return True

    def holding(self, person_id: int, guild_id: int | None, at: datetime) -> Block | None:
        """Return the longest block of a person that applies there, or None."""
        found = [
            block
            for server in {EVERYWHERE, guild_id or EVERYWHERE}
            if (block := self._unlifted.get((server, person_id))) is not None
            and (block.until is None or block.until > at)
        ]
        return max(found, key=lambda block: block.until or FOR_EVER, default=None)

    async def page(
        self, guild_id: int, at: datetime, *, before: int | None, limit: int
    ) -> Sequence[Block]:
        """Return a server's active blocks older than block ``before``, newest first."""
        query = select(BlockRow).where(BlockRow.guild_id == guild_id, *_holding(at))
        if before is not None:
            query = query.where(BlockRow.id < before)
        async with self._database.read() as session:
            rows = await session.scalars(query.order_by(BlockRow.id.desc()).limit(limit))
            return [_block(row) for row in rows]

    async def of_person(self, person_id: int) -> Sequence[Block]:
        """Return every block of a person, in every server, oldest first."""
        query = select(BlockRow).where(BlockRow.person_id == person_id).order_by(BlockRow.id)
        async with self._database.read() as session:
            return [_block(row) for row in await session.scalars(query)]

    async def export(self, person_id: int) -> list[dict[str, Any]]:
        """Return every block of a person; erasure keeps them, as they are moderators' decisions."""
        return [
            {
                "server": block.guild_id or None,
                "made_at": block.made_at.isoformat(),
                "until": block.until and block.until.isoformat(),
                "lifted_at": block.lifted_at and block.lifted_at.isoformat(),
                "reason": block.reason,
            }
            for block in await self.of_person(person_id)
        ]


def _of(entry: NewAuditEntry) -> tuple[ColumnElement[bool], ...]:
    return BlockRow.guild_id == entry.guild_id, BlockRow.person_id == entry.person_id


def _holding(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return BlockRow.lifted_at.is_(None), BlockRow.until.is_(None) | (BlockRow.until > at)


def _block(row: BlockRow) -> Block:
    return Block(
        id=row.id,
        guild_id=row.guild_id,
        person_id=row.person_id,
        reason=row.reason,
        by_id=row.by_id,
        made_at=row.made_at,
        until=row.until,
        lifted_at=row.lifted_at,
    )

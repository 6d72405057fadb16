"""Blocks: who may not generate, where, and until when."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Connection, Select, insert, select, update

from bot.core.audit_store import NewAuditEntry
from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import BlockRow
from bot.db.records import EVERYWHERE, Block

_BLOCKS = select(*BlockRow.__table__.columns)
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
        found = await self._find(_BLOCKS.where(BlockRow.lifted_at.is_(None)))
        self._unlifted = {(block.guild_id, block.person_id): block for block in found}

    async def add(self, entry: NewAuditEntry, *, reason: str, until: datetime | None) -> Block:
        """Block the entry's target in its server, replacing any earlier block."""
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "guild_id": entry.guild_id,
            "person_id": entry.person_id,
            "reason": reason,
            "by_id": entry.moderator_id,
            "made_at": now,
            "until": until,
        }
        earlier = update(BlockRow).where(*_of(entry), BlockRow.lifted_at.is_(None))
        earlier = earlier.values(lifted_at=now)

        def write(connection: Connection) -> Block:
            connection.execute(earlier)
            key = connection.execute(insert(BlockRow), values).inserted_primary_key
            assert key is not None  # noqa: S101 - it is one row
            entry.write(connection)
            return Block(id=key[0], **values)

        return await self._database.write(write, self._put)

    async def lift(self, entry: NewAuditEntry, at: datetime) -> bool:
        """End the block of the entry's target; False if there is none."""
        lift = update(BlockRow).where(*_of(entry), *_holding(at)).values(lifted_at=at)

        def write(connection: Connection) -> bool:
            if not connection.execute(lift).rowcount:
                return False
            entry.write(connection)
            return True

        def committed(lifted: bool) -> None:
            if lifted and entry.person_id is not None:
                self._unlifted.pop((entry.guild_id, entry.person_id), None)

        return await self._database.write(write, committed)

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
        query = _BLOCKS.where(BlockRow.guild_id == guild_id, *_holding(at))
        if before is not None:
            query = query.where(BlockRow.id < before)
        return await self._find(query.order_by(BlockRow.id.desc()).limit(limit))

    async def of_person(self, person_id: int) -> Sequence[Block]:
        """Return every block of a person, in every server, oldest first."""
        return await self._find(
            _BLOCKS.where(BlockRow.person_id == person_id).order_by(BlockRow.id)
        )

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

    async def _find(self, query: Select[Any]) -> list[Block]:
        def find(connection: Connection) -> list[Block]:
            return [Block(**row) for row in connection.execute(query).mappings()]

        return await self._database.read(find)

    def _put(self, block: Block) -> None:
        self._unlifted[block.guild_id, block.person_id] = block


def _of(entry: NewAuditEntry) -> tuple[ColumnElement[bool], ...]:
    return BlockRow.guild_id == entry.guild_id, BlockRow.person_id == entry.person_id


def _holding(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return BlockRow.lifted_at.is_(None), BlockRow.until.is_(None) | (BlockRow.until > at)

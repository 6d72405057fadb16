"""The audit trail of moderators' actions. Database triggers refuse any change to a row."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import or_, select

from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import AuditRow
from bot.db.records import AuditAction, AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAuditEntry:
    """A moderator's action, to be recorded."""

    guild_id: int
    moderator_id: int
    action: AuditAction
    detail: str
    person_id: int | None = None
    job_id: int | None = None

    def row(self) -> AuditRow:
        """Return its row, to be added in the same transaction as the action itself."""
        return AuditRow(**asdict(self), made_at=datetime.now(UTC))


class AuditStore(PersonalData):
    """The audit table."""

    texts: ClassVar = {"audit": {"action": Fate.STAYS, "detail": Fate.STAYS}}

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: NewAuditEntry) -> None:
        """Record an action; raises StoreBusy."""
        async with self._database.write() as session:
            session.add(entry.row())

    async def page(
        self,
        guild_id: int,
        *,
        before: int | None,
        limit: int,
        person_id: int | None = None,
        moderator_id: int | None = None,
        action: str | None = None,
    ) -> Sequence[AuditEntry]:
        """Return a server's entries before entry ``before``, newest first.

        Optionally filtered by target, moderator, and action; "quota" matches every action that
        begins with that word.
        """
        query = select(AuditRow).where(AuditRow.guild_id == guild_id)
        if person_id is not None:
            query = query.where(AuditRow.person_id == person_id)
        if moderator_id is not None:
            query = query.where(AuditRow.moderator_id == moderator_id)
        if action is not None:
            began = AuditRow.action.startswith(f"{action} ", autoescape=True)
            query = query.where(or_(AuditRow.action == action, began))
        if before is not None:
            query = query.where(AuditRow.id < before)
        async with self._database.read() as session:
            rows = await session.scalars(query.order_by(AuditRow.id.desc()).limit(limit))
            return [_entry(row) for row in rows]


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        guild_id=row.guild_id,
        moderator_id=row.moderator_id,
        action=row.action,
        person_id=row.person_id,
        job_id=row.job_id,
        detail=row.detail,
        made_at=row.made_at,
    )

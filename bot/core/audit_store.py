"""The audit trail of moderators' actions. Database triggers refuse any change to a row."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import Connection, insert, or_, select

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

    def write(self, connection: Connection) -> None:
        """Write its row, in the same transaction as the action itself."""
        connection.execute(insert(AuditRow), {**asdict(self), "made_at": datetime.now(UTC)})


class AuditStore(PersonalData):
    """The audit table."""

    texts: ClassVar = {"audit": {"action": Fate.STAYS, "detail": Fate.STAYS}}

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: NewAuditEntry) -> None:
        """Record an action; raises StoreBusy."""
        await self._database.write(entry.write)

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
        query = select(*AuditRow.__table__.columns).where(AuditRow.guild_id == guild_id)
        if person_id is not None:
            query = query.where(AuditRow.person_id == person_id)
        if moderator_id is not None:
            query = query.where(AuditRow.moderator_id == moderator_id)
        if action is not None:
            began = AuditRow.action.startswith(f"{action} ", autoescape=True)
            query = query.where(or_(AuditRow.action == action, began))
        if before is not None:
            query = query.where(AuditRow.id < before)
        query = query.order_by(AuditRow.id.desc()).limit(limit)

        def find(connection: Connection) -> list[AuditEntry]:
            return [AuditEntry(**row) for row in connection.execute(query).mappings()]

        return await self._database.read(find)

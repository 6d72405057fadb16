"""Refusals: requests that did not become jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Connection, insert, select, update

from bot.core.erasing import ERASED, NOBODY
from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import RefusalRow
from bot.db.records import Origin, Refusal

_ADD = insert(RefusalRow)


class RefusalStore(PersonalData):
    """The refusals table."""

    name = "refused"
    texts: ClassVar = {"refusals": {"why": Fate.STAYS, "prompt": Fate.WORDS}}

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, origin: Origin, *, why: str, prompt: str) -> None:
        """Record a refused request; raises StoreBusy."""
        values = {
            "guild_id": origin.guild_id,
            "channel_id": origin.channel_id,
            "person_id": origin.person_id,
            "why": why,
            "prompt": prompt,
            "asked_at": origin.asked_at,
        }
        await self._database.write(lambda connection: connection.execute(_ADD, values).rowcount)

    async def of_person(self, person_id: int) -> Sequence[Refusal]:
        """Return a person's refusals in every server, oldest first."""
        query = select(*RefusalRow.__table__.columns).where(RefusalRow.person_id == person_id)
        query = query.order_by(RefusalRow.id)

        def find(connection: Connection) -> list[Refusal]:
            return [Refusal(**row) for row in connection.execute(query).mappings()]

        return await self._database.read(find)

    async def export(self, person_id: int) -> list[dict[str, Any]]:
        """Return a person's refusals in every server, for an export."""
        return [
            {
                "asked_at": one.asked_at.isoformat(),
                "server": one.guild_id,
                "channel": one.channel_id,
                "prompt": one.prompt,
                "why": one.why,
            }
            for one in await self.of_person(person_id)
        ]

    async def erase(self, person_id: int, now: datetime) -> int:  # noqa: ARG002
        """Anonymize the refusals and remove their prompts."""
        theirs = update(RefusalRow).where(RefusalRow.person_id == person_id)
        nobodys = theirs.values(person_id=NOBODY, prompt=ERASED)
        return await self._database.write(lambda connection: connection.execute(nobodys).rowcount)

    async def expire_words(self, before: datetime, count: int) -> int:
        """Remove the prompts of at most this many older refusals; return how many."""
        expired = (
            select(RefusalRow.id)
            .where(RefusalRow.prompt != ERASED, RefusalRow.asked_at < before)
            .limit(count)
        )
        erase = update(RefusalRow).where(RefusalRow.id.in_(expired)).values(prompt=ERASED)
        return await self._database.write(lambda connection: connection.execute(erase).rowcount)

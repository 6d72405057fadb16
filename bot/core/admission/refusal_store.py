"""Refusals: requests that did not become jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import select, update

from bot.core.erasing import ERASED, NOBODY
from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import RefusalRow
from bot.db.records import Origin, Refusal


class RefusalStore(PersonalData):
    """The refusals table."""

    name = "refused"
    texts: ClassVar = {"refusals": {"why": Fate.STAYS, "prompt": Fate.WORDS}}

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, origin: Origin, *, why: str, prompt: str) -> None:
        """Record a refused request; raises StoreBusy."""
        row = RefusalRow(
            guild_id=origin.guild_id,
            channel_id=origin.channel_id,
            person_id=origin.person_id,
            why=why,
            prompt=prompt,
            asked_at=origin.asked_at,
        )
        async with self._database.write() as session:
            session.add(row)

    async def of_person(self, person_id: int) -> Sequence[Refusal]:
        """Return a person's refusals in every server, oldest first."""
        query = select(RefusalRow).where(RefusalRow.person_id == person_id).order_by(RefusalRow.id)
        async with self._database.read() as session:
            return [_refusal(row) for row in await session.scalars(query)]

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
        nobodys = theirs.values(person_id=NOBODY, prompt=ERASED).returning(RefusalRow.id)
        async with self._database.write() as session:
            return len((await session.scalars(nobodys)).all())

    async def expire_words(self, before: datetime, count: int) -> int:
        """Remove the prompts of at most this many older refusals; return how many."""
        expired = (
            select(RefusalRow.id)
            .where(RefusalRow.prompt != ERASED, RefusalRow.asked_at < before)
            .limit(count)
        )
        async with self._database.write() as session:
            ids = (await session.scalars(expired)).all()
            await session.execute(
                update(RefusalRow).where(RefusalRow.id.in_(ids)).values(prompt=ERASED)
            )
        return len(ids)


def _refusal(row: RefusalRow) -> Refusal:
    return Refusal(
        id=row.id,
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        person_id=row.person_id,
        why=row.why,
        prompt=row.prompt,
        asked_at=row.asked_at,
    )

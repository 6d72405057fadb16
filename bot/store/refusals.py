"""Refusals: wishes that became no job."""

from collections.abc import Sequence

from sqlalchemy import select

from bot.store.database import Database
from bot.store.models import RefusalRow
from bot.store.records import Origin, Refusal


class RefusalStore:
    """The refusals table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, origin: Origin, *, why: str, prompt: str) -> None:
        """Write down a wish that was refused; raises StoreBusy."""
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
        """Return what a person was refused, in every server, the first one first."""
        query = select(RefusalRow).where(RefusalRow.person_id == person_id).order_by(RefusalRow.id)
        async with self._database.read() as session:
            return [_refusal(row) for row in await session.scalars(query)]


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

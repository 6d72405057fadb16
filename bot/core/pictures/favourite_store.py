"""Favourites: the jobs a person has marked."""

from datetime import UTC, datetime

from sqlalchemy import delete, select

from bot.core.personal_data import PersonalData
from bot.db.database import Database
from bot.db.models import FavouriteRow


class FavouriteStore(PersonalData):
    """The favourites table."""

    name = "favourites"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def toggle(self, *, person_id: int, job_id: int) -> bool:
        """Toggle whether a job is a person's favourite; return whether it is now."""
        async with self._database.write() as session:
            removed = await session.scalars(
                delete(FavouriteRow)
                .where(FavouriteRow.person_id == person_id, FavouriteRow.job_id == job_id)
                .returning(FavouriteRow.job_id)
            )
            if removed.one_or_none() is not None:
                return False
            session.add(
                FavouriteRow(person_id=person_id, job_id=job_id, added_at=datetime.now(UTC))
            )
        return True

    async def export(self, person_id: int) -> list[int]:
        """Return the ids of a person's favourites, oldest first."""
        query = (
            select(FavouriteRow.job_id)
            .where(FavouriteRow.person_id == person_id)
            .order_by(FavouriteRow.added_at, FavouriteRow.job_id)
        )
        async with self._database.read() as session:
            return list(await session.scalars(query))

    async def erase(self, person_id: int, now: datetime) -> int:  # noqa: ARG002
        """Remove all of a person's favourites."""
        theirs = delete(FavouriteRow).where(FavouriteRow.person_id == person_id)
        async with self._database.write() as session:
            return len((await session.scalars(theirs.returning(FavouriteRow.job_id))).all())

    async def has(self, *, person_id: int, job_id: int) -> bool:
        """Tell whether a job is a person's favourite."""
        query = select(FavouriteRow.job_id).where(
            FavouriteRow.person_id == person_id, FavouriteRow.job_id == job_id
        )
        async with self._database.read() as session:
            return await session.scalar(query) is not None

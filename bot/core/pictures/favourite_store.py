"""Favourites: the jobs a person has marked."""

from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from bot.core.personal_data import PersonalData
from bot.db.database import Database
from bot.db.models import FavouriteRow

_ADD = insert(FavouriteRow)
_REMOVE = delete(FavouriteRow).where(
    FavouriteRow.person_id == bindparam("person"), FavouriteRow.job_id == bindparam("job")
)
_HAS = select(FavouriteRow.job_id).where(
    FavouriteRow.person_id == bindparam("person"), FavouriteRow.job_id == bindparam("job")
)


class FavouriteStore(PersonalData):
    """The favourites table."""

    name = "favourites"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def toggle(self, *, person_id: int, job_id: int) -> bool:
        """Toggle whether a job is a person's favourite; return whether it is now."""
        values = {"person_id": person_id, "job_id": job_id, "added_at": datetime.now(UTC)}

        def write(connection: Connection) -> bool:
            added = not connection.execute(_REMOVE, {"person": person_id, "job": job_id}).rowcount
            if added:
                connection.execute(_ADD, values)
            return added

        return await self._database.write(write)

    async def export(self, person_id: int) -> list[int]:
        """Return the ids of a person's favourites, oldest first."""
        query = (
            select(FavouriteRow.job_id)
            .where(FavouriteRow.person_id == person_id)
            .order_by(FavouriteRow.added_at, FavouriteRow.job_id)
        )
        return await self._database.read(lambda connection: list(connection.scalars(query)))

    async def erase(self, person_id: int, now: datetime) -> int:  # noqa: ARG002
        """Remove all of a person's favourites."""
        theirs = delete(FavouriteRow).where(FavouriteRow.person_id == person_id)
        return await self._database.write(lambda connection: connection.execute(theirs).rowcount)

    async def has(self, *, person_id: int, job_id: int) -> bool:
        """Tell whether a job is a person's favourite."""
        one = {"person": person_id, "job": job_id}
        return await self._database.read(
            lambda connection: connection.scalar(_HAS, one) is not None
        )

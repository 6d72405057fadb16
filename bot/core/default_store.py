"""A person's own defaults."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import delete

from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import DefaultsRow
from bot.options.image_options import ImageOptions, from_json
from bot.options.registry import Layer


class DefaultsStore(PersonalData):
    """The defaults table."""

    name = "defaults"
    texts: ClassVar = {"defaults": {"defaults": Fate.ERASED}}

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, person_id: int) -> ImageOptions:
        """Return a person's defaults; values that are no longer valid are left out."""
        async with self._database.read() as session:
            row = await session.get(DefaultsRow, person_id)
            return _options(row)

    async def change(self, person_id: int, changes: Mapping[str, Any]) -> ImageOptions:
        """Change fields (None resets one); raises InvalidRequest and StoreBusy."""
        async with self._database.write() as session:
            row = await session.get(DefaultsRow, person_id)
            after = _options(row).changed(changes)
            await session.merge(
                DefaultsRow(
                    person_id=person_id, defaults=after.to_json(), changed_at=datetime.now(UTC)
                )
            )
        return after

    async def export(self, person_id: int) -> Mapping[str, Any]:
        """Return a person's defaults, for an export."""
        return dict(await self.get(person_id))

    async def erase(self, person_id: int, now: datetime) -> int:  # noqa: ARG002
        """Remove a person's defaults."""
        theirs = delete(DefaultsRow).where(DefaultsRow.person_id == person_id)
        async with self._database.write() as session:
            return len((await session.scalars(theirs.returning(DefaultsRow.person_id))).all())


def _options(row: DefaultsRow | None) -> ImageOptions:
    return ImageOptions() if row is None else from_json(row.defaults, Layer.PERSON)[0]

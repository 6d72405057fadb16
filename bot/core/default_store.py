"""A person's own defaults."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from bot.core.kept import Kept
from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import DefaultsRow
from bot.options.image_options import ImageOptions, from_json
from bot.options.registry import Layer

KEPT = 10_000  # people's defaults in memory, about a kilobyte each
NOTHING = ImageOptions()


class DefaultsStore(PersonalData):
    """The defaults table, kept in memory: every request reads it.

    Call `load` first. Where more people have defaults than are kept, others are read when they ask.
    """

    name = "defaults"
    texts: ClassVar = {"defaults": {"defaults": Fate.ERASED}}

    def __init__(self, database: Database, kept: int = KEPT) -> None:
        self._database = database
        self._most = kept
        self._kept: Kept[int, ImageOptions] = Kept(kept)
        self._whole = False  # whether who is not in memory has no defaults

    async def load(self) -> None:
        """Read the defaults, those that were changed last if there are too many."""
        query = select(DefaultsRow.person_id, DefaultsRow.defaults)
        query = query.order_by(DefaultsRow.changed_at.desc()).limit(self._most + 1)

        def find(connection: Connection) -> list[tuple[int, ImageOptions]]:
            return [(person, _options(json)) for person, json in connection.execute(query)]

        found = await self._database.read(find)
        self._whole = len(found) <= self._most
        for person_id, options in reversed(found):
            self._kept.put(person_id, options)

    async def get(self, person_id: int) -> ImageOptions:
        """Return a person's defaults; values that are no longer valid are left out."""
        if self._whole:
            return self._kept.get(person_id) or NOTHING
        return await self._kept.get_or_read(person_id, partial(self._read, person_id))

    async def change(self, person_id: int, changes: Mapping[str, Any]) -> ImageOptions:
        """Change fields (None resets one); raises InvalidRequest and StoreBusy."""
        NOTHING.changed(changes)  # what is wrong with them is said here, in the person's language

        def write(connection: Connection) -> ImageOptions:
            after = _find(connection, person_id).changed(changes)
            row = {"defaults": after.to_json(), "changed_at": datetime.now(UTC)}
            put = insert(DefaultsRow).values(person_id=person_id, **row)
            connection.execute(put.on_conflict_do_update(index_elements=["person_id"], set_=row))
            return after

        return await self._database.write(write, partial(self._put, person_id))

    async def export(self, person_id: int) -> Mapping[str, Any]:
        """Return a person's defaults, for an export."""
        return dict(await self.get(person_id))

    async def erase(self, person_id: int, now: datetime) -> int:  # noqa: ARG002
        """Remove a person's defaults."""
        theirs = delete(DefaultsRow).where(DefaultsRow.person_id == person_id)
        return await self._database.write(
            lambda connection: connection.execute(theirs).rowcount,
            lambda _: self._kept.drop(person_id),
        )

    async def _read(self, person_id: int) -> ImageOptions:
        return await self._database.read(partial(_find, person_id=person_id))

    def _put(self, person_id: int, options: ImageOptions) -> None:
        self._kept.put(person_id, options)
        self._whole = self._whole and len(self._kept) < self._most


def _find(connection: Connection, person_id: int) -> ImageOptions:
    query = select(DefaultsRow.defaults).where(DefaultsRow.person_id == person_id)
    found = connection.scalar(query)
    return NOTHING if found is None else _options(found)


def _options(json: str) -> ImageOptions:
    return from_json(json, Layer.PERSON)[0]

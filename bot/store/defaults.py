"""A person's own defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import delete

from bot.store.database import Database
from bot.store.models import DefaultsRow
from bot.store.personal_data import Fate, PersonalData
from bot.store.preferences import Check, Preferences, prompt, truth
from generation.request import PROMPT_LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults(Preferences):
    """What a person likes in the gaps of their wishes, in every server and in direct messages.

    ``private`` tells whether only they see what comes of a new wish.
    """

    negative_prompt: str | None = None
    private: bool | None = None

    CHECKS: ClassVar[dict[str, Check]] = {
        **Preferences.CHECKS,
        "negative_prompt": prompt(PROMPT_LENGTH),
        "private": truth,
    }


class DefaultsStore(PersonalData):
    """The defaults table."""

    name = "defaults"
    texts: ClassVar = {"defaults": {"defaults": Fate.ERASED}}

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, person_id: int) -> Defaults:
        """Return what a person said; values that cannot be (any more) are left out."""
        async with self._database.read() as session:
            row = await session.get(DefaultsRow, person_id)
            return Defaults() if row is None else Defaults.from_json(row.defaults)[0]

    async def change(self, person_id: int, changes: Mapping[str, Any]) -> Defaults:
        """Change fields, None to take one back; raises InvalidRequest and StoreBusy."""
        async with self._database.write() as session:
            row = await session.get(DefaultsRow, person_id)
            before = Defaults() if row is None else Defaults.from_json(row.defaults)[0]
            after = replace(before, **changes)
            await session.merge(
                DefaultsRow(
                    person_id=person_id, defaults=after.to_json(), changed_at=datetime.now(UTC)
                )
            )
        return after

    async def export(self, person_id: int) -> Mapping[str, Any]:
        """Return what a person said."""
        return (await self.get(person_id)).said()

    async def erase(self, person_id: int, now: datetime) -> int:  # noqa: ARG002
        """Remove what a person said."""
        theirs = delete(DefaultsRow).where(DefaultsRow.person_id == person_id)
        async with self._database.write() as session:
            return len((await session.scalars(theirs.returning(DefaultsRow.person_id))).all())

"""Personal data: what each store keeps about people, and how it is exported and erased."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any, ClassVar


class Fate(Enum):
    """When a text in the database is removed."""

    WORDS = auto()  # what a person wrote: removed on erasure, and when prompts expire
    ERASED = auto()  # removed on erasure
    SOON = auto()  # removed when the job ends
    STAYS = auto()  # not about the person, or needed by moderators


class PersonalData:
    """One store's personal data; by default it exports and removes nothing.

    ``name`` is its key in an export. ``texts`` are the text columns it keeps, by table and column.
    """

    name: ClassVar[str] = ""
    texts: ClassVar[Mapping[str, Mapping[str, Fate]]] = {}

    async def export(self, person_id: int) -> Any:  # noqa: ANN401, ARG002
        """Return everything about a person as JSON; None is left out of the export."""
        return None

    async def erase(self, person_id: int, now: datetime) -> int:  # noqa: ARG002
        """Remove what can be removed about a person; return how much. Idempotent."""
        return 0

    async def expire_words(self, before: datetime, count: int) -> int:  # noqa: ARG002
        """Remove the texts of at most this many older entries; return how many."""
        return 0

    async def tidy(self, now: datetime) -> None:
        """Remove what expires after a fixed time, whatever the settings."""

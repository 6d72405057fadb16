"""What is kept about people: each store says what it keeps, hands it over, and removes it."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any, ClassVar


class Fate(Enum):
    """When a text in the database goes."""

    WORDS = auto()  # what a person said: when they are erased, and when words are too old
    ERASED = auto()  # when they are erased
    SOON = auto()  # when the job ends, in any case
    STAYS = auto()  # it says nothing of theirs, or is what moderators need


class PersonalData:
    """One store's part; what it does not say otherwise hands over nothing and removes nothing.

    ``name`` is what an export calls it. ``texts`` are the texts that it keeps, by table and column.
    """

    name: ClassVar[str] = ""
    texts: ClassVar[Mapping[str, Mapping[str, Fate]]] = {}

    async def export(self, person_id: int) -> Any:  # noqa: ANN401, ARG002
        """Return everything about a person as JSON has it, None where an export leaves it out."""
        return None

    async def erase(self, person_id: int, now: datetime) -> int:  # noqa: ARG002
        """Remove what may go of a person, and count it. Doing it twice changes nothing."""
        return 0

    async def expire_words(self, before: datetime, count: int) -> int:  # noqa: ARG002
        """Take the words out of so many entries at most that are older; return how many."""
        return 0

    async def tidy(self, now: datetime) -> None:
        """Remove what goes after a time that no setting changes."""

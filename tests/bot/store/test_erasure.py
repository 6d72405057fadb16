"""What becomes of every text that the database holds: none may be added without deciding."""

from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from sqlalchemy import String, text

from bot.store.database import Database
from bot.store.expiry import Expiry
from bot.store.models import Base
from tests.bot.conftest import House


class Fate(Enum):
    """When a text goes."""

    WORDS = auto()  # what a person said: when they are erased, and when words are too old
    ERASED = auto()  # when they are erased
    SOON = auto()  # when the job ends, in any case
    STAYS = (
        auto()
    )  # it says nothing of theirs, or is what moderators need; docs/moderators.md says so


FATES = {
    "jobs": {
        "kind": Fate.STAYS,
        "status": Fate.STAYS,
        "interaction_token": Fate.SOON,
        "person_name": Fate.ERASED,
        "prompt": Fate.WORDS,
        "negative_prompt": Fate.WORDS,
        "checkpoint": Fate.STAYS,
        "sampler": Fate.STAYS,
        "source_sha256": Fate.ERASED,  # its file goes with the pictures
        "cut": Fate.WORDS,
        "style": Fate.WORDS,
        "typed_prompt": Fate.WORDS,
        "typed_negative_prompt": Fate.WORDS,
        "folded_words": Fate.WORDS,
        "flagged": Fate.WORDS,
        "stripped": Fate.WORDS,
        "locale": Fate.STAYS,
        "error": Fate.WORDS,
    },
    "pictures": {"sha256": Fate.STAYS, "verdict": Fate.STAYS},
    "rules": {"rules": Fate.STAYS},
    "defaults": {"defaults": Fate.ERASED},
    "allowances": {"holder": Fate.STAYS},
    "blocks": {"reason": Fate.STAYS},
    "filters": dict.fromkeys(("pattern", "kind", "action", "strictness"), Fate.STAYS),
    "audit": {"action": Fate.STAYS, "detail": Fate.STAYS},
    "refusals": {"why": Fate.STAYS, "prompt": Fate.WORDS},
}


def test_every_text_has_a_fate():
    texts = {
        table.name: {one.name for one in table.columns if isinstance(one.type, String)}
        for table in Base.metadata.sorted_tables
    }
    assert {name: names for name, names in texts.items() if names} == {
        name: set(fates) for name, fates in FATES.items()
    }


async def said(database: Database, *fates: Fate) -> dict[tuple[str, str], int]:
    """Count the rows with something of theirs, by table and column of these fates."""
    found = {}
    async with database.read() as session:
        for table, columns in FATES.items():
            for column, fate in columns.items():
                if fate in fates:
                    query = text(f"SELECT count(*) FROM {table} WHERE {column} LIKE '%secret%'")
                    found[table, column] = await session.scalar(query)
    return found


async def say_everywhere(house: House, database: Database) -> None:
    """Leave something of Mia's in every text of hers."""
    await house.mia.slash(house.channel, "settings set", steps=5)
    await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    for _ in range(2):
        await house.mia.slash(house.channel, "imagine", prompt="a {fox, owl, cat, dog} --n 1")
    _ = house.env.errors  # that were too many
    await house.settle()
    async with database.write() as session:
        for table, columns in FATES.items():
            for column, fate in columns.items():
                if fate in (Fate.WORDS, Fate.ERASED):
                    change = f"UPDATE {table} SET {column} = :said WHERE person_id = :who"
                    words = '{"style": "secret"}' if table == "defaults" else f"secret {column}"
                    await session.execute(text(change), {"said": words, "who": house.mia.id})
    assert all((await said(database, Fate.WORDS, Fate.ERASED)).values())


async def test_nothing_that_an_erased_person_said_is_left(house: House, database: Database):
    await say_everywhere(house, database)
    await house.bot.privacy.erase(house.mia.id, datetime.now(UTC))
    left = await said(database, Fate.WORDS, Fate.ERASED)
    assert {where for where, count in left.items() if count} == set()


async def test_nothing_that_was_said_long_ago_is_left(house: House, database: Database):
    await say_everywhere(house, database)
    expiry, tomorrow = Expiry(database), datetime.now(UTC) + timedelta(days=1)
    await expiry.jobs(tomorrow, 100)
    await expiry.refusals(tomorrow, 100)
    left = await said(database, Fate.WORDS)
    assert {where for where, count in left.items() if count} == set()

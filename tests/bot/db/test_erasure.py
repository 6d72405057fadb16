"""What becomes of every text that the database holds: none may be added without deciding."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, Integer, MetaData, String, Table, Text, text

from bot.app import App
from bot.client import DarkroomBot
from bot.core.personal_data import Fate
from bot.db.database import Database
from bot.db.models import Base
from bot.features.privacy.service import Privacy
from bot.options.stored import to_json
from generation.request import GenerationRequest, Sampler
from tests.bot.conftest import House
from tests.bot.rows import execute

# What stands in a column that is no plain text.
JSON = {
    "defaults": '{"style": "secret"}',
    "request": to_json(
        GenerationRequest(
            prompt="a secret",
            negative_prompt="another secret",
            checkpoint="Emoji",
            width=64,
            height=64,
            num_inference_steps=5,
            guidance_scale=2.5,
            sampler=Sampler.EULER,
            seed=3,
        )
    ),
}


def fates_of(app: App) -> dict[str, dict[str, Fate]]:
    """Return what becomes of each text, by table and column, as whoever keeps it says."""
    fates: dict[str, dict[str, Fate]] = {}
    for kept in app.personal_data:
        for table, columns in kept.texts.items():
            assert table not in fates, f"{table} is registered twice"
            fates[table] = dict(columns)
    return fates


def texts_of(metadata: MetaData) -> dict[str, set[str]]:
    """Return the columns with texts of each table that has any."""
    texts = {
        table.name: {one.name for one in table.columns if isinstance(one.type, String)}
        for table in metadata.sorted_tables
    }
    return {name: names for name, names in texts.items() if names}


def test_every_text_has_a_fate(simcord_bot: DarkroomBot):
    registered = fates_of(simcord_bot.app)
    assert texts_of(Base.metadata) == {name: set(fates) for name, fates in registered.items()}


def test_a_table_that_nobody_registered_is_found(simcord_bot: DarkroomBot):
    more = MetaData()
    for table in Base.metadata.sorted_tables:
        table.to_metadata(more)
    Table("diaries", more, Column("person_id", Integer), Column("entry", Text))
    assert texts_of(more).keys() - fates_of(simcord_bot.app).keys() == {"diaries"}


# How a table says whose its rows are, where it has no column for it.
WHOSE = {"job_inputs": "job_id IN (SELECT id FROM jobs WHERE person_id = :who)"}


async def said(house: House, database: Database, *fates: Fate) -> dict[tuple[str, str], int]:
    """Count the rows with something of theirs, by table and column of these fates."""
    found = {}
    for table, columns in fates_of(house.app).items():
        for column, fate in columns.items():
            if fate in fates:
                query = text(f"SELECT count(*) FROM {table} WHERE {column} LIKE '%secret%'")
                count = await database.read(
                    lambda connection, query=query: connection.scalar(query)
                )
                found[table, column] = count
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
    masked = "INSERT INTO job_inputs (job_id, position, role, sha256) VALUES (1, 0, 'mask', '')"
    await execute(database, masked)
    for table, columns in fates_of(house.app).items():
        whose = WHOSE.get(table, "person_id = :who")
        for column, fate in columns.items():
            if fate in (Fate.WORDS, Fate.ERASED):
                change = f"UPDATE {table} SET {column} = :said WHERE {whose}"
                words = JSON.get(column, f"secret {column}")
                await execute(database, change, values={"said": words, "who": house.mia.id})
    assert all((await said(house, database, Fate.WORDS, Fate.ERASED)).values())


async def test_nothing_that_an_erased_person_said_is_left(house: House, database: Database):
    await say_everywhere(house, database)
    await house.app.get(Privacy).erase(house.mia.id, datetime.now(UTC))
    left = await said(house, database, Fate.WORDS, Fate.ERASED)
    assert {where for where, count in left.items() if count} == set()


async def test_nothing_that_was_said_long_ago_is_left(house: House, database: Database):
    await say_everywhere(house, database)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for kept in house.app.personal_data:
        await kept.expire_words(tomorrow, 100)
    left = await said(house, database, Fate.WORDS)
    assert {where for where, count in left.items() if count} == set()

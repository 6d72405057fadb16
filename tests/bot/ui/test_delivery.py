"""What a job's message says, seen from the channel."""

import pytest

from bot import texts
from bot.db.database import Database
from bot.texts import say
from tests.bot.conftest import House


async def test_what_is_said_of_a_job_is_in_the_language_of_who_asked(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
):
    german = texts.FluentResource("job-from = Aus { $where }")
    real = texts._resource
    monkeypatch.setattr(texts, "languages", lambda: {"en", "de"})
    monkeypatch.setattr(texts, "_resource", lambda one: german if one == "de" else real(one))
    shown = await house.mia.slash(house.channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    async with database.write() as session:  # as Discord says in the interactions of a German
        connection = await session.connection()
        await connection.exec_driver_sql(
            "CREATE TRIGGER german AFTER INSERT ON jobs"
            " BEGIN UPDATE jobs SET locale = 'de' WHERE id = NEW.id; END"
        )
    again = await house.max.click(shown.response, label=say("button-reroll"))
    await house.settle()
    assert "\n-# Aus https://discord.com/channels/" in again.response.content
    texts._bundle.cache_clear()

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.erasing import expire_words
from bot.db.database import Database
from bot.texts import say
from tests.bot.conftest import House

WORDS_GONE = say("error-words-not-kept")
TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def imagine(house: House):
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", seed=7)
    await house.settle()
    return result


@pytest.mark.parametrize("label", [say("button-reroll"), "V1", say("button-remix")])
async def test_nothing_is_drawn_like_a_job_whose_words_are_gone(
    house: House, database: Database, label: str
):
    result = await imagine(house)
    await expire_words(database, TOMORROW, 10)
    refused = await house.mia.click(result.response, label=label)
    assert refused.ephemeral
    assert refused.response.content == WORDS_GONE
    assert await house.jobs.get(2) is None


async def test_a_stored_picture_can_be_enlarged_without_its_words(house: House, database: Database):
    result = await imagine(house)
    await expire_words(database, TOMORROW, 10)
    await house.mia.click(result.response, label="U1")
    await house.settle()
    assert (await house.job(2)).parent_id == 1


async def test_one_that_is_gone_with_its_words_cannot(
    house: House, database: Database, tmp_path: Path
):
    result = await imagine(house)
    await expire_words(database, TOMORROW, 10)
    assert await house.pictures.expire(TOMORROW, 10) == 1
    assert list(tmp_path.rglob("*.png")) == []
    refused = await house.mia.click(result.response, label="U1")
    assert refused.response.content == WORDS_GONE

"""/privacy: what is kept about a person."""

import json
import sqlite3
from pathlib import Path

from bot.store.database import FILE_NAME
from bot.store.records import Status
from tests.bot.conftest import House, labels


async def make(house: House, prompt: str, person=None):
    result = await (person or house.mia).slash(house.channel, "imagine", prompt=prompt, count=1)
    await house.settle()
    return result


async def test_export_is_everything_of_mine_and_nothing_of_others(house: House):
    await make(house, "a fox")
    liked = await make(house, "of Max", person=house.max)
    await house.mia.click(liked.response, label="Favourite")
    result = await house.mia.slash(house.channel, "privacy export")
    assert result.ephemeral
    (file,) = result.response.attachments
    kept = json.loads(await file.read())
    assert [job["prompt"] for job in kept["jobs"]] == ["a fox"]
    assert kept["jobs"][0]["seeds"]
    assert kept["favourites"] == [2]
    assert b"of Max" not in await file.read()


async def test_erase_leaves_no_name_no_words_and_no_files(house: House, tmp_path: Path):
    posted = await make(house, "a very private fox")
    await make(house, "of Max", person=house.max)
    question = await house.mia.slash(house.channel, "privacy erase")
    assert question.ephemeral
    assert labels(question.response) == ["Erase all of it"]
    assert (await house.job(1)).request.prompt == "a very private fox"
    await house.mia.click(question.response, label="Erase all of it")
    assert question.response.content == "Erased: 1 job."
    job = await house.job(1)
    assert (job.origin.person_id, job.origin.person_name) == (0, "")
    assert (job.request.prompt, job.status) == ("(erased)", Status.DONE)
    assert len(list((tmp_path / "pictures").rglob("*.png"))) == 1
    assert len(list((tmp_path / "thumbnails").rglob("*.webp"))) == 1
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    text = " ".join(connection.iterdump())
    kept = [line for line in connection.iterdump() if str(house.mia.id) in line]
    connection.close()
    assert "private fox" not in text
    assert [line.split('"')[1] for line in kept] == ["spent"], "or it would be a new quota"
    assert "of Max" in text
    again = await house.max.click(posted.response, label="Reroll")
    assert again.ephemeral
    assert again.response.content == "I do not know that job."
    history = await house.mia.slash(house.channel, "history")
    assert "Nothing of yours" in history.response.content


async def test_nothing_is_erased_under_a_job_that_runs(house: House):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a fox")
    question = await house.mia.slash(house.channel, "privacy erase")
    clicked = await house.mia.click(question.response, label="Erase all of it")
    assert house.env.errors
    assert clicked.followups[0].ephemeral
    assert "on their way" in clicked.followups[0].content
    assert (await house.job(1)).request.prompt == "a fox"


async def test_show_is_everything_about_a_job_of_this_server(house: House):
    await make(house, "a fox")
    result = await house.max.slash(house.channel, "show", job=1)
    assert result.ephemeral
    assert result.response.embeds[0].description == "a fox"
    unknown = await house.max.slash(house.channel, "show", job=99)
    assert house.refusal(unknown) == "I do not know that job."

"""/privacy: what is kept about a person."""

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.db.database import FILE_NAME
from bot.db.records import Status
from bot.features.privacy.service import in_parts
from bot.texts import say
from tests.bot.conftest import House, labels
from tests.texts import says


async def make(house: House, prompt: str, person=None):
    result = await (person or house.mia).slash(house.channel, "imagine", prompt=prompt, count=1)
    await house.settle()
    return result


async def test_export_is_everything_of_mine_and_nothing_of_others(house: House):
    await make(house, "a fox")
    liked = await make(house, "of Max", person=house.max)
    await house.mia.click(liked.response, label=say("button-favourite"))
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
    assert labels(question.response) == [say("button-erase")]
    assert (await house.job(1)).request.prompt == "a very private fox"
    await house.mia.click(question.response, label=say("button-erase"))
    assert question.response.content == say("erased", jobs=1)
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
    again = await house.max.click(posted.response, label=say("button-reroll"))
    assert again.ephemeral
    assert again.response.content == say("error-job-unknown")
    history = await house.mia.slash(house.channel, "history")
    assert says(history.response.content, "history-own-none")


async def test_nothing_is_erased_under_a_job_that_runs(house: House):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a fox")
    question = await house.mia.slash(house.channel, "privacy erase")
    clicked = await house.mia.click(question.response, label=say("button-erase"))
    assert house.env.errors
    assert clicked.followups[0].ephemeral
    assert says(clicked.followups[0].content, "error-jobs-open")
    assert (await house.job(1)).request.prompt == "a fox"


async def test_show_is_everything_about_a_job_of_this_server(house: House):
    await make(house, "a fox")
    result = await house.max.slash(house.channel, "show", job=1)
    assert result.ephemeral
    assert result.response.embeds[0].description == "a fox"
    unknown = await house.max.slash(house.channel, "show", job=99)
    assert house.refusal(unknown) == say("error-job-unknown")


def room_for(monkeypatch: pytest.MonkeyPatch, most_bytes: int) -> None:
    """Let Discord take so little in one message."""
    monkeypatch.setattr("bot.features.privacy.cog.REQUEST_BYTES", 26214400 - most_bytes)
    monkeypatch.setattr("bot.features.privacy.cog.SMALLEST_PART_BYTES", 1000)


async def test_an_export_beyond_the_limit_comes_in_parts(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    for number in range(6):
        await make(house, f"fox {number} " + "ü" * 400)
    whole = await house.mia.slash(house.channel, "privacy export")
    (file,) = whole.response.attachments
    assert file.filename == "darkroom.json"
    everything = json.loads(await file.read())
    room_for(monkeypatch, 4000)
    await house.env.advance_time(60)
    result = await house.mia.slash(house.channel, "privacy export")
    messages = [result.response, *result.followups]
    files = [attached for one in messages for attached in one.attachments]
    assert len(files) > 2
    assert all(one.ephemeral for one in messages)
    names = [f"darkroom-{at}-of-{len(files)}.json" for at in range(1, len(files) + 1)]
    assert [file.filename for file in files] == names
    again: dict = {}
    for at, file in enumerate(files, 1):
        content = await file.read()
        assert len(content) <= 4000
        part = json.loads(content)
        assert (part.pop("part"), part.pop("parts")) == (at, len(files))
        assert part["person_id"] == house.mia.id
        for name, value in part.items():
            if isinstance(value, list):
                again.setdefault(name, []).extend(value)
            else:
                again[name] = value
    assert again == {name: value for name, value in everything.items() if value != []}


async def test_where_discord_takes_less_than_it_said_the_parts_are_smaller(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    for number in range(3):
        await make(house, f"fox {number} " + "a" * 900)
    room_for(monkeypatch, 8000)
    house.env.inject_error("POST", "/webhooks/*", status=413, message="Request entity too large")
    result = await house.mia.slash(house.channel, "privacy export")
    files = [file for one in (result.response, *result.followups) for file in one.attachments]
    kept = [json.loads(await file.read()) for file in files]
    assert len(files) > 1
    assert [job["id"] for part in kept for job in part.get("jobs", ())] == [1, 2, 3]


@given(
    st.dictionaries(
        st.text(max_size=8).map(lambda name: f"list of {name}"),
        st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=60)), max_size=9),
        max_size=4,
    ),
    st.integers(2000, 5000),
)
def test_parts_fit_and_lose_nothing(lists, most: int):
    kept = {"person_id": 2**62, **lists, "defaults": {"steps": 9}}
    parts = in_parts(kept, most)
    assert all(len(part) <= most for part in parts)
    read = [json.loads(part) for part in parts]
    assert {one["person_id"] for one in read} == {2**62}
    for name, entries in lists.items():
        assert [entry for part in read for entry in part.get(name, ())] == json.loads(
            json.dumps(entries)
        )

"""A job's number comes again in another database: buttons act on the job they were made for."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.core.jobs.job_store import JobStore
from bot.db.database import FILE_NAME, Database
from bot.texts import say
from bot.ui.actions.custom_id import CustomId
from bot.ui.actions.job_actions import JOB_ACTIONS
from tests.bot.conftest import KEEPING, House, build, labels
from tests.bot.rows import execute

FOREIGN = "I have no record of the picture that this button belongs to."


def reply(result):
    return result.followups[0] if result.followups else result.response


async def imagine(house: House, person=None, **options):
    options = {"prompt": "a red apple", "count": 1, **options}
    result = await (person or house.mia).slash(house.channel, "imagine", **options)
    await house.settle()
    return result


@pytest.fixture(autouse=True)
async def opened() -> AsyncIterator[list[Database]]:
    """Databases to close when nothing writes into them any more, which is after the bot stopped."""
    databases: list[Database] = []
    yield databases
    for database in databases:
        await database.close()


@pytest.fixture
def move_to(opened: list[Database], house: House, tmp_path: Path):
    """Return what starts the bot anew with a copy of a database."""

    async def move(kept: Path) -> None:
        folder = tmp_path / f"moved-{len(opened)}"
        folder.mkdir()
        back_up(kept, folder)
        opened.append(Database(folder))
        await house.env.restart_bot(build(folder, opened[-1], house.executor))
        house.jobs = JobStore(opened[-1])
        await house.settle()

    return move


def back_up(kept: Path, folder: Path) -> None:
    """Copy a database that may be in use."""
    source, copy = (sqlite3.connect(place / FILE_NAME) for place in (kept, folder))
    with closing(source), closing(copy):
        source.backup(copy)


def unmark(house: House, message) -> None:
    """Make a message's buttons what they were in earlier releases."""
    stored = house.env.backend.get_message(message.channel_id, message.id)
    for row in stored.components:
        for button in row["components"]:
            button["custom_id"], count = re.subn(":+[0-9a-f]{9,}$", "", button["custom_id"])
            assert count == 1


async def test_a_fresh_database_gives_numbers_again_and_no_pictures_of_others(
    house: House, migrated: Path, move_to
):
    old = await imagine(house)
    await move_to(migrated)
    new = await imagine(house, house.max, prompt="a secret pear")
    assert (await house.job(1)).origin.person_id == house.max.id
    for person in (house.mia, house.max, house.morgan):
        for label in ("U1", "V1", say("button-reroll"), say("button-remix"), *KEEPING):
            pressed = await person.click(old.response, label=label)
            assert reply(pressed).content.startswith(FOREIGN), label
            assert pressed.ephemeral, label
    assert await house.jobs.get(2) is None
    assert len(house.executor.requests) == 2
    assert house.mia.user.dm_channel is None or not house.mia.user.dm_channel.history()
    assert {message.id for message in house.channel.history()} == {
        old.response.id,
        new.response.id,
    }
    details = await house.mia.click(new.response, label=say("button-details"))
    assert reply(details).embeds[0].description == "a secret pear"
    again = await house.mia.click(new.response, label=say("button-reroll"))
    await house.settle()
    assert "**a secret pear**" in again.response.content


async def test_a_restored_backup_is_told_from_what_came_after_it(
    house: House, tmp_path: Path, move_to
):
    first = await imagine(house)
    backup = tmp_path / "backup"
    backup.mkdir()
    back_up(tmp_path, backup)
    lost = await imagine(house, prompt="a lost fox")
    await move_to(backup)
    mine = await imagine(house, prompt="my own pear")
    job = await house.job(2)
    assert job.words.prompt == "my own pear"

    deleted = await house.mia.click(lost.response, label=say("button-delete"))
    assert reply(deleted).content.startswith(FOREIGN)
    assert (await house.job(2)).deleted_at is None
    assert mine.response.id in {message.id for message in house.channel.history()}
    details = await house.mia.click(first.response, label=say("button-details"))
    assert reply(details).embeds[0].description == "a red apple"


async def test_a_running_jobs_cancel_is_not_anothers(house: House, migrated: Path, move_to):
    house.executor.hold = True
    old = await imagine(house)
    await move_to(migrated)
    new = await imagine(house)
    pressed = await house.mia.click(old.response, label=say("button-cancel"))
    assert reply(pressed).content.startswith(FOREIGN)
    assert say("job-cancelled") not in new.response.content
    await house.mia.click(new.response, label=say("button-cancel"))
    await house.settle()
    assert say("job-cancelled") in new.response.content


async def test_questions_and_forms_belong_to_the_job_too(house: House, migrated: Path, move_to):
    old = await imagine(house)
    asked = await house.mia.click(old.response, label=say("button-delete"))
    form = await house.mia.click(old.response, label=say("button-remix"))
    await move_to(migrated)
    mine = await imagine(house)
    pressed = await house.mia.click(asked.response, label=say("button-delete-for-good"))
    assert reply(pressed).content.startswith(FOREIGN)
    assert (await house.job(1)).deleted_at is None
    assert mine.response.id in {message.id for message in house.channel.history()}
    inputs = [row["component"] for row in form.modal["components"]]
    typed = {item["custom_id"]: item.get("value", "") for item in inputs} | {"prompt": "a quince"}
    sent = await house.mia.submit_modal(form, typed)
    assert sent.response.content.startswith(FOREIGN)
    assert sent.response.content.endswith(">>> a quince")
    assert await house.jobs.get(2) is None


async def test_moderators_cards_belong_to_the_job_too(house: House, migrated: Path, move_to):
    old = await imagine(house)
    card = await house.morgan.context_menu(house.channel, say("menu-inspect"), old.response)
    form = await house.morgan.click(reply(card), label=say("button-remove"))
    await move_to(migrated)
    new = await imagine(house, house.max)
    for label in (say("button-remove"), say("button-block")):
        pressed = await house.morgan.click(reply(card), label=label)
        assert pressed.modal is None
        assert reply(pressed).content.startswith(FOREIGN)
    sent = await house.morgan.submit_modal(form, {"reason": "x"})
    assert reply(sent).content.startswith(FOREIGN)
    assert (await house.job(1)).deleted_at is None
    assert new.response.id in {message.id for message in house.channel.history()}

    card = await house.morgan.context_menu(house.channel, say("menu-inspect"), new.response)
    form = await house.morgan.click(reply(card), label=say("button-remove"))
    removed = await house.morgan.submit_modal(form, {"reason": "x"})
    assert reply(removed).content.startswith("Removed #1.")


async def test_buttons_of_earlier_releases_work_on_their_own_jobs(
    house: House, migrated: Path, move_to
):
    old = await imagine(house)
    unmark(house, old.response)
    details = await house.mia.click(old.response, label=say("button-details"))
    assert reply(details).embeds[0].title == "#1 imagine"
    form = await house.mia.click(old.response, label=say("button-remix"))
    assert form.modal["custom_id"] == str(CustomId.of(await house.job(1), "remix"))
    await house.mia.click(old.response, label=say("button-reroll"))
    await house.settle()
    assert (await house.job(2)).parent_id == 1
    card = await house.morgan.context_menu(house.channel, say("menu-inspect"), old.response)
    unmark(house, reply(card))
    form = await house.morgan.click(reply(card), label=say("button-remove"))
    assert form.modal["title"] == "Remove #1"

    await move_to(migrated)
    await imagine(house, house.max)
    for label in (
        say("button-details"),
        say("button-delete"),
        say("button-reroll"),
        say("button-remix"),
    ):
        pressed = await house.mia.click(old.response, label=label)
        assert reply(pressed).content.startswith(FOREIGN), label
    pressed = await house.morgan.click(reply(card), label=say("button-remove"))
    assert reply(pressed).content.startswith(FOREIGN)


async def test_of_several_jobs_of_one_command_each_has_its_own_message(house: House):
    asked = await house.mia.slash(house.channel, "imagine", prompt="a {red,blue} apple", count=1)
    made = await house.mia.click(asked.response, label=say("question-yes", jobs=2))
    await house.settle()
    for number, message in enumerate((made.response, made.followups[0]), 1):
        details = await house.mia.click(message, label=say("button-details"))
        assert reply(details).embeds[0].title == f"#{number} imagine"
    stored = house.env.backend.get_message(made.response.channel_id, made.response.id)
    for row in stored.components:
        for button in row["components"]:
            button["custom_id"] = button["custom_id"].replace("job:1:", "job:2:")
    assert say("button-delete") in labels(made.response)
    pressed = await house.mia.click(made.response, label=say("button-delete"))
    assert reply(pressed).content.startswith(FOREIGN)


async def test_a_private_job_has_buttons_under_its_message_only(house: House):
    result = await house.mia.slash(house.channel, "imagine", prompt="a fox", private=True, count=1)
    await house.settle()
    job = await house.job(1)
    assert result.ephemeral
    clicked = await house.mia.click(result.response, label=say("button-details"))
    assert reply(clicked).embeds[0].title == "#1 imagine 🔒"
    # Its message is another one now, as where the answer could not be reached any more.
    await house.app.job_store.moved(1, house.channel.id, job.message_id + 1)
    await house.env.advance_time(3)  # or it would be a double click
    moved = await house.mia.click(result.response, label=say("button-details"))
    assert reply(moved).content.startswith(FOREIGN)


async def test_a_button_may_come_before_its_message_is_known(house: House, database: Database):
    result = await imagine(house)
    await execute(database, "UPDATE jobs SET message_id = NULL")
    pressed = await house.mia.click(result.response, label=say("button-details"))
    assert reply(pressed).embeds[0].title == "#1 imagine"
    unmark(house, result.response)
    pressed = await house.max.click(result.response, label=say("button-details"))
    assert reply(pressed).content.startswith(FOREIGN)


async def test_the_question_of_an_earlier_release_says_what_it_answers(house: House):
    await imagine(house)
    job = await house.job(1)
    unmarked, erase = CustomId(1, "erase"), JOB_ACTIONS["erase"]
    for answered, belongs in ((job.message_id, True), (job.message_id + 1, False), (None, False)):
        metadata = SimpleNamespace(interacted_message_id=answered)
        message: Any = SimpleNamespace(id=5, interaction_metadata=metadata)
        assert erase.made_for(job, unmarked, message) is belongs
    assert not erase.made_for(job, unmarked, None)
    assert not erase.made_for(job, CustomId(1, "erase", mark="1"), None)
    assert erase.made_for(job, CustomId.of(job, "erase"), None)


async def test_a_message_posted_anew_is_not_taken_for_one_of_another_database(
    house: House, migrated: Path, tmp_path: Path, move_to
):
    """Discord gives the earlier message for a nonce that it has seen a moment ago."""
    house.executor.hold = True
    for start in (0, 2):
        await move_to(migrated)
        await imagine(house)
        # As a kill between the answer and its message id leaves it, found an hour later.
        folder = tmp_path / f"moved-{start}"
        with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
            connection.execute("UPDATE jobs SET status = 'recorded', message_id = NULL")
        await house.env.advance_time(3600)
        await move_to(folder)
        assert (await house.job(1)).message_id == house.channel.history()[-1].id
    posts = [one for one in house.env.http_requests if one.method == "POST"]
    derived = [one for one in posts if one.path == f"/channels/{house.channel.id}/messages"]
    nonces = [one.json["nonce"] for one in derived if one.json]
    assert len(set(nonces)) == 2
    assert all(len(one) <= 25 for one in nonces)

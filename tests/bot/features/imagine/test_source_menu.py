"""The menu that starts from a picture in a message."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from bot.db.records import Status
from bot.features.imagine.source_menu import source_form
from bot.features.imagine.upload_store import KEPT_EACH, KEPT_S, UploadStore
from bot.texts import say
from tests.bot.conftest import House, build
from tests.bot.features.upscale.test_upscale import picture
from tests.texts import says

MENU = "Use as source image"


def files(folder: Path) -> list[Path]:
    return [file for file in (folder / "uploads").rglob("*") if file.is_file()]


async def posted(house: House, *contents: bytes, person=None):
    """Somebody's message with pictures, and a text file before them."""
    uploads = [("notes.txt", b"notes"), *((f"{n}.jpg", file) for n, file in enumerate(contents))]
    return await (person or house.max).send(house.channel, "look", attachments=uploads)


async def pick(house: House, message, person=None):
    return await (person or house.mia).context_menu(house.channel, MENU, message)


async def test_pictures_start_from_anybody_s_first_picture(house: House, tmp_path):
    message = await posted(house, picture(300, 300), picture(20, 20))
    opened = await pick(house, message)
    inputs = [row["component"] for row in opened.modal["components"]]
    assert opened.modal["title"] == MENU
    assert says(opened.modal["components"][0]["description"], "form-source-prompt-first")
    assert [item.get("value", "") for item in inputs] == ["", "", "0.75"]
    answer = await house.mia.submit_modal(
        opened,
        {"prompt": "a fox --ar wide --n 2", "negative_prompt": "dog", "strength": "0,5"},
    )
    await house.settle()
    (request,) = house.executor.requests
    assert (request.prompt, request.negative_prompt, request.strength) == ("a fox", "dog", 0.5)
    assert Image.open(io.BytesIO(request.image)).size == (168, 96)
    assert "**a fox**" in answer.response.content
    assert len(answer.response.attachments) == 2
    job = await house.job(1)
    assert (job.status, job.origin.person_id) == (Status.DONE, house.mia.id)


async def test_our_own_results_are_pictures_too_and_an_empty_strength_is_the_usual(house: House):
    result = await house.max.slash(house.channel, "imagine", prompt="a cat", seed=7)
    await house.settle()
    opened = await pick(house, result.response)
    assert "there are 3 more" in opened.modal["components"][0]["description"]
    await house.mia.submit_modal(opened, {"prompt": "a fox", "strength": ""})
    await house.settle()
    assert house.executor.requests[1].strength == 0.75


async def test_what_starts_from_a_private_picture_is_private(house: House):
    result = await house.mia.slash(house.channel, "imagine", prompt="a cat", private=True)
    await house.settle()
    opened = await pick(house, result.response)
    answer = await house.mia.submit_modal(opened, {"prompt": "a fox"})
    await house.settle()
    assert answer.ephemeral
    assert (await house.job(2)).origin.private


async def test_several_prompts_are_asked_about_first(house: House):
    opened = await pick(house, await posted(house, picture(64, 64)))
    question = await house.mia.submit_modal(opened, {"prompt": "a {fox, dog} --n 1"})
    assert question.ephemeral
    await house.mia.click(question.response, label=say("question-yes", jobs=2))
    await house.settle()
    assert [request.prompt for request in house.executor.requests] == ["a fox", "a dog"]
    assert all(request.image for request in house.executor.requests)


async def test_the_form_may_come_back_after_a_restart(house: House, tmp_path, database):
    opened = await pick(house, await posted(house, picture(64, 64)))
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    answer = await house.mia.submit_modal(opened, {"prompt": "a fox"})
    await house.settle()
    assert len(answer.response.attachments) == 4


async def test_nobody_starts_from_what_another_picked(house: House, monkeypatch):
    theirs = await pick(house, await posted(house, picture(64, 64)), house.max)
    sha256 = theirs.modal["custom_id"].removeprefix("source:")
    # What a changed client sends back instead of what it was given.
    monkeypatch.setattr(
        "bot.features.imagine.source_menu.source_form",
        lambda _, *seen, **how: source_form(sha256, *seen, **how),
    )
    forged = await pick(house, await posted(house, picture(65, 65)))
    answer = await house.mia.submit_modal(forged, {"prompt": "a *fox*"})
    assert answer.ephemeral
    assert answer.response.content == (say("source-gone") + "\n>>> a \\*fox\\*")
    assert await house.jobs.get(1) is None


@pytest.mark.parametrize(
    ("contents", "line"),
    [
        ((), say("no-picture")),
        (
            (b"not a picture",),
            say("error-invalid", field="image", bound=say("bound-image-file")),
        ),
        (
            (picture(4, 400),),
            say("error-invalid", field="image", bound=say("bound-image-aspect", most="20")),
        ),
    ],
)
async def test_what_is_no_picture_opens_no_form(house: House, tmp_path, contents, line: str):
    assert house.refusal(await pick(house, await posted(house, *contents))) == line
    assert files(tmp_path) == []


async def test_who_may_not_ask_gets_no_form(house: House):
    house.executor.hold = True
    for _ in range(3):
        await house.mia.slash(house.channel, "imagine", prompt="a")
    refused = await pick(house, await posted(house, picture(64, 64)))
    assert says(house.refusal(refused), "error-waiting", waiting=3)


@pytest.mark.parametrize(
    ("strength", "line"), [("much", "`strength` must be a number"), ("2", "`strength` must be")]
)
async def test_a_wrong_strength_gives_the_words_back(house: House, strength: str, line: str):
    opened = await pick(house, await posted(house, picture(64, 64)))
    answer = await house.mia.submit_modal(opened, {"prompt": "a fox", "strength": strength})
    assert answer.response.content.startswith(line)
    assert answer.response.content.endswith(">>> a fox")


async def test_picked_files_go_after_a_day_and_with_their_person(house: House, tmp_path):
    await pick(house, await posted(house, picture(64, 64)))
    (old,) = files(tmp_path)
    late = old.stat().st_mtime - KEPT_S - 60
    os.utime(old, (late, late))
    uploads = UploadStore(tmp_path)
    assert await uploads.read(house.mia.id, old.name) is None
    await pick(house, await posted(house, picture(65, 65)))
    (new,) = files(tmp_path)
    assert new != old
    for number in range(KEPT_EACH + 2):
        await uploads.save(house.mia.id, bytes([number]))
    assert len(files(tmp_path)) == KEPT_EACH
    asked = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(asked.response, label=say("button-erase"))
    assert files(tmp_path) == []

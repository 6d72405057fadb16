from pathlib import Path

import discord
import pytest

from bot.db.records import Kind, Status
from bot.texts import say
from bot.ui.actions.custom_id import CustomId
from tests.bot.conftest import House, labels
from tests.fakes import png
from tests.texts import says


def files(folder: Path) -> int:
    return len(list(folder.rglob("*.png")))


def thumbnails(folder: Path) -> int:
    return len(list(folder.rglob("*.webp")))


async def imagine(house: House, person=None, **options):
    options = {"prompt": "a red apple", "seed": 7, **options}
    result = await (person or house.mia).slash(house.channel, "imagine", **options)
    await house.settle()
    return result


async def delete(house: House, person, result):
    asked = await person.click(result.response, label=say("button-delete"))
    return asked, await person.click(asked.response, label=say("button-delete-for-good"))


async def test_its_author_deletes_message_and_files_after_a_question(house: House, tmp_path: Path):
    result = await imagine(house)
    assert files(tmp_path) == thumbnails(tmp_path) == 4
    asked = await house.mia.click(result.response, label=say("button-delete"))
    assert asked.ephemeral
    assert says(asked.response.content, "job-delete")
    assert labels(asked.response) == [say("button-delete-for-good")]
    assert (await house.job(1)).deleted_at is None
    assert len(house.channel.history()) == 1

    await house.mia.click(asked.response, label=say("button-delete-for-good"))
    assert asked.response.content == say("deleted-message")
    assert labels(asked.response) == []
    assert house.channel.history() == []
    job = await house.job(1)
    assert (job.status, job.request.prompt) == (Status.DONE, "a red apple")
    assert job.deleted_at is not None
    assert files(tmp_path) == 0
    assert thumbnails(tmp_path) == 4, "for moderators"
    assert [picture.seed for picture in await house.pictures.of_job(1)] == [7, 8, 9, 10]


async def test_others_may_not(house: House):
    result = await imagine(house)
    refused = await house.max.click(result.response, label=say("button-delete"))
    assert refused.ephemeral
    assert says(refused.response.content, "error-not-yours")
    assert (await house.job(1)).deleted_at is None


async def test_the_second_button_asks_who_it_is_again(house: House):
    await imagine(house)
    theirs = await imagine(house, house.max)
    forged = house.env.backend.get_message(house.channel.id, theirs.response.id)
    erase = str(CustomId.of(await house.job(1), "erase"))
    forged.components[0]["components"][0]["custom_id"] = erase
    refused = await house.max.click(theirs.response, custom_id=erase)
    assert says(refused.response.content, "error-not-yours")
    assert (await house.job(1)).deleted_at is None


@pytest.mark.parametrize("right", ["moderate_members", "manage_messages"])
async def test_moderators_may(house: House, right: str):
    role = house.guild.create_role("Helpers", permissions=discord.Permissions(**{right: True}))
    helper = house.guild.add_member(house.env.create_user("helper"), roles=[role])
    result = await imagine(house)
    await delete(house, helper, result)
    assert house.channel.history() == []
    assert (await house.job(1)).deleted_at is not None


async def test_moderators_still_see_what_was_asked(house: House):
    await delete(house, house.mia, await imagine(house))
    result = await house.morgan.slash(house.channel, "mod history", person=house.mia)
    (entry,) = (result.followups[0] if result.followups else result.response).embeds
    assert entry.title == "✅ #1 imagine · done · deleted"
    assert entry.description == "a red apple"
    assert not entry.url
    assert entry.thumbnail.url == "attachment://job-1.webp", "blurred"


async def test_files_that_other_jobs_need_are_kept(house: House, tmp_path: Path):
    result = await imagine(house)
    await imagine(house, house.max, count=1, seed=9)  # the same pixels as the third of four
    varied = await house.max.click(result.response, label="V2")
    await house.settle()
    await delete(house, house.mia, result)
    kept = [await house.pictures.read(picture) for picture in await house.pictures.of_job(1)]
    assert kept == [None, png(8), png(9), None]
    again = await house.max.click(varied.response, label=say("button-reroll"))
    await house.settle()
    assert len(again.response.attachments) == 4
    assert house.executor.requests[-1].image == png(8)

    for job in (again, varied):
        await delete(house, house.max, job)
    kept = [await house.pictures.read(picture) for picture in await house.pictures.of_job(1)]
    assert kept == [None, None, png(9), None], "nobody starts from it any more"
    assert files(tmp_path) == 1


async def test_an_upscale_under_way_goes_on_without_the_file(house: House):
    result = await imagine(house)
    house.executor.hold = True
    await house.max.slash(house.channel, "imagine", prompt="something long")
    clicked = await house.max.click(result.response, label="U1")
    await delete(house, house.mia, result)
    house.executor.let_go()
    await house.settle()
    assert [await file.read() for file in clicked.response.attachments] == [png(7, 256, 256)]
    assert (await house.job(3)).kind is Kind.UPSCALE


async def test_a_message_that_is_gone_already_is_no_error(house: House):
    result = await imagine(house)
    asked = await house.mia.click(result.response, label=say("button-delete"))
    await house.morgan.click(
        (await house.morgan.click(result.response, label=say("button-delete"))).response,
        label=say("button-delete-for-good"),
    )
    await house.mia.click(asked.response, label=say("button-delete-for-good"))
    assert asked.response.content == say("deleted-message")


async def test_what_discord_forbids_is_said_and_can_be_tried_again(house: House, tmp_path: Path):
    result = await imagine(house)
    asked = await house.mia.click(result.response, label=say("button-delete"))
    for method in ("DELETE", "PATCH", "DELETE"):
        house.env.inject_error(method, "/channels/*/messages/*", status=403, message="Missing")
    first = await house.mia.click(asked.response, label=say("button-delete-for-good"))
    assert "Discord does not let me touch the message: Missing" in first.followups[0].content
    assert files(tmp_path) == 0
    await house.mia.click(asked.response, label=say("button-delete-for-good"))
    assert (result.response.content, result.response.attachments) == (say("deleted-message"), [])
    assert asked.response.content == say("deleted-message")


async def test_a_job_on_its_way_is_cancelled_not_deleted(house: House):
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    stored = house.env.backend.get_message(house.channel.id, result.response.id)
    stored.components[0]["components"][0]["custom_id"] = "job:1:delete"
    refused = await house.mia.click(result.response, custom_id="job:1:delete")
    assert says(refused.response.content, "error-job-open")

from bot.core.discord_limits import TEXT_OPTION_LENGTH
from bot.core.pictures.gallery import CHILDREN
from bot.texts import say
from generation.request import PROMPT_LENGTH
from tests.bot.conftest import House
from tests.fakes import png
from tests.texts import says


async def imagine(house: House, person=None, **options):
    options = {"prompt": "a red apple", "seed": 7, **options}
    result = await (person or house.mia).slash(house.channel, "imagine", **options)
    await house.settle()
    return result


async def click(house: House, person, result, label: str):
    clicked = await person.click(result.response, label=label)
    await house.settle()
    return clicked


def reply(result):
    """What somebody got privately, after the answer was deferred."""
    assert result.ephemeral
    return result.followups[0] if result.followups else result.response


def fields(message) -> dict[str, str]:
    (embed,) = message.embeds
    return {field.name: field.value for field in embed.fields}


def way_to(house: House, job) -> str:
    where = f"https://discord.com/channels/{house.guild.id}/{house.channel.id}/{job.message_id}"
    return f"[#{job.id} {job.kind}]({where})"


async def test_details_say_everything_privately_with_the_originals(house: House):
    result = await imagine(house, prompt="a *red* apple", negative_prompt="a_leaf")
    answer = reply(await click(house, house.max, result, say("button-details")))
    (embed,) = answer.embeds
    assert embed.title == "#1 imagine"
    assert embed.description == "a \\*red\\* apple\n**Without** a\\_leaf"
    assert fields(answer) == {
        say("details-by"): f"<@{house.mia.id}>",
        say("parameter.checkpoint"): "Emoji",
        say("parameter.aspect"): "128×128",
        "Steps": "20",
        say("parameter.sampler"): "DPM++ 2M Karras",
        "Guidance": "4",
        say("details-device-time"): "1.2 s",
        say("details-seeds"): "1: `7`\n2: `8`\n3: `9`\n4: `10`",
    }
    assert [await file.read() for file in answer.attachments] == [png(7 + i) for i in range(4)]
    assert answer.attachments[0].filename == "darkroom-1-1-7.png"
    assert await house.jobs.get(2) is None


async def test_details_lead_to_parent_and_children(house: House):
    house.executor.cut = "and a *boat*"
    result = await imagine(house)
    varied = await click(house, house.max, result, "V2")
    enlarged = await click(house, house.mia, varied, "U3")
    await click(house, house.mia, result, say("button-reroll"))
    jobs = [await house.job(number) for number in range(1, 5)]

    first = fields(reply(await click(house, house.mia, result, say("button-details"))))
    assert say("details-parent") not in first
    assert first[say("details-children")].split("\n") == [
        way_to(house, jobs[1]),
        way_to(house, jobs[3]),
    ]
    assert first[say("details-cut")] == "and a \\*boat\\*"

    second = fields(reply(await click(house, house.mia, varied, say("button-details"))))
    assert second[say("details-parent")] == f"{way_to(house, jobs[0])}, picture 2"
    assert second[say("details-children")] == way_to(house, jobs[2])
    assert second["Strength"] == "0.6"

    third = fields(reply(await click(house, house.mia, enlarged, say("button-details"))))
    assert third[say("parameter.aspect")] == say(
        "details-size.larger", size="256×256", before="128×128"
    )
    assert third[say("details-parent")] == f"{way_to(house, jobs[1])}, picture 3"
    assert third[say("details-seeds")] == f"1: `{jobs[1].request.seed + 2}`"


async def test_details_name_deleted_jobs_without_a_way_to_them(house: House):
    result = await imagine(house)
    child = await click(house, house.max, result, say("button-reroll"))
    asked = await house.mia.click(result.response, label=say("button-delete"))
    await house.mia.click(asked.response, label=say("button-delete-for-good"))
    answer = reply(await click(house, house.mia, child, say("button-details")))
    assert fields(answer)[say("details-parent")] == "#1 imagine (deleted)"


async def test_details_show_the_first_children_only(house: House):
    result = await imagine(house, count=1)
    for _ in range(CHILDREN + 1):
        await click(house, house.mia, result, say("button-reroll"))
    ways = fields(reply(await click(house, house.mia, result, say("button-details"))))[
        say("details-children")
    ]
    assert len(ways.split("\n")) == CHILDREN + 1
    assert ways.endswith("\n…")
    assert len(ways) <= 1024


async def test_the_longest_prompts_fit(house: House):
    house.executor.cut = "_" * PROMPT_LENGTH
    longest = "*" * TEXT_OPTION_LENGTH
    result = await imagine(house, prompt=longest, negative_prompt=longest)
    (embed,) = reply(await click(house, house.mia, result, say("button-details"))).embeds
    assert len(embed) <= 6000
    assert len(embed.description) <= 4096


async def test_details_of_pruned_pictures_say_so(house: House, tmp_path):
    result = await imagine(house, count=2)
    stored = await house.pictures.of_job(1)
    (pruned,) = (tmp_path / "pictures").rglob(f"{stored[1].sha256}.png")
    pruned.unlink()
    answer = reply(await click(house, house.mia, result, say("button-details")))
    assert fields(answer)[say("details-seeds")] == "1: `7`\n2: `8` (no file kept)"
    assert [await file.read() for file in answer.attachments] == [png(7)]


async def test_files_that_discord_does_not_take_are_made_smaller(house: House, monkeypatch):
    monkeypatch.setattr("bot.ui.delivery.uploading.SMALLEST_FILE_BYTES", 64)
    result = await imagine(house, count=1)
    house.env.inject_error("POST", "/webhooks/*", status=413, message="Request entity too large")
    answer = reply(await click(house, house.mia, result, say("button-details")))
    assert says(answer.content, "job-shrunk")
    assert [file.filename for file in answer.attachments] == ["darkroom-1-1-7.webp"]


async def test_pictures_are_sent_by_direct_message(house: House):
    result = await imagine(house, negative_prompt="@everyone")
    answer = reply(await click(house, house.max, result, say("button-send")))
    direct = house.max.user.dm_channel
    (sent,) = direct.history()
    assert answer.content.startswith("Sent: https://discord.com/channels/@me/")
    assert answer.content.endswith(str(sent.id))
    assert "a red apple" in sent.content
    assert str((await house.job(1)).message_id) in sent.content
    allowed = house.env.backend.get_message(direct.id, sent.id).allowed_mentions
    assert [allowed.everyone, *allowed.users, *allowed.roles] == [False]
    assert [await file.read() for file in sent.attachments] == [png(7 + i) for i in range(4)]
    assert len(house.channel.history()) == 1


async def test_closed_direct_messages_are_said_privately(house: House):
    result = await imagine(house)
    house.env.inject_error(
        "POST",
        "/channels/*/messages",
        status=403,
        code=50007,
        message="Cannot send messages to this user",
    )
    clicked = await click(house, house.max, result, say("button-send"))
    assert says(reply(clicked).content, "error-direct-closed")
    again = await click(house, house.max, result, say("button-send"))
    assert "Sent:" in reply(again).content


async def test_pruned_pictures_are_not_sent(house: House, tmp_path):
    result = await imagine(house)
    for file in (tmp_path / "pictures").rglob("*.png"):
        file.unlink()
    clicked = await click(house, house.max, result, say("button-send"))
    assert "not stored any more" in reply(clicked).content
    assert house.max.user.dm_channel.history() == []


async def test_a_favourite_is_one_person_s_and_a_second_click_takes_it_back(house: House):
    result = await imagine(house)
    clicked = await click(house, house.max, result, say("button-favourite"))
    assert reply(clicked).content == f"⭐ {say('favourite-added')}"
    assert await house.favourites.has(person_id=house.max.id, job_id=1)
    assert not await house.favourites.has(person_id=house.mia.id, job_id=1)
    for person, title in ((house.max, "#1 imagine ⭐"), (house.mia, "#1 imagine")):
        (embed,) = reply(await click(house, person, result, say("button-details"))).embeds
        assert embed.title == title

    clicked = await click(house, house.max, result, say("button-favourite"))
    assert reply(clicked).content == say("favourite-removed")
    assert not await house.favourites.has(person_id=house.max.id, job_id=1)


async def test_a_double_click_leaves_it_a_favourite(house: House):
    result = await imagine(house)
    await house.max.click(result.response, label=say("button-favourite"))
    await house.max.click(result.response, label=say("button-favourite"))
    assert await house.favourites.has(person_id=house.max.id, job_id=1)

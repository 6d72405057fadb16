"""What one person can make us do in a moment, and what is kept of what came to nothing."""

from datetime import UTC, datetime

import discord
import pytest

from bot.core.admission.request_context import RequestContext
from bot.db.records import Origin
from bot.options.image_options import ImageOptions
from bot.texts import say
from bot.ui.cooldowns import CLICKS, FETCHED, PER_S, POSTED, WISHES
from tests.bot.conftest import House
from tests.bot.features.imagine.test_image_to_image import picture, upload
from tests.texts import says

QUICK = "That was quick. Try again in "


def said(result) -> str:
    return (result.followups[-1] if result.followups else result.response).content or ""


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were fetched."""
    names: list[str] = []
    read = discord.Attachment.read

    async def noted(file: discord.Attachment, **options: object) -> bytes:
        names.append(file.filename)
        return await read(file, **options)

    monkeypatch.setattr(discord.Attachment, "read", noted)
    return names


@pytest.fixture
async def banned(house: House) -> House:
    await house.morgan.slash(house.channel, "mod filter add", pattern="banana", action="refuse")
    await house.settle()
    return house


def sources(tmp_path) -> list:
    return [*(tmp_path / "pictures").rglob("*.png"), *(tmp_path / "thumbnails").rglob("*.webp")]


async def test_refused_wishes_are_noted_ten_times_in_ten_seconds(banned: House):
    house = banned
    answers = [
        await house.mia.slash(house.channel, "imagine", prompt="a banana") for _ in range(60)
    ]
    await house.settle()
    assert len(await house.refusals.of_person(house.mia.id)) == WISHES
    assert all(said(one).startswith(QUICK) for one in answers[WISHES:])
    other = await house.max.slash(house.channel, "imagine", prompt="a fox", count=1)
    assert QUICK not in said(other)
    await house.env.advance_time(PER_S + 1)
    again = await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    assert again.response.attachments
    house.env.errors.clear()


async def test_so_they_are_by_buttons_forms_and_questions(house: House):
    result = await house.mia.slash(house.channel, "imagine", prompt="a banana", count=2)
    await house.settle()
    await house.morgan.slash(house.channel, "mod filter add", pattern="banana", action="refuse")
    forms = [await house.max.click(result.response, label=say("button-remix")) for _ in range(8)]
    for form in forms:
        await house.max.submit_modal(form, {"prompt": "bananas, banana"})
        await house.env.advance_time(0.3)
    for _ in range(4):
        await house.max.click(result.response, label=say("button-reroll"))
        await house.max.click(result.response, label="U1")
        await house.max.slash(house.channel, "imagine", prompt="{a, b} banana")
    assert len(await house.refusals.of_person(house.max.id)) <= WISHES
    house.env.errors.clear()


async def test_what_comes_to_a_job_does_not_count(house: House):
    for number in range(WISHES + 3):
        result = await house.mia.slash(house.channel, "imagine", prompt=f"{number}", count=1)
        await house.env.advance_time(0.1)
        assert result.response.attachments or QUICK not in said(result)
        if number % 3 == 2:
            await house.settle()


async def test_details_post_few_pictures_at_a_time(house: House):
    results = [
        await person.slash(house.channel, "imagine", prompt="a fox", count=4)
        for person in (house.mia, house.max, house.morgan)
    ]
    await house.settle()
    clicks = []
    for _ in range(4):
        for result in results:
            clicks.append(await house.mia.click(result.response, label=say("button-details")))
            await house.env.advance_time(0.7)
    files = sum(len(one.response.attachments) for one in clicks)
    assert files == POSTED
    shown = [one.response for one in clicks if one.response.embeds]
    assert len(shown) == CLICKS, "the card comes without them"
    assert says(shown[-1].content, "details-without-pictures")
    sent = await house.mia.click(results[0].response, label=say("button-send"))
    assert said(sent).startswith(QUICK)
    await house.env.advance_time(PER_S)
    later = await house.mia.click(results[0].response, label=say("button-details"))
    assert len(later.response.attachments) == 4
    house.env.errors.clear()


async def test_pages_are_turned_ten_times(house: House):
    for _ in range(3):
        for _ in range(3):
            await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
        await house.settle()
    shown = await house.mia.slash(house.channel, "history")
    await house.env.advance_time(PER_S + 1)
    turns = [
        await house.mia.click(
            shown.response, label=(say("button-older"), say("button-newer"))[turn % 2]
        )
        for turn in range(CLICKS + 1)
    ]
    assert said(turns[-1]).startswith(QUICK)
    house.env.errors.clear()


@pytest.mark.parametrize("command", ["imagine", "upscale"])
async def test_nothing_is_fetched_for_who_may_not_ask(
    banned: House, fetched: list[str], tmp_path, command: str
):
    house = banned
    options = {"image": upload(picture(64, 64))}
    words = {"prompt": "a fox"} if command == "imagine" else {}
    if command == "imagine":
        await house.mia.slash(house.channel, command, prompt="a banana", **options)
        await house.mia.slash(house.channel, command, prompt="{a, b} banana", **options)
    await house.morgan.slash(house.channel, "mod block", person=house.mia, reason="x")
    await house.mia.slash(house.channel, command, **words, **options)
    house.executor.hold = True
    for _ in range(3):
        await house.max.slash(house.channel, "imagine", prompt="a fox", count=1)
    full = await house.max.slash(house.channel, command, **words, **options)
    assert says(said(full), "error-waiting", waiting=3)
    assert fetched == []
    assert sources(tmp_path) == []
    house.env.errors.clear()


async def test_files_are_fetched_five_times(house: House, fetched: list[str]):
    for _ in range(FETCHED + 3):
        result = await house.mia.slash(house.channel, "inspect", image=upload(picture(64, 64)))
        await house.env.advance_time(0.1)
    assert said(result).startswith(QUICK)
    assert len(fetched) == FETCHED
    house.env.errors.clear()


async def test_no_source_is_kept_of_a_job_that_is_refused_in_the_end(
    house: House, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    """As when others filled the queue while the file was decoded."""
    jobs = house.app.jobs
    prepare = jobs.decoder.prepare
    house.executor.hold = True

    async def slowly(*args: object) -> bytes:
        for number in range(3):
            where = (house.channel.id, house.guild.id, datetime.now(UTC))
            origin = Origin(number, "token", house.mia.id, "mia", *where)
            await jobs.imagine(ImageOptions(prompt="a fox", count=1), RequestContext(origin))
        return await prepare(*args)

    monkeypatch.setattr(jobs.decoder, "prepare", slowly)
    late = await house.mia.slash(
        house.channel, "imagine", prompt="a", count=1, image=upload(picture(64, 64))
    )
    assert says(house.refusal(late), "error-waiting", waiting=3)
    assert sources(tmp_path) == []


async def test_a_source_that_another_job_starts_from_stays(house: House, tmp_path):
    image = upload(picture(64, 64))
    result = await house.mia.slash(house.channel, "imagine", prompt="a", count=1, image=image)
    await house.settle()
    assert result.response.attachments
    kept = (await house.job(1)).source_sha256
    await house.pictures.discard_source(kept)
    assert await house.pictures.read_source(kept)


async def test_a_question_holds_no_file_and_there_is_one_a_person(house: House, fetched: list[str]):
    image = upload(picture(64, 64))
    options = {"prompt": "a {red, blue} fox", "count": 1, "image": image}
    first = await house.mia.slash(house.channel, "imagine", **options)
    second = await house.mia.slash(house.channel, "imagine", **options)
    other = await house.max.slash(house.channel, "imagine", **options)
    assert fetched == []
    assert first.response.content == say("question-replaced")
    assert first.response.components == []
    assert second.response.components
    assert other.response.components
    await house.mia.click(second.response, label=say("question-yes", jobs=2))
    await house.settle()
    assert fetched == ["cat.jpg"]
    assert [one.strength for one in house.executor.requests] == [0.75, 0.75]
    assert list(house.app.questions) in ([house.max.id], [house.mia.id, house.max.id])

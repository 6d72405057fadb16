"""What becomes of pictures that the check finds: hidden until a click, or held back."""

import io
from dataclasses import replace

import pytest
from PIL import Image

from bot.db.records import Job, NewJob, Origin, Status, Verdict
from bot.texts import say
from tests.bot.conftest import House, build, labels
from tests.bot.rows import execute
from tests.fakes import png
from tests.texts import says


@pytest.fixture
async def rules(house: House, monkeypatch: pytest.MonkeyPatch):
    """Write thresholds into each job as it is recorded, as a server's rules do."""
    jobs = house.app.job_store
    record = jobs.record

    async def hold(spoiler: float | None = 0.5, refuse: float | None = 0.8, keep: int = 1) -> None:
        held = {"spoiler_above": spoiler, "refuse_above": refuse, "keep_refused": bool(keep)}

        async def recorded(new_job: NewJob, origin: Origin, *, fair_start: float) -> Job:
            return await record(replace(new_job, **held), origin, fair_start=fair_start)

        monkeypatch.setattr(jobs, "record", recorded)

    await hold()
    return hold


async def imagine(house: House, **options):
    options = {"prompt": "a red apple", "seed": 7, **options}
    result = await house.mia.slash(house.channel, "imagine", **options)
    await house.settle()
    return result


def names(message) -> list[str]:
    return [file.filename for file in message.attachments]


async def test_refused_pictures_are_not_posted_and_the_others_keep_their_numbers(
    house: House, rules
):
    house.executor.scores = {1: 0.93}
    result = await imagine(house)
    assert names(result.response) == [f"darkroom-1-{n + 1}-{7 + n}.png" for n in (0, 2, 3)]
    assert "-# 1 picture was held back by this server's rules" in result.response.content
    shown = labels(result.response)
    assert [label for label in shown if label[0] in "UV"] == ["U1", "U3", "U4", "V1", "V3", "V4"]
    job = await house.job(1)
    assert (job.status, job.flagged) == (Status.DONE, "picture 2 refused (0.93)")
    stored = await house.pictures.of_job(1)
    assert [(one.nsfw, one.verdict) for one in stored] == [
        (0.0, Verdict.SHOWN),
        (0.93, Verdict.REFUSED),
        (0.0, Verdict.SHOWN),
        (0.0, Verdict.SHOWN),
    ]
    assert len(house.channel.history()) == 1


async def test_where_all_are_refused_the_person_is_told_privately(house: House, rules):
    house.executor.nsfw = 0.99
    result = await imagine(house, count=2)
    assert result.response.attachments == []
    assert says(result.response.content, "job-held-back", count=2)
    assert labels(result.response) == [
        say("button-reroll"),
        say("button-remix"),
        say("button-details"),
        say("button-favourite"),
        say("button-delete"),
    ]
    (line,) = result.followups
    assert line.ephemeral
    assert line.content.startswith("All of them were held back")
    assert line not in house.channel.history()
    assert (await house.job(1)).flagged == "picture 1 refused (0.99)\npicture 2 refused (0.99)"


async def test_a_refused_picture_leaves_the_store_for_nobody_but_moderators(house: House, rules):
    house.executor.scores = {0: 0.9}
    result = await imagine(house, count=2)
    stored = house.env.backend.get_message(house.channel.id, result.response.id)
    for index, action in ((0, "upscale"), (1, "vary")):  # forged: there is no such button
        stored.components[index]["components"][0]["custom_id"] = f"job:1:{action}:0"
        forged = await house.mia.click(result.response, custom_id=f"job:1:{action}:0")
        assert forged.response.content == say("error-held-back")
    assert await house.jobs.get(2) is None

    details = await house.mia.click(result.response, label=say("button-details"))
    assert names(details.response) == ["darkroom-1-2-8.png"]
    (embed,) = details.response.embeds
    seeds = next(field.value for field in embed.fields if field.name == say("details-seeds"))
    assert seeds == "1: `7` (held back)\n2: `8`"
    await house.mia.click(result.response, label=say("button-send"))
    (sent,) = house.mia.user.dm_channel.history()
    assert names(sent) == ["darkroom-1-2-8.png"]

    moderated = await house.morgan.click(result.response, label=say("button-details"))
    assert names(moderated.response) == ["SPOILER_darkroom-1-1-7.png", "darkroom-1-2-8.png"]


async def test_history_shows_no_thumbnail_of_what_was_refused(house: House, rules):
    house.executor.nsfw = 0.9
    await imagine(house, count=1)
    history = await house.mia.slash(house.channel, "history")
    assert history.response.attachments == []
    house.executor.scores = {0: 0.9, 1: 0.1}
    await imagine(house, count=2)
    history = await house.mia.slash(house.channel, "history")
    (thumbnail,) = history.response.attachments
    assert thumbnail.filename == "job-2.webp"


@pytest.mark.parametrize(("keep", "kept"), [(1, True), (0, False)])
async def test_whether_refused_files_are_kept_is_up_to_the_server(
    house: House, rules, tmp_path, keep: int, kept: bool
):
    await rules(keep=keep)
    house.executor.nsfw = 0.9
    await imagine(house, count=1)
    (picture,) = await house.pictures.of_job(1)
    assert (picture.seed, picture.nsfw, picture.verdict) == (7, 0.9, Verdict.REFUSED)
    assert (await house.pictures.read(picture) is not None) is kept
    assert bool(list(tmp_path.rglob("*.webp"))) is kept


async def test_what_is_likely_unsafe_is_hidden_until_a_click_everywhere(house: House, rules):
    house.executor.scores = {0: 0.6}
    result = await imagine(house, count=2)
    hidden = ["SPOILER_darkroom-1-1-7.png", "darkroom-1-2-8.png"]
    assert names(result.response) == hidden
    assert say("details-held-back") not in result.response.content
    assert (await house.job(1)).flagged is None
    details = await house.mia.click(result.response, label=say("button-details"))
    assert names(details.response) == hidden
    await house.mia.click(result.response, label=say("button-send"))
    (sent,) = house.mia.user.dm_channel.history()
    assert names(sent) == hidden


async def test_a_hidden_picture_stays_hidden_when_it_is_made_smaller(
    house: House, rules, monkeypatch
):
    monkeypatch.setattr("bot.ui.delivery.delivery.SMALLEST_FILE_BYTES", 64)
    house.executor.nsfw = 0.6
    house.executor.hold = True
    asked = {"prompt": "a red apple", "seed": 7, "count": 1, "steps": 1}
    result = await house.mia.slash(house.channel, "imagine", **asked)
    house.env.inject_error("PATCH", "/webhooks/*", status=413, times=2)
    house.executor.let_go()
    await house.settle()
    assert names(result.response) == ["SPOILER_darkroom-1-1-7.webp"]


async def test_thumbnails_of_hidden_pictures_are_blurred(house: House, rules):
    house.executor.nsfw = 0.6
    await imagine(house, count=1)
    (picture,) = await house.pictures.of_job(1)
    half = Image.new("RGB", (64, 64), "black")
    half.paste("white", (32, 0, 64, 64))
    file = io.BytesIO()
    half.save(file, "PNG")
    sharp = await house.pictures.save(job_id=1, index=0, seed=7, png=file.getvalue())
    assert picture.verdict is Verdict.SPOILER

    def edge(webp: bytes | None) -> int:
        with Image.open(io.BytesIO(webp or b"")) as thumbnail:
            grey = thumbnail.convert("L")
        return int(grey.getpixel((34, 32))) - int(grey.getpixel((29, 32)))

    assert edge(await house.pictures.read_thumbnail(sharp)) > 200
    hidden = await house.pictures.save(
        job_id=1, index=0, seed=7, png=file.getvalue(), nsfw=0.6, verdict=Verdict.SPOILER
    )
    assert edge(await house.pictures.read_thumbnail(hidden)) < 150


async def test_where_nothing_is_refused_or_scored_everything_is_shown(house: House, rules):
    await rules(spoiler=None, refuse=None)
    house.executor.nsfw = 1.0
    first = await imagine(house, count=1)
    await rules()
    house.executor.nsfw = None
    second = await imagine(house, count=1)
    assert names(first.response) == ["darkroom-1-1-7.png"]
    assert names(second.response) == ["darkroom-2-1-7.png"]


@pytest.mark.parametrize(("checked", "coarse"), [(True, True), (False, False)])
async def test_previews_are_coarse_where_pictures_are_checked(
    house: House, rules, checked: bool, coarse: bool
):
    if not checked:
        await rules(spoiler=None, refuse=None)
    stripes = Image.new("RGB", (128, 128), "black")
    for x in range(0, 128, 8):
        stripes.paste("white", (x, 0, x + 4, 128))
    file = io.BytesIO()
    stripes.save(file, "WEBP", lossless=True)
    house.executor.preview = file.getvalue()
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    house.executor.let_go(1)
    await house.settle()
    (preview,) = result.response.attachments
    assert preview.filename == "preview.webp"
    with Image.open(io.BytesIO(await preview.read())) as shown:
        darkest, brightest = shown.convert("L").getextrema()
    assert (brightest - darkest < 32) is coarse
    house.executor.let_go()
    await house.settle()
    assert len(result.response.attachments) == 4


async def test_pictures_that_were_refused_are_refused_after_a_restart(
    house: House, rules, tmp_path, database
):
    house.executor.scores = {0: 0.9}
    result = await imagine(house, count=2)
    await execute(database, "UPDATE jobs SET status = 'running', ended_at = NULL")
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    await house.settle()
    assert len(house.executor.requests) == 1
    assert names(result.response) == ["darkroom-1-2-8.png"]
    assert (await house.job(1)).flagged == "picture 1 refused (0.90)"
    assert png(7) not in [await file.read() for file in result.response.attachments]
    assert (await house.job(1)).status is Status.DONE

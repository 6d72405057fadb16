"""/describe, with and without a captioner; those are real ones in the real process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.audit_store import NewAuditEntry
from bot.core.errors import FileUnavailable
from bot.core.pictures.model_process import WAITING
from bot.db.records import Status
from bot.features.inspect.captioning import Captioning
from bot.features.inspect.describing import DescribingCog
from bot.texts import say
from generation.metadata.infotext import Parameters
from tests.bot.conftest import House, labels
from tests.bot.features.inspect.test_inspect import MADE, fields, file
from tests.fakes import png
from tests.generation.metadata import files as made
from tests.generation.vision import tiny_captioners as tiny
from tests.texts import says

NUMBERS = ["1", "2", "3", "4"]
USE = say("button-use-these")


@pytest.fixture
async def captioner(house: House, tmp_path: Path) -> AsyncIterator[Path]:
    """What its owner has installed."""
    folder = tiny.blip(tmp_path / "captioner")
    house.app.catalog.captioners = (folder,)
    yield folder
    await house.app.get(Captioning).close()


async def describe(house: House, content: tuple[str, bytes]):
    return await house.mia.slash(house.channel, "describe", image=content)


async def test_four_prompts_each_open_the_form_and_are_drawn(house: House, captioner: Path):
    result = await describe(house, file(None))
    assert result.ephemeral
    (embed,) = result.response.embeds
    lines = embed.description.split("\n")
    assert [line.split("**")[1] for line in lines] == NUMBERS
    prompts = [line.split("** ", 1)[1] for line in lines]
    assert len(set(prompts)) == 4
    assert labels(result.response) == NUMBERS
    opened = await house.mia.click(result.response, label="3")
    form = {
        one["custom_id"]: one.get("value", "")
        for row in opened.modal["components"]
        for one in (row["component"],)
    }
    assert form == {"prompt": prompts[2], "negative_prompt": ""}
    await house.mia.submit_modal(opened, form)
    await house.settle()
    (request,) = house.executor.requests
    assert request.prompt == prompts[2]
    assert (await house.job(1)).status is Status.DONE
    again = await house.mia.click(result.response, label="1")
    assert again.modal["custom_id"] != opened.modal["custom_id"], "no double click"


async def test_what_the_file_says_stands_below_with_its_own_button(house: House, captioner: Path):
    result = await describe(house, file(MADE))
    captions, card = result.response.embeds
    assert captions.title == say("captions")
    assert card.description == r"a \*red\* apple"
    assert labels(result.response) == [USE, *NUMBERS]
    await house.mia.click(result.response, label=USE)
    await house.settle()
    assert house.executor.requests[0].prompt == "a *red* apple"
    assert labels(result.response) == []


async def test_without_a_captioner_the_file_s_prompt_is_drawn(house: House):
    result = await describe(house, file(MADE))
    assert result.ephemeral
    assert fields(result)["Seed"] == "42"
    assert labels(result.response) == [USE]
    await house.mia.click(result.response, label=USE)
    await house.settle()
    assert house.executor.requests[0].seed == 42


@pytest.mark.parametrize("wordless", [Parameters(steps=5, seed=1), None])
async def test_without_a_captioner_and_a_prompt_a_line_says_so(
    house: House, wordless: Parameters | None
):
    result = await describe(house, file(wordless))
    assert result.ephemeral
    assert result.response.content == say("error-no-captioner")
    assert labels(result.response) == []
    assert len(result.response.embeds) == (wordless is not None)
    _ = house.env.errors  # of the file that says nothing
    assert not house.app.get(Captioning).running


async def test_a_program_is_named_where_it_does_not_say_how(house: House, captioner: Path):
    content = made.with_texts(workflow='{"nodes": [], "links": []}')
    result = await describe(house, ("x.png", content))
    _, card = result.response.embeds
    assert card.description == say("error-file-of-program", program="ComfyUI")
    assert labels(result.response) == NUMBERS
    assert house.app.get(Captioning).running
    await house.bot.remove_cog(DescribingCog.__name__)  # as when the bot stops
    assert not house.app.get(Captioning).running


@pytest.mark.parametrize("installed", [True, False])
async def test_what_is_no_picture_gets_a_line(house: House, captioner: Path, installed: bool):
    if not installed:
        house.app.catalog.captioners = ()
    result = await describe(house, ("x.png", b"no picture"))
    assert house.refusal(result).startswith("`image` must be")
    assert not house.app.get(Captioning).running


async def test_a_damaged_captioner_is_said_and_what_the_file_says_is_shown(
    house: House, captioner: Path, caplog: pytest.LogCaptureFixture
):
    (captioner / "model.safetensors").write_bytes(b"damaged")
    result = await describe(house, file(None))
    assert house.refusal(result) == say("error-captioner")
    assert str(captioner) in caplog.text
    result = await describe(house, file(MADE))
    assert result.response.content == say("error-captioner")
    assert fields(result)["Seed"] == "42"
    assert labels(result.response) == [USE]


async def test_who_may_not_draw_is_told_before_anything_is_described(house: House, captioner: Path):
    await house.morgan.slash(house.channel, "mod block", person=house.mia, duration="1h")
    result = await describe(house, file(MADE))
    assert says(house.refusal(result), "error-blocked")
    assert result.response.embeds == []
    assert not house.app.get(Captioning).running


async def test_a_used_up_quota_forbids_no_description(house: House, captioner: Path):
    entry = NewAuditEntry(guild_id=house.guild.id, moderator_id=1, action="config", detail="")
    await house.rules.change({0: {"pictures_per_day": 1}}, entry)
    await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    assert says(house.refusal(refused), "error-quota-pictures")
    result = await describe(house, file(None))
    assert labels(result.response) == NUMBERS


async def test_one_at_a_time_and_a_process_that_ended_is_started_anew(tmp_path: Path):
    folder = tiny.blip(tmp_path / "captioner")
    captioning = Captioning()
    try:
        picture = png(7)
        first = await captioning.describe(folder, picture)
        assert captioning._process is not None
        captioning._process.kill()
        await captioning._process.wait()
        assert await captioning.describe(folder, picture) == first
        captioning._waiting = WAITING
        with pytest.raises(FileUnavailable, match=say("error-files-busy")):
            await captioning.describe(folder, picture)
    finally:
        await captioning.close()
    assert not captioning.running


async def test_closing_ends_what_is_being_asked_and_what_waits(tmp_path: Path):
    captioning = Captioning()
    asked = [
        asyncio.create_task(captioning.describe(tmp_path / "captioner", png(7))) for _ in range(2)
    ]
    async with asyncio.timeout(60):
        while not captioning.running:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    await captioning.close()
    for one in asked:
        with pytest.raises(FileUnavailable):
            await one
    assert not captioning.running


async def test_what_takes_too_long_is_ended(tmp_path: Path):
    folder = tiny.blip(tmp_path / "captioner")
    captioning = Captioning(answer_s=0.01)  # it has torch to load
    with pytest.raises(FileUnavailable):
        await captioning.describe(folder, png(7))
    assert not captioning.running

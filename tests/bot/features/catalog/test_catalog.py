"""What can be picked, where, and the pictures that show it."""

from dataclasses import replace
from datetime import UTC, datetime

import discord
import pytest

from bot.core.erasing import forget
from bot.db.records import Verdict
from bot.texts import say
from generation.catalog import EMBEDDED, Catalog
from generation.styles import Style
from tests.bot.conftest import House
from tests.bot.rows import execute
from tests.fakes import png

SECRET = replace(EMBEDDED, name="Secret", age_restricted=True)
STYLES = (
    Style(
        name="Ink", prompt="ink drawing of {prompt}", negative_prompt="red", description="*Dark*"
    ),
    Style(name="Bare", prompt="bare {prompt}", age_restricted=True),
    *(Style(name=f"Style {number}", prompt="{prompt}") for number in range(5)),
)


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(
        {EMBEDDED.name: EMBEDDED, SECRET.name: SECRET},
        EMBEDDED.name,
        {style.name: style for style in STYLES},
    )


@pytest.fixture
def adult(house: House):
    """A channel for adults."""
    channel = house.guild.create_text_channel("adults")
    cached = house.bot.get_channel(channel.id)
    assert cached is not None
    cached.nsfw = True
    return channel


async def imagine(house: House, channel=None, **options):
    options = {"prompt": "a fox", "seed": 7, "count": 2, **options}
    result = await house.mia.slash(channel or house.channel, "imagine", **options)
    await house.settle()
    return result


async def page(house: House, command: str, person=None, channel=None):
    result = await (person or house.max).slash(channel or house.channel, command)
    assert result.ephemeral
    return result


async def shown(message) -> dict[str, bytes | None]:
    """Return each entry's example picture, None without."""
    files = {f"attachment://{file.filename}": await file.read() for file in message.attachments}
    return {
        embed.title: files[embed.thumbnail.url] if embed.thumbnail.url else None
        for embed in message.embeds
    }


async def examples(house: House, command: str = "styles", **where) -> list[str]:
    """Return the names that have a picture."""
    found = await shown((await page(house, command, **where)).response)
    return [name for name, picture in found.items() if picture]


async def test_the_checkpoints_are_listed_with_their_settings(house: House):
    (embed,) = (await page(house, "checkpoints")).response.embeds
    assert embed.title == "Emoji"
    assert embed.description == (
        f"{EMBEDDED.size} px, {EMBEDDED.num_inference_steps} steps of {EMBEDDED.sampler},"
        f" guidance {EMBEDDED.guidance_scale:g}\n{say('checkpoint-default')}"
    )


async def test_styles_are_shown_with_their_words_a_page_at_a_time(house: House):
    first = await page(house, "styles")
    assert list(await shown(first.response)) == ["Ink", *(f"Style {n}" for n in range(4))]
    assert first.response.embeds[0].description == (
        "\\*Dark\\*\n"
        + say("style-prompt", prompt="ink drawing of {prompt}")
        + "\n"
        + say("style-without", prompt="red")
    )
    await house.max.click(first.response, label=say("page-on"))
    assert list(await shown(first.response)) == ["Style 4"]
    await house.max.click(first.response, label=say("page-back"))
    assert "Ink" in await shown(first.response)


async def test_each_has_the_latest_picture_made_with_it_here(house: House):
    assert await examples(house) == []
    await imagine(house, style="Ink", seed=7)
    await imagine(house, style="Ink", seed=99)
    await imagine(house)
    found = await shown((await page(house, "styles")).response)
    (latest, _) = await house.pictures.of_job(2)
    assert found["Ink"] == await house.pictures.read_thumbnail(latest)
    assert found["Style 1"] is None
    assert await examples(house, "checkpoints") == ["Emoji"]
    for person, found in ((house.max, []), (house.mia, [])):
        result = await person.user.slash("styles")
        assert [
            name for name, picture in (await shown(result.response)).items() if picture
        ] == found


@pytest.mark.parametrize("column", ["private", "flagged", "deleted", "refused", "erased"])
async def test_what_not_everybody_may_see_is_no_example(house: House, database, column: str):
    await imagine(house, style="Ink")
    assert await examples(house) == ["Ink"]
    if column == "deleted":
        await house.app.job_store.deleted(1)
    elif column == "erased":
        await forget(database, house.mia.id, 10**6, datetime.now(UTC))
        assert await examples(house, "checkpoints") == []
    elif column == "refused":
        for number, verdict in enumerate((Verdict.REFUSED, Verdict.SPOILER)):
            await house.pictures.save(
                job_id=1, index=number, seed=7 + number, png=png(7 + number), verdict=verdict
            )
    else:
        await execute(database, f"UPDATE jobs SET {column} = 1")
    assert await examples(house) == []


async def test_pictures_of_channels_that_one_cannot_read_are_no_examples(house: House):
    hidden = discord.PermissionOverwrite(view_channel=False)
    closed = house.guild.create_text_channel("closed", overwrites={house.max: hidden})
    await imagine(house, closed, style="Ink")
    assert await examples(house, person=house.mia) == ["Ink"]
    assert await examples(house, person=house.max) == []


async def test_what_is_age_restricted_is_offered_and_drawn_in_such_channels_only(
    house: House, adult
):
    everywhere = [style.name for style in STYLES if not style.age_restricted]
    for channel, names in ((house.channel, everywhere), (adult, [one.name for one in STYLES])):
        offered = await house.mia.autocomplete(channel, "imagine", "style", "")
        assert [choice["name"] for choice in offered] == names
        result = await page(house, "styles", channel=channel)
        assert list(await shown(result.response)) == names[:5]
    offered = await house.mia.autocomplete(adult, "imagine", "checkpoint", "")
    assert [choice["name"] for choice in offered] == ["Emoji", "Secret"]
    offered = await house.mia.autocomplete(house.channel, "imagine", "checkpoint", "")
    assert [choice["name"] for choice in offered] == ["Emoji"]

    for name, options in (
        ("Bare", {"style": "Bare"}),
        ("Secret", {"prompt": "a fox --model secret"}),
    ):
        result = await house.mia.slash(house.channel, "imagine", **{"prompt": "a"} | options)
        assert house.refusal(result) == f"{name} is for age-restricted channels only."
    refused = await house.mia.user.slash("imagine", prompt="a", style="Bare")
    assert house.refusal(refused) == say("error-age-restricted", name="Bare")
    assert await house.jobs.get(1) is None

    result = await imagine(house, adult, style="Bare", checkpoint="Secret")
    assert len(result.response.attachments) == 2
    # Not even there: the page may be opened elsewhere next time.
    assert await examples(house, channel=adult) == []
    again = await house.mia.click(result.response, label=say("button-reroll"))
    await house.settle()
    assert len(again.response.attachments) == 2


@pytest.mark.parametrize("label", [say("button-reroll"), "V1", "U1"])
async def test_nothing_is_made_of_it_elsewhere(house: House, adult, label: str):
    result = await imagine(house, adult, style="Bare")
    house.bot.get_channel(adult.id).nsfw = False  # as when the server changes its mind
    clicked = await house.mia.click(result.response, label=label)
    assert clicked.ephemeral
    assert clicked.response.content == say("error-age-restricted", name="Bare")
    assert await house.jobs.get(2) is None


@pytest.fixture
def ada(house: House):
    """An administrator."""
    role = house.guild.create_role("Admins", permissions=discord.Permissions(manage_guild=True))
    return house.guild.add_member(house.env.create_user("ada"), roles=[role])


@pytest.mark.parametrize(
    "options",
    [{"checkpoint": "nothing"}, {"style": "nothing"}, {"prompt": "a fox --model nothing"}],
)
async def test_lines_name_nothing_age_restricted_but_in_such_channels(
    house: House, adult, ada, options
):
    for channel, named in ((house.channel, False), (adult, True)):
        asked = {"prompt": "a fox", **options}
        line = house.refusal(await house.mia.slash(channel, "imagine", **asked))
        assert "Emoji" in line or "Ink" in line
        assert ("Secret" in line or "Bare" in line) is named
    if "prompt" in options:
        return
    for command in ("settings set", "config defaults"):
        line = house.refusal(await ada.slash(house.channel, command, **options))
        assert "Secret" not in line
        assert "Bare" not in line


async def test_how_such_a_name_begins_is_not_confirmed(house: House, adult):
    result = await house.mia.slash(house.channel, "imagine", prompt="a fox --style bar")
    assert "Bare" not in house.refusal(result)
    await imagine(house, adult, prompt="a fox --style bar")
    assert (await house.job(1)).style == "Bare"


async def test_age_restricted_defaults_are_passed_over_elsewhere(house: House, adult, ada):
    for command in ("settings set", "config defaults"):
        await ada.slash(house.channel, command, checkpoint="Secret", style="Bare")
    for channel in (house.channel, adult):
        for person in (ada, house.mia):  # her own defaults, and the server's
            await person.slash(channel, "imagine", prompt="a fox", count=1)
            await house.settle()
    for number, drawn in enumerate([("Emoji", None)] * 2 + [("Secret", "Bare")] * 2, 1):
        job = await house.job(number)
        assert (job.request.checkpoint, job.style) == drawn


def test_a_default_that_is_age_restricted_makes_way(catalog: Catalog):
    assert replace(catalog, default="Secret").for_everybody().default == "Emoji"
    only = Catalog({"Secret": SECRET}, "Secret").for_everybody()
    assert (only.default, only.names) == ("Secret", ())

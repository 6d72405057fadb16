"""/mod history, the menus beside it, and what they lead to: who may, what is seen, what is done."""

import csv
import io
from datetime import UTC, datetime

import pytest
from PIL import Image
from sqlalchemy import update

from bot.db.database import Database
from bot.db.models import PictureRow
from bot.db.records import Status, Verdict
from bot.features.history import service as lookup
from bot.texts import say
from tests.bot.conftest import House, labels
from tests.bot.features.history.looking import (
    HISTORY,
    change,
    demote,
    looks,
    make,
    refused,
    reply,
    shown,
    thumbnail,
    thumbnails,
)
from tests.bot.rows import execute
from tests.texts import says


async def test_each_option_narrows_the_search(house: House, database: Database):
    await make(house, "a red fox", "a red apple", negative_prompt="a dog")
    await make(house, "a blue fox", person=house.max)
    await change(database, 1, flagged="fox", asked_at=datetime(2025, 12, 1, 12, tzinfo=UTC))
    await change(database, 2, status=Status.FAILED, error="**no**", checkpoint="Old one")
    for options, found in (
        ({}, ["a blue fox", "a red apple", "a red fox"]),
        ({"person": house.max}, ["a blue fox"]),
        ({"words": "FOX"}, ["a blue fox", "a red fox"]),
        ({"words": "a dog", "person": house.mia}, ["a red apple", "a red fox"]),
        ({"checkpoint": "Old one"}, ["a red apple"]),
        ({"status": "failed"}, ["a red apple"]),
        ({"flagged": True}, ["a red fox"]),
        ({"job": 2}, ["a red apple"]),
        ({"since": "1d"}, ["a blue fox", "a red apple"]),
        ({"until": "1d"}, ["a red fox"]),
        ({"since": "2025-12-01", "until": "2025-12-01"}, ["a red fox"]),
        ({"since": "2025-12-02", "until": "2025-12-02"}, []),
        ({"words": "100%"}, []),
    ):
        await house.settle()
        result = await looks(house, **options)
        assert result.ephemeral
        assert shown(result) == found, options
        if not found:
            assert reply(result).content == say("history-none")
    offered = await house.morgan.autocomplete(house.channel, HISTORY, "checkpoint", "EMO")
    assert [one["value"] for one in offered] == list(house.app.jobs.catalog.names)


async def test_an_entry_says_who_when_how_and_what_is_the_matter(house: House, database: Database):
    await make(house, "a **bold** fox", negative_prompt="a __big dog__", seed=77)
    await change(database, 1, flagged="*look*", error="_oh_", private=True)
    result = await looks(house)
    (embed,) = reply(result).embeds
    fields = {field.name: field.value for field in embed.fields}
    assert fields["By"] == f"<@{house.mia.id}> (mia)"
    assert fields["Without"] == r"a \_\_big dog\_\_"
    assert fields[say("inspect-settings")].endswith("· seed 77")
    assert (fields[say("inspect-flagged")], fields["Why"]) == (r"\*look\*", r"\_oh\_")
    assert f"<#{house.channel.id}>" in fields["Requested"]
    assert "🔒" in embed.title
    assert embed.timestamp == (await house.job(1)).origin.asked_at
    assert not house.allowed_mentions(reply(result)).users
    assert reply(result).attachments[0].description == "a **bold** fox"


@pytest.mark.parametrize("why", ["deleted", "refused"])
async def test_what_nobody_else_sees_is_blurred_until_it_is_asked_for(
    house: House, database: Database, why: str
):
    half = Image.new("RGB", (64, 64), "black")
    half.paste((255, 255, 255), (0, 0, 32, 64))
    file = io.BytesIO()
    half.save(file, "PNG")
    await make(house, *(f"picture {n}" for n in range(6)))
    await house.pictures.save(job_id=6, index=0, seed=9, png=file.getvalue())
    if why == "deleted":
        await house.morgan.slash(house.channel, "mod remove", job=6)
    else:
        only = update(PictureRow).where(PictureRow.job_id == 6)
        await execute(database, only.values(verdict=Verdict.REFUSED))

    result = await looks(house)
    message = reply(result)
    assert len(message.attachments) == 5
    assert ("deleted" in message.embeds[0].title) is (why == "deleted")
    veiled = await thumbnail(result)
    assert max(veiled.crop((24, 0, 40, 64)).getextrema()[0]) < 250
    left, right = veiled.getpixel((29, 32))[0], veiled.getpixel((34, 32))[0]
    assert abs(left - right) < 100, "the edge can be made out"
    other = await thumbnail(result, 1)
    assert other.getpixel((3, 3))[0] in range(6, 13)

    await house.morgan.click(message, label=say("button-unveil"))
    clear = await thumbnail(result)
    assert clear.getpixel((20, 32))[0] > 240
    assert clear.getpixel((44, 32))[0] < 15
    await house.morgan.click(message, label=say("button-older"))
    await house.morgan.click(message, label=say("button-newer"))
    again = await thumbnail(result)
    assert abs(again.getpixel((29, 32))[0] - again.getpixel((34, 32))[0]) < 100

    card = await house.morgan.select(message, values=["6"])
    assert labels(reply(card)) == [say("button-remove"), say("button-block"), say("button-unveil")]
    assert reply(card).embeds[0].thumbnail.url == "attachment://job-6.webp"
    (veiled,) = await thumbnails(card)
    assert abs(veiled.getpixel((29, 32))[0] - veiled.getpixel((34, 32))[0]) < 100
    await house.morgan.click(reply(card), label=say("button-unveil"))
    (clear,) = await thumbnails(card)
    assert clear.getpixel((20, 32))[0] > 240
    assert clear.getpixel((44, 32))[0] < 15
    assert labels(reply(card)) == [say("button-remove"), say("button-block")]
    plain = await house.morgan.select(message, values=["5"])
    assert labels(reply(plain)) == [say("button-remove"), say("button-block")]
    (shown_at_once,) = await thumbnails(plain)
    assert shown_at_once.getpixel((3, 3))[0] in range(6, 13)
    card = await house.morgan.select(message, values=["6"])
    demote(house)
    assert refused(house, await house.morgan.click(reply(card), label=say("button-unveil"))) == (
        say("error-permissions", needed=say("permission.moderate-members"))
    )


async def test_the_menu_of_a_message_finds_its_job(house: House, database: Database):
    (made,) = await make(house, "a fox", negative_prompt="a dog")
    await execute(database, update(PictureRow).values(nsfw=0.25, verdict=Verdict.SPOILER))
    child = await house.max.click(made.response, label=say("button-reroll"))
    await house.settle()
    await change(database, 1, flagged="fox", device_seconds=2.5, private=True)
    result = await house.morgan.context_menu(house.channel, say("menu-inspect"), made.response)
    assert result.ephemeral
    (embed,) = reply(result).embeds
    fields = {field.name: field.value for field in embed.fields}
    assert fields["By"] == f"<@{house.mia.id}> (mia)"
    assert fields[say("inspect-status")] == "✅ done · private"
    assert fields[say("details-device-time")] == "2.5 s"
    assert fields[say("inspect-flagged")] == "fox"
    assert fields[say("inspect-check")] == say(
        "inspect-score", number=1, verdict="spoiler", score="25%"
    )
    assert str(child.response.id) in fields[say("details-children")]
    assert "a dog" in embed.description
    assert labels(reply(result)) == [
        say("button-remove"),
        say("button-block"),
        say("button-unveil"),
    ]

    spoken = await house.mia.send(house.channel, "a fox, please")
    for message in (spoken, child.response):
        await change(database, 2, message_id=None)
        result = await house.morgan.context_menu(house.channel, say("menu-inspect"), message)
        assert refused(house, result) == say("error-message-without-job")


async def test_the_menu_of_a_person_opens_their_history(house: House):
    await make(house, "a fox")
    await make(house, "a pear", person=house.max)
    result = await house.morgan.context_menu(house.channel, say("menu-history"), house.mia)
    assert result.ephemeral
    assert shown(result) == ["a fox"]
    nothing = await house.morgan.context_menu(house.channel, say("menu-history"), house.morgan)
    assert reply(nothing).content == say("history-none")


async def rows(result) -> list[list[str]]:
    (file,) = reply(result).attachments
    assert file.filename == "history.csv"
    text = (await file.read()).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


async def test_a_search_is_handed_out_as_a_table(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lookup, "ROWS_AT_ONCE", 2)
    prompts = ('=HYPERLINK("x")', '+1, "2"', "@sum", "ＡＢ\n-1", "-fox")
    await make(house, *prompts)
    await make(house, "not this one", person=house.max)
    result = await house.morgan.click(
        reply(await looks(house, person=house.mia)), label=say("button-export")
    )
    assert result.ephemeral
    assert reply(result).content == "5 jobs."
    head, *table = await rows(result)
    assert head == list(lookup.columns())
    place = head.index("prompt")
    escaped = ["'" + prompt if prompt[0] in "=+@-" else prompt for prompt in prompts]
    assert [row[place] for row in table] == escaped[::-1]
    first = dict(zip(head, table[-1], strict=True))
    assert (first["job"], first["person_name"], first["seed"]) == ("1", "mia", "9")
    assert first["asked_at"].endswith("+00:00")
    for column, known in (("person_id", house.mia.id), ("channel_id", house.channel.id)):
        assert first[column] == f"'{known}", "or a spreadsheet rounds it"
    assert first["message_id"] == f"'{(await house.job(1)).message_id}"
    (entry,) = await house.audit.page(house.guild.id, before=None, limit=5)
    assert (entry.action, entry.person_id, entry.detail) == ("export", house.mia.id, "5 jobs")

    monkeypatch.setattr(lookup, "MOST_ROWS", 3)
    part = await house.morgan.click(
        reply(await looks(house, words="o")), label=say("button-export")
    )
    assert len(await rows(part)) == 3
    monkeypatch.setattr(lookup, "MOST_ROWS", 1)
    part = await house.morgan.click(reply(await looks(house)), label=say("button-export"))
    assert says(reply(part).content, "exported-part")
    assert len(await rows(part)) == 2


async def test_bad_moments_are_refused_by_name(house: House):
    for field, typed in (("since", "soon"), ("until", "2009-01-01"), ("since", "9999-12-31")):
        line = say("error-invalid", field=field, bound=say("bound-moment"))
        assert refused(house, await looks(house, **{field: typed})) == line
    result = await looks(house, since="1d", until="2d")
    assert refused(house, result) == say("error-invalid", field="since", bound="before `until`")


async def test_the_longest_of_everything_fits_a_message(house: House, database: Database):
    await make(house, *("*" * 1000 for _ in range(5)), negative_prompt="_" * 1000)
    for job_id in range(1, 6):
        await change(
            database,
            job_id,
            checkpoint="~" * 200,
            flagged="|" * 500,
            error="`" * 500,
            person_name="_" * 64,
            style="*" * 100,
        )
    result = await looks(house)
    assert len(shown(result)) == 5
    assert sum(len(embed) for embed in reply(result).embeds) <= 6000
    card = reply(await house.morgan.select(reply(result), values=["1"]))
    assert len(card.embeds[0]) <= 6000


async def test_a_forgotten_page_loses_its_buttons(house: House):
    await make(house, "a fox")
    result = await looks(house)
    await house.env.advance_time(601)
    assert reply(result).components == []

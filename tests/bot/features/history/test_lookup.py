"""/mod history, the menus beside it, and what they lead to: who may, what is seen, what is done."""

import csv
import io
from datetime import UTC, datetime

import discord
import pytest
from PIL import Image
from sqlalchemy import func, update

from bot.db.database import Database
from bot.db.models import JobRow, PictureRow
from bot.db.records import Status, Verdict
from bot.features.history import service as lookup
from bot.texts import say
from tests.bot.conftest import House, labels
from tests.texts import says

HISTORY = "mod history"


def reply(result):
    return result.followups[0] if result.followups else result.response


def shown(result) -> list[str]:
    return [embed.description for embed in reply(result).embeds]


def refused(house: House, result) -> str:
    _ = house.env.errors  # or what was refused to a command would fail the test
    assert result.ephemeral
    assert reply(result).embeds == []
    return reply(result).content


async def make(house: House, *prompts: str, person=None, **options) -> list:
    results = []
    for prompt in prompts:
        asked = {"prompt": prompt, "count": 1, "seed": 9, **options}
        results.append(await (person or house.mia).slash(house.channel, "imagine", **asked))
        await house.settle()
    return results


async def change(database: Database, job_id: int, **values) -> None:
    if "checkpoint" in values:
        name = values["checkpoint"]
        values["request"] = func.json_set(JobRow.request, "$.checkpoint", name)
    async with database.write() as session:
        await session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))


async def looks(house: House, by=None, **options):
    return await (by or house.morgan).slash(house.channel, HISTORY, **options)


async def trail(house: House) -> list[tuple]:
    entries = await house.audit.page(house.guild.id, before=None, limit=20)
    return [(one.action, one.moderator_id, one.person_id, one.job_id) for one in entries]


def demote(house: House) -> None:
    (role,) = house.env.backend.guilds[house.guild.id].members[house.morgan.id].role_ids
    house.env.backend.remove_member_role(house.guild.id, house.morgan.id, role)


def moderator_elsewhere(house: House):
    guild = house.env.create_guild("Elsewhere")
    role = guild.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    eve = guild.add_member(house.env.create_user("eve"), roles=[role])
    return guild.create_text_channel("mods"), eve


async def thumbnail(result, place: int = 0) -> Image.Image:
    content = await reply(result).attachments[place].read()
    return Image.open(io.BytesIO(content)).convert("RGB")


async def thumbnails(result) -> list[Image.Image]:
    files = [await file.read() for file in reply(result).attachments]
    return [Image.open(io.BytesIO(content)).convert("RGB") for content in files]


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
    await make(house, "a **bold** fox", negative_prompt="a __dog__", seed=77)
    await change(database, 1, flagged="*look*", error="_oh_", private=True)
    result = await looks(house)
    (embed,) = reply(result).embeds
    fields = {field.name: field.value for field in embed.fields}
    assert fields["By"] == f"<@{house.mia.id}> (mia)"
    assert fields["Without"] == r"a \_\_dog\_\_"
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
        async with database.write() as session:
            only = PictureRow.job_id == 6
            await session.execute(update(PictureRow).where(only).values(verdict=Verdict.REFUSED))

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


async def test_one_of_the_page_is_looked_at_and_removed(house: House, tmp_path):
    await make(house, "a fox")
    (made,) = await make(house, "a pear", seed=10)
    message_id = made.response.id
    page = reply(await looks(house))
    card = await house.morgan.select(page, values=["2"])
    assert card.ephemeral
    message = reply(card)
    assert message.embeds[0].title == "#2 imagine"
    assert labels(message) == [say("button-remove"), say("button-block")]
    form = await house.morgan.click(message, label=say("button-remove"))
    assert form.modal["title"] == "Remove #2"
    assert (await house.job(2)).deleted_at is None, "it asks first"

    done = await house.morgan.submit_modal(form, {"reason": "not here"})
    assert done.ephemeral
    assert reply(done).content == say("removed", job=2, children=0)
    assert message_id not in [one.id for one in house.channel.history()]
    (picture,) = await house.pictures.of_job(2)
    assert await house.pictures.read(picture) is None
    assert await trail(house) == [("remove", house.morgan.id, house.mia.id, 2)]
    inspected = reply(await house.morgan.select(page, values=["2"])).embeds[0]
    assert (
        "deleted <t:"
        in {field.name: field.value for field in inspected.fields}[say("inspect-status")]
    )


async def test_a_person_is_blocked_from_what_they_made(house: House):
    await make(house, "a fox")
    card = reply(await house.morgan.select(reply(await looks(house)), values=["1"]))
    form = await house.morgan.click(card, label=say("button-block"))
    assert form.modal["title"] == "Block mia"
    wrong = await house.morgan.submit_modal(form, {"duration": "3 months", "reason": ""})
    assert refused(house, wrong).startswith("`duration` must be like `3d 12h`")
    assert await house.blocks.of_person(house.mia.id) == []
    form = await house.morgan.click(card, label=say("button-block"))
    done = await house.morgan.submit_modal(form, {"duration": "1h", "reason": "spam"})
    assert says(reply(done).content, "blocked", person=str(house.mia.id))
    (held,) = await house.blocks.of_person(house.mia.id)
    assert (held.guild_id, held.by_id, held.reason) == (house.guild.id, house.morgan.id, "spam")
    assert await trail(house) == [("block", house.morgan.id, house.mia.id, None)]


async def test_moderators_are_not_blocked_from_a_card_either(house: House):
    await make(house, "a fox", person=house.morgan)
    roles = house.guild.create_role("H", permissions=discord.Permissions(moderate_members=True))
    helper = house.guild.add_member(house.env.create_user("helper"), roles=[roles])
    card = reply(await helper.select(reply(await looks(house, helper)), values=["1"]))
    form = await helper.click(card, label=say("button-block"))
    result = await helper.submit_modal(form, {"duration": "1h"})
    assert says(refused(house, result), "error-block-moderator")
    assert await house.blocks.of_person(house.morgan.id) == []


async def test_every_door_asks_again_who_moderates(house: House):
    (made,) = await make(house, "a fox")
    page = reply(await looks(house))
    card = reply(await house.morgan.select(page, values=["1"]))
    forms = [
        await house.morgan.click(card, label=one)
        for one in (say("button-remove"), say("button-block"))
    ]
    demote(house)
    line = say("error-permissions", needed=say("permission.moderate-members"))
    for label in (
        say("button-newer"),
        say("button-unveil"),
        say("button-export"),
        say("button-older"),
    ):
        custom_id = next(
            button["custom_id"]
            for row in page.components
            for button in row["components"]
            if button.get("label") == label
        )
        stored = house.env.backend.get_message(page.channel_id, page.id)
        for row in stored.components:
            for button in row["components"]:
                button["disabled"] = False
        clicked = await house.morgan.click(page, custom_id=custom_id)
        assert refused(house, clicked) == line, label
    assert refused(house, await house.morgan.select(page, values=["1"])) == line
    for label in (say("button-remove"), say("button-block")):
        assert refused(house, await house.morgan.click(card, label=label)) == line
    for form, typed in zip(forms, ({}, {"duration": "1h"}), strict=True):
        sent = await house.morgan.submit_modal(form, typed)
        assert refused(house, sent) == line
    (mod,) = [one for one in await house.bot.tree.fetch_commands() if one.name == "mod"]
    house.guild.set_command_permissions(mod, {house.guild.default_role: True})
    for command in ("mod history", "mod usage"):
        assert refused(house, await house.morgan.slash(house.channel, command)) == line
    for command in await house.bot.tree.fetch_commands():
        if command.name in (say("menu-inspect"), say("menu-history")):
            house.guild.set_command_permissions(command, {house.guild.default_role: True})
    for name, target in (
        (say("menu-inspect"), made.response),
        (say("menu-history"), house.mia),
    ):
        assert refused(house, await house.max.context_menu(house.channel, name, target)) == line
    assert len(shown_now := reply(made).attachments) == 1, shown_now
    assert await trail(house) == []
    assert (await house.job(1)).deleted_at is None
    assert await house.blocks.of_person(house.mia.id) == []


async def test_another_server_s_moderator_sees_and_does_nothing(house: House):
    await make(house, "a fox")
    card = reply(await house.morgan.select(reply(await looks(house)), values=["1"]))
    channel, eve = moderator_elsewhere(house)
    for options in ({}, {"job": 1}, {"words": "fox"}, {"person": house.mia_user}):
        result = await eve.slash(channel, HISTORY, **options)
        assert reply(result).content == say("history-none")
    # A button with that job's number, as a forged client might send it.
    theirs = await eve.slash(channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    stored = house.env.backend.get_message(channel.id, theirs.response.id)
    stored.components = house.env.backend.get_message(card.channel_id, card.id).components
    for label in (say("button-remove"), say("button-block")):
        clicked = await eve.click(theirs.response, label=label)
        assert refused(house, clicked) == say("error-job-unknown")
    assert (await house.job(1)).deleted_at is None
    usage = await eve.slash(channel, "mod usage", days=1)
    assert says(reply(usage).content, "usage-total")
    assert "mia" not in reply(usage).content


async def test_the_menu_of_a_message_finds_its_job(house: House, database: Database):
    (made,) = await make(house, "a fox", negative_prompt="a dog")
    async with database.write() as session:
        await session.execute(update(PictureRow).values(nsfw=0.25, verdict=Verdict.SPOILER))
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


async def test_who_had_themselves_erased_is_nobody_s_to_block(house: House):
    await make(house, "a fox")
    await house.jobs.forget(house.mia.id, datetime.now(UTC))
    page = reply(await looks(house))
    fields = {field.name: field.value for field in page.embeds[0].fields}
    assert fields["By"] == say("inspect-erased")
    card = reply(await house.morgan.select(page, values=["1"]))
    assert labels(card) == [say("button-remove")]

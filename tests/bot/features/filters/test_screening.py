"""/mod filter, and what filters do to what people ask for."""

import sqlite3
from contextlib import closing

import discord
import pytest

from bot.db.records import EVERYWHERE, Status
from bot.doctor import _filters
from bot.features.filters.patterns import MOST_REGEXES
from bot.features.filters.screening import Screening
from bot.settings import Settings, StoreSettings
from bot.texts import say
from bot.ui.cooldowns import PER_S, RATE
from tests.bot.conftest import House, labels
from tests.fakes import png
from tests.texts import says

REFUSED = say("error-prompt-refused")


def said(result) -> str:
    assert result.ephemeral
    return (result.followups[0] if result.followups else result.response).content


def refused(house: House, result) -> str:
    assert house.env.errors, "nothing was refused"
    return said(result)


async def add(house: House, pattern: str, action: str, by=None, **options):
    options = {"pattern": pattern, "action": action, **options}
    result = await (by or house.morgan).slash(house.channel, "mod filter add", **options)
    await house.settle()  # or a moderator would be too fast
    return result


async def imagine(house: House, prompt: str, person=None, **options):
    options = {"prompt": prompt, "count": 1, "seed": 7, **options}
    result = await (person or house.mia).slash(house.channel, "imagine", **options)
    await house.settle()
    return result


async def trail(house: House, guild_id: int | None = None) -> list[tuple[str, str]]:
    here = house.guild.id if guild_id is None else guild_id
    entries = await house.audit.page(here, before=None, limit=20)
    return [(one.action, one.detail) for one in entries]


def elsewhere(house: House):
    guild = house.env.create_guild("Elsewhere")
    channel = guild.create_text_channel("mods")
    role = guild.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    return guild, channel, guild.add_member(house.env.create_user("eve"), roles=[role])


@pytest.mark.parametrize("prompt", ["a fox <hypernet:{}:1>", "a fox --v {}"])
async def test_what_is_left_out_is_judged_as_well(house: House, prompt: str):
    await add(house, "turnip", "strip")
    await add(house, "swede", "refuse")
    result = await imagine(house, prompt.format("turnip"))
    assert "turnip" not in result.response.content
    assert "turnip" not in ((await house.job(1)).left_out or "")
    assert refused(house, await imagine(house, prompt.format("swede"), house.max)) == REFUSED


async def test_a_refused_prompt_is_named_to_moderators_and_not_to_the_person(house: House):
    before = await imagine(house, "a BANANA split")
    assert said(await add(house, "banana", "refuse")) == (
        say("filter-added", id=1, line="**refuse** word `banana`")
    )
    result = await imagine(house, "a b4n4na")
    assert refused(house, result) == REFUSED
    for label in (say("button-reroll"), "U1", "V1"):
        clicked = await house.mia.click(before.response, label=label)
        await house.settle()
        assert said(clicked) == REFUSED, label
    several = await imagine(house, "{apple, banana} split")
    assert refused(house, several) == REFUSED
    form = await house.mia.click(before.response, label=say("button-remix"))
    sent = await house.mia.submit_modal(form, {"prompt": "two bananas, one banana"})
    assert said(sent).startswith(REFUSED)
    assert await house.jobs.get(2) is None
    assert (await imagine(house, "no fruit", negative_prompt="banana")).response.attachments
    noted = await house.refusals.of_person(house.mia.id)
    assert [(one.why, one.prompt) for one in noted] == [
        ("PromptRefused", "a b4n4na"),
        *[("PromptRefused", "a BANANA split")] * 3,
        ("PromptRefused", "banana split"),
        ("PromptRefused", "two bananas, one banana"),
    ]
    assert {(one.guild_id, one.channel_id) for one in noted} == {(house.guild.id, house.channel.id)}


async def test_what_is_cut_is_not_drawn_and_its_author_is_told_alone(house: House):
    await add(house, "very naked", "strip", kind="phrase")
    result = await imagine(house, "a very naked fox")
    assert house.executor.requests[-1].prompt == "a fox"
    assert "naked" not in result.response.content
    (told,) = result.followups
    assert told.ephemeral
    assert told.content == say("stripped", words="very naked")
    job = await house.job(1)
    assert (job.request.prompt, job.stripped, job.status) == ("a fox", "very naked", Status.DONE)
    assert [await file.read() for file in result.response.attachments] == [png(7)]
    nothing = await imagine(house, "very naked!")
    assert refused(house, nothing) == REFUSED


async def test_what_is_flagged_is_drawn_and_marked_for_moderators(house: House):
    await add(house, r"gu+n", "flag", kind="regex")
    result = await imagine(house, "a guuun")
    assert result.followups == []
    assert (await house.job(1)).flagged == "#1 gu+n"
    assert (await house.job(1)).status is Status.DONE


async def test_an_enlarged_picture_keeps_its_words(house: House):
    result = await imagine(house, "a naked fox")
    await add(house, "naked", "strip")
    clicked = await house.mia.click(result.response, label="U1")
    await house.settle()
    assert clicked.response.attachments
    assert (await house.job(2)).request.prompt == "a naked fox"
    rerolled = await house.mia.click(result.response, label=say("button-reroll"))
    await house.settle()
    assert rerolled.response.attachments
    assert (await house.job(3)).request.prompt == "a fox"


async def test_styles_and_what_was_typed_are_both_cut(house: House):
    await add(house, "naked", "strip")
    style = next(iter(house.app.jobs.catalog.styles))
    await imagine(house, "a naked fox", style=style)
    job = await house.job(1)
    assert job.typed.prompt == "a fox"
    assert "naked" not in job.request.prompt
    assert job.request.prompt != "a fox", "the style is laid over it"


async def test_filters_are_listed_removed_and_on_record(house: House):
    for number in range(11):
        await add(house, f"word{number}", "flag")
        await house.env.advance_time(PER_S / RATE + 1)  # five in ten seconds are answered
    await house.env.advance_time(PER_S + 1)
    await add(house, "a` *b*", "refuse", kind="regex")
    twice = await add(house, "word1", "refuse")
    assert says(refused(house, twice), "error-filter-stands")
    odd = await add(house, "(", "flag", kind="regex")
    assert refused(house, odd).startswith("`pattern` must be a regular expression")
    result = await house.morgan.slash(house.channel, "mod filter list")
    assert result.ephemeral
    lines = result.response.embeds[0].description.splitlines()
    assert lines[:2] == ["#12 **refuse** regex a\\` \\*b\\*", "#11 **flag** word `word10`"]
    await house.morgan.click(result.response, label=say("button-older"))
    assert len(result.response.embeds[0].description.splitlines()) == 2

    gone = await house.morgan.slash(house.channel, "mod filter remove", filter=2)
    assert said(gone) == say("filter-removed", id=2, line="**flag** word `word1`")
    again = await house.morgan.slash(house.channel, "mod filter remove", filter=2)
    assert says(refused(house, again), "error-no-filter")
    await imagine(house, "a word1 of word2")
    assert (await house.job(1)).flagged == "#3 word2"
    assert (await trail(house))[:2] == [
        ("filter remove", "flag word word1"),
        ("filter add", "refuse regex a` *b*"),
    ]


async def test_a_test_says_what_would_become_of_a_text(house: House):
    async def tested(text: str) -> str:
        result = await house.morgan.slash(house.channel, "mod filter test", text=text)
        assert result.ephemeral
        return result.response.embeds[0].description

    await add(house, "naked", "strip")
    await add(house, "gun", "flag")
    await add(house, "bomb", "refuse")
    assert await tested("a fox") == say("filter-test-allowed")
    assert await tested("a naked *fox*") == say(
        "filter-test-stripped", filters="#1", text="a ~~naked~~ \\*fox\\*"
    )
    assert await tested("a gun, a bomb") == say("filter-test-refused", filters="#3.\nFlagged by #2")
    assert await tested("naked") == "\n".join(
        (say("filter-test-emptied"), say("filter-test-stripped", filters="#1", text="~~naked~~"))
    )
    assert await house.jobs.get(1) is None
    assert await house.refusals.of_person(house.morgan.id) == []


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("add", {"pattern": "fox", "action": "refuse"}),
        ("remove", {"filter": 1}),
        ("list", {}),
        ("test", {"text": "a fox"}),
    ],
)
async def test_filters_are_for_moderators_of_the_same_server(house: House, command, options):
    await add(house, "secret", "refuse")
    (mod,) = [one for one in await house.bot.tree.fetch_commands() if one.name == "mod"]
    house.guild.set_command_permissions(mod, {house.guild.default_role: True})
    result = await house.max.slash(house.channel, f"mod filter {command}", **options)
    assert refused(house, result) == say(
        "error-permissions", needed=say("permission.moderate-members")
    )
    _, channel, eve = elsewhere(house)
    there = await eve.slash(channel, f"mod filter {command}", **options)
    assert house.env.errors is not None
    shown = [*there.followups, there.response]
    assert not any("secret" in str(one.content) + str(one.embeds) for one in shown if one)
    assert len(await trail(house)) == 1
    assert refused(house, await imagine(house, "a secret")) == REFUSED
    assert (await imagine(house, "a fox")).response.attachments


async def test_everywhere_is_for_the_bots_owners_and_holds_in_direct_messages(house: House):
    result = await add(house, "banana", "refuse", everywhere=True)
    assert refused(house, result) == say("error-owners-only")
    _, channel, eve = elsewhere(house)
    there = await eve.slash(channel, "imagine", prompt="a banana", count=1)
    await house.settle()
    assert there.response.attachments, "and what is remembered of a server is forgotten"

    house.bot.owner_id = house.morgan.id
    await add(house, "banana", "refuse", everywhere=True)
    for result in (
        await eve.slash(channel, "imagine", prompt="a banana"),
        await house.mia_user.slash("imagine", prompt="a banana"),
        await imagine(house, "a banana"),
    ):
        assert refused(house, result) == REFUSED
    assert await trail(house, EVERYWHERE) == [("filter add", "refuse word banana")]
    assert await trail(house) == []
    listed = await house.morgan.slash(house.channel, "mod filter list")
    assert said(listed) == say("filters-none")
    tested = await house.morgan.slash(house.channel, "mod filter test", text="a banana")
    assert tested.response.embeds[0].description == say(
        "filter-test-refused", filters="one of the bot's owners"
    )
    refused_remove = await eve.slash(channel, "mod filter remove", filter=1)
    assert says(refused(house, refused_remove), "error-no-filter")


async def test_every_kind_of_refusal_is_noted_and_erased_words_go(house: House, tmp_path):
    house.executor.hold = True
    for number in range(4):
        await imagine(house, f"a fox {number}")
    await add(house, "secret", "refuse")
    await house.morgan.slash(house.channel, "mod block", person=house.mia, reason="x")
    await imagine(house, "a secret fox")
    typo = await imagine(house, "a fox --nothing 3")
    assert says(refused(house, typo), "error-parameters-unknown")
    noted = await house.refusals.of_person(house.mia.id)
    assert [(one.why, one.prompt) for one in noted] == [
        ("QuotaReached", "a fox 3"),
        (say("blocks-title"), "a secret fox"),
    ]
    export = await house.mia.slash(house.channel, "privacy export")
    kept = await export.response.attachments[0].read()
    assert b"a secret fox" in kept
    assert b'"reason": "x"' in kept
    question = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(question.response, label=say("button-erase"))
    assert await house.refusals.of_person(house.mia.id) == []
    with closing(sqlite3.connect(tmp_path / "darkroom.sqlite3")) as connection, connection:
        text = " ".join(connection.iterdump())
    connection.close()
    assert "secret fox" not in text
    assert "QuotaReached" in text
    assert len(await house.blocks.of_person(house.mia.id)) == 1
    assert list((tmp_path / "thumbnails").rglob("*.webp")) == []
    assert labels(question.response) == []


async def test_a_busy_database_costs_the_note_and_not_the_answer(house: House, tmp_path):
    await add(house, "banana", "refuse")
    holder = sqlite3.connect(tmp_path / "darkroom.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    result = await imagine(house, "a banana")
    assert refused(house, result) == REFUSED
    await house.app.admission.close()
    holder.rollback()
    holder.close()
    assert await house.refusals.of_person(house.mia.id) == []


async def test_strictness_is_chosen_shown_and_on_record(house: House):
    assert said(await add(house, "nude", "refuse", strictness="spaced")) == (
        say("filter-added", id=1, line="**refuse** word, spaced out `nude`")
    )
    assert refused(house, await imagine(house, "a menu, details")) == REFUSED
    result = await house.morgan.slash(house.channel, "mod filter test", text="nu,de")
    assert result.response.embeds[0].description == say(
        "filter-test-refused", filters="#1 (spaced out)"
    )
    strict = await add(house, "a+b", "flag", kind="regex", strictness="inside")
    assert refused(house, strict).startswith("`strictness` must be whole for a regular expression")
    await house.morgan.slash(house.channel, "mod filter remove", filter=1)
    assert (await trail(house))[:2] == [
        ("filter remove", "refuse word spaced nude"),
        ("filter add", "refuse word spaced nude"),
    ]


async def test_what_is_drawn_is_what_is_judged(house: House):
    """By every way in: typed, permuted, styled, remixed, read from a file."""
    await add(house, "nude", "refuse")
    style = next(iter(house.app.jobs.catalog.styles))
    for prompt, options in (
        ("a nu()de woman", {}),
        ("((nu:2):0.5)de", {}),
        ("a {red, nu{()}de} fox", {}),
        ("nu{}de", {}),
        ("nu{(,[}de", {}),
        ("n[u]de", {"style": style}),
        ("nu()de --no blur", {}),
        ("nude1 --seed 3 fox", {}),
    ):
        assert refused(house, await imagine(house, prompt, **options)) == REFUSED, prompt
        house.env.errors.clear()
    fox = await imagine(house, "a fox")
    form = await house.mia.click(fox.response, label=say("button-remix"))
    sent = await house.mia.submit_modal(form, {"prompt": "a (nu)de fox"})
    assert said(sent).startswith(REFUSED)
    assert await house.jobs.get(2) is None


INSERT = "INSERT INTO filters (guild_id, pattern, kind, action) VALUES (?, ?, 'regex', 'refuse')"
OLD = ("(?<=a)b", "(?:(?:(?:a{9999}){9999}){9999})", "(", r"\pL{1000}")


async def test_patterns_of_earlier_releases_are_switched_off_and_told(
    house: House, tmp_path, caplog
):
    with closing(sqlite3.connect(tmp_path / "darkroom.sqlite3")) as connection, connection:
        connection.executemany(
            INSERT,
            [(house.guild.id, pattern) for pattern in OLD],
        )
    connection.close()
    await house.app.get(Screening)._filters.load()  # as a start does
    await add(house, "banana", "refuse")
    assert refused(house, await imagine(house, "a banana")) == REFUSED
    assert (await imagine(house, "a cab")).response.attachments
    assert caplog.text.count("filters #1, #2, #3, #4 are switched off") == 1
    listed = await house.morgan.slash(house.channel, "mod filter list")
    lines = listed.response.embeds[0].description.splitlines()
    assert lines[0] == "#5 **refuse** word `banana`"
    assert all("is **switched off**: it must be a" in line for line in lines[1:])
    assert "without `(?<=`" in lines[-1]
    tested = await house.morgan.slash(house.channel, "mod filter test", text="ab")
    assert tested.response.embeds[0].description == (
        f"{say('filter-test-allowed')}\n" + say("filter-test-off", filters="#1, #2, #3 and #4")
    )
    off = _filters(Settings(store=StoreSettings(folder=tmp_path)))
    assert [finding.fine for finding in off] == [False] * len(OLD)
    assert "is switched off: it must be a" in str(off[0])
    await house.morgan.slash(house.channel, "mod filter remove", filter=1)


async def test_regular_expressions_of_a_server_are_bounded_together(house: House, tmp_path):
    with closing(sqlite3.connect(tmp_path / "darkroom.sqlite3")) as connection, connection:
        connection.executemany(
            INSERT,
            [(house.guild.id, f"fox{number}") for number in range(MOST_REGEXES + 2)],
        )
    connection.close()
    await house.app.get(Screening)._filters.load()
    full = await add(house, "one more", "flag", kind="regex")
    assert says(refused(house, full), "error-filters-regex-full", most=100)
    assert says((await add(house, "word", "flag")).response.content, "filter-added")
    off = await house.app.get(Screening).switched_off(house.guild.id)
    assert list(off) == [MOST_REGEXES + 1, MOST_REGEXES + 2]


async def test_large_regular_expressions_are_bounded_together(house: House):
    added = 0
    for number in range(20):
        result = await add(house, rf"\w{{1,6}}{number}", "flag", kind="regex")
        await house.env.advance_time(PER_S + 1)
        if not said(result).startswith("Filter #"):
            break
        added += 1
    assert 3 < added < 20
    assert says(refused(house, result), "error-filters-regex-full")

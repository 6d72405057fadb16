"""One nasty text through every door: whatever shows it, runs none of it."""

import re
from collections.abc import Iterator

import pytest

from bot.db.records import Kind
from bot.texts import say
from bot.ui.pages import embeds
from generation.catalog import EMBEDDED, STYLES, Catalog
from generation.metadata.infotext import Parameters
from tests.bot.conftest import House
from tests.bot.markdown import read

NASTY = (
    "# [evil](https://evil.example) and [evil](<https://evil.example/a.png>)\u202e\n"
    "-# https://evil.example/evil.png discord.gg/evil discord.com/invite/evil @everyone evil\n"
    "- <@666> <@!666> <@&666> <#666> </evil:666> <id:guide> <t:666:R> <:evil:666> :evil:\n"
    "> **evil** __evil__ ~~evil~~ ||evil|| *evil* _evil_ `evil` ```evil``` \\[evil](https://evil)"
    + "\u0300\u0301"
    * 20
)
# What is invisible before a line's end goes, and so do addresses and the name of a file of words.
SEEN = re.sub(r"\(<?https://.*?\)|https://\S+ ", "", NASTY.replace("\u202e\n", "\n")).replace(
    "__evil__ ", ""
)
SHORT = "**evil** [evil](https://evil) <@666> `x` @here\u202e"
BAD = ("evil", "666", "everyone", "here")
# What our own sentences may put around it.
OURS = ("bold", "small print", "quote", "list", "struck", "code")


def harmless(text: str | None) -> None:
    for one in read(text or "").marked:
        kind, _, found = one.partition(": ")
        assert kind in OURS or not any(bad in found for bad in BAD), one
        if kind in ("link", "invite", "masked link"):
            assert "//discord.com/channels/" in found or found.startswith("discord.com/channels/")
    assert "\u202e" not in (text or "")
    assert "\u0300\u0301" * 3 not in (text or "")


def texts(message) -> Iterator[str]:
    """Yield everything of a message in which Discord marks text up."""
    yield message.content
    for embed in message.embeds:
        yield from (embed.title or "", embed.description or "")
        for field in embed.fields:
            yield from (field.name, field.value)


def labels(message) -> Iterator[str]:
    for row in message.components:
        for item in row["components"]:
            yield item.get("label") or ""
            for option in item.get("options", ()):
                yield option["label"]


def check(message, *, shows: bool = True) -> None:
    """Nothing runs in a message, which shows something of the text."""
    assert message is not None
    for text in texts(message):
        harmless(text)
    if shows:
        assert any("evil" in read(text).shown for text in texts(message))
    for file in message.attachments:
        assert "evil" not in file.filename
        assert "\u202e" not in (file.description or "")
    for label in labels(message):
        assert "\u202e" not in label
        assert "\n" not in label
        assert "\\" not in label.replace("\\[evil]", "")


def reply(result):
    return result.followups[0] if result.followups else result.response


@pytest.fixture
def catalog() -> Catalog:
    styles = {style.name: style for style in STYLES}
    return Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name, styles)


async def imagine(house: House, **options):
    options = {"prompt": NASTY, "negative_prompt": NASTY, "count": 1, "seed": 7, **options}
    result = await house.mia.slash(house.channel, "imagine", **options)
    await house.settle()
    return result


async def test_a_job_from_its_first_answer_to_its_form(house: House):
    house.executor.hold, house.executor.loads, house.executor.cut = True, True, NASTY
    result = await imagine(house)
    check(result.response)
    check(reply(await house.mia.slash(house.channel, "queue")))
    house.executor.let_go(3)
    await house.settle()
    check(result.response)
    house.executor.let_go()
    await house.settle()
    check(result.response)
    (file,) = result.response.attachments
    assert file.description.startswith("# [evil] and [evil]")

    check(reply(await house.mia.click(result.response, label=say("button-details"))))
    await house.mia.click(result.response, label=say("button-send"))
    check(house.mia.user.dm_channel.history()[0])
    check(reply(await house.mia.click(result.response, label=say("button-delete"))))
    check(reply(await house.mia.slash(house.channel, "history")))
    await house.mia.click(result.response, label=say("button-favourite"))
    check(reply(await house.mia.slash(house.channel, "favourites")))
    check(reply(await house.mia.slash(house.channel, "show", job=1)))

    form = await house.mia.click(result.response, label=say("button-remix"))
    filled = [row["component"].get("value", "") for row in form.modal["components"]]
    assert filled[0].replace("\\\\", "\\") == SEEN  # only what braces want is escaped there
    assert filled[1] == SEEN
    inputs = [row["component"] for row in form.modal["components"]]
    typed = {item["custom_id"]: item.get("value", "") for item in inputs} | {"steps": "many"}
    refused = await house.mia.submit_modal(form, typed)
    check(refused.response)
    assert "discord.gg/evil" in read(refused.response.content).shown


async def test_what_becomes_of_a_job(house: House):
    result = await imagine(house)
    enlarged = await house.mia.click(result.response, label="U1")
    await house.settle()
    check(enlarged.response)
    varied = await house.mia.click(result.response, label="V1")
    await house.settle()
    check(varied.response)
    assert (await house.job(3)).kind is Kind.VARIATION
    asked = await house.mia.slash(house.channel, "imagine", prompt="{red,blue} " + SHORT)
    check(asked.response)


async def test_what_moderators_read(house: House):
    pattern = {"pattern": SHORT.replace("*", "x"), "kind": "regex"}
    added = await house.morgan.slash(house.channel, "mod filter add", action="flag", **pattern)
    check(added.response)
    check(reply(await house.morgan.slash(house.channel, "mod filter list")))
    await house.morgan.slash(house.channel, "mod filter add", pattern="png", action="strip")
    await house.env.advance_time(60)
    check(reply(await house.morgan.slash(house.channel, "mod filter test", text=NASTY)))
    made = await imagine(house)
    for line in made.followups:
        check(line, shows=False)
    await house.app.job_store.drawn(1, 0, flags=[NASTY])
    check(reply(await house.morgan.slash(house.channel, "mod history")))
    card = await house.morgan.context_menu(house.channel, say("menu-inspect"), made.response)
    check(reply(card))
    await house.env.advance_time(60)
    check(reply(await house.morgan.slash(house.channel, "mod usage")), shows=False)
    removed = await house.morgan.slash(house.channel, "mod remove", job=1, reason=SHORT)
    check(reply(removed), shows=False)
    blocked = await house.morgan.slash(
        house.channel, "mod block", person=house.mia, duration="1h", reason=SHORT
    )
    check(reply(blocked))
    check(reply(await house.morgan.slash(house.channel, "mod blocks")))
    check((await house.mia.slash(house.channel, "imagine", prompt="a fox")).response)
    house.env.errors.clear()
    check(reply(await house.morgan.slash(house.channel, "mod audit")))


async def test_somebodys_name(house: House):
    eve = house.guild.add_member(house.env.create_user("**evil** <@666> :evil:"))
    made = await eve.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    card = await house.morgan.context_menu(house.channel, say("menu-inspect"), made.response)
    check(reply(card))
    check(reply(await house.morgan.slash(house.channel, "mod usage")))
    form = await house.morgan.click(reply(card), label=say("button-block"))
    assert form.modal["title"] == "Block **evil** <@666> :evil:"


async def test_what_is_set(house: House):
    check((await house.mia.slash(house.channel, "settings set", negative_prompt=NASTY)).response)
    check((await house.mia.slash(house.channel, "settings show")).response)
    for options in ({"style": SHORT}, {"checkpoint": SHORT}, {"sampler": SHORT}):
        refused = await house.mia.slash(house.channel, "settings set", **options)
        check(refused.response, shows=False)
    house.env.errors.clear()
    for typed in (f"--style {SHORT}", f"--sampler {SHORT}", "--wrong b", f"--seed {SHORT}"):
        refused = await house.mia.slash(house.channel, "imagine", prompt=f"a {typed}")
        check(refused.response, shows=False)
    house.env.errors.clear()


def test_what_a_file_says():
    found = Parameters(
        prompt=NASTY,
        negative_prompt=NASTY,
        model=SHORT,
        model_hash=SHORT,
        sampler=SHORT,
        other={SHORT: NASTY},
    )
    card = embeds.parameters(found, [SHORT])
    for text in (card.description, *(field.value for field in card.fields)):
        harmless(text)
        assert "evil" in text

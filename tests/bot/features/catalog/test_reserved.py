"""Checkpoints that are reserved for roles: nobody else draws with them, through no door."""

from dataclasses import replace

import discord
import pytest
import simcord

from bot.texts import say
from generation.catalog import EMBEDDED, Catalog
from generation.styles import Style
from tests.bot.conftest import House

OPEN, RESERVED = "Emoji", "Studio"
STYLE = Style(name="Ours", prompt="{prompt}", checkpoints=(RESERVED,))


@pytest.fixture
def catalog() -> Catalog:
    studio = replace(EMBEDDED, name=RESERVED, roles=(1, 2))
    checkpoints = {RESERVED: studio, OPEN: EMBEDDED}
    return Catalog(checkpoints, RESERVED, {STYLE.name: STYLE})


@pytest.fixture
def artist(house: House) -> simcord.MemberActor:
    """Somebody with one of the roles."""
    role = house.guild.create_role("Artists", permissions=discord.Permissions(manage_guild=True))
    person = house.guild.add_member(house.env.create_user("artist"), roles=[role])
    checkpoints = dict(house.app.catalog.checkpoints)
    checkpoints[RESERVED] = replace(checkpoints[RESERVED], roles=(role.id, 5))
    house.app.catalog.become(replace(house.app.catalog, checkpoints=checkpoints))
    return person


LINE = say("error-checkpoint-reserved", name=RESERVED)


async def imagine(house: House, person, **options):
    result = await person.slash(
        house.channel, "imagine", **{"prompt": "a fox", "count": 1, "seed": 7, **options}
    )
    await house.settle()
    return result


@pytest.mark.parametrize(
    "options",
    [
        {"checkpoint": RESERVED},
        {"prompt": "a fox --model studio"},
        {"prompt": "a fox --model 'Studio'"},
        {"style": STYLE.name},
    ],
)
async def test_the_command_refuses_it_to_others(house: House, artist, options: dict[str, str]):
    assert house.refusal(await imagine(house, house.mia, **options)) == LINE
    assert house.executor.requests == []
    await imagine(house, artist, **options)
    assert {one.checkpoint for one in house.executor.requests} == {RESERVED}


async def test_pasted_data_that_names_it_is_drawn_without_it(house: House, artist):
    pasted = "a fox\nSteps: 20, Sampler: DDIM, Seed: 1, Model: Studio, Version: v1"
    for person, drawn in ((house.mia, OPEN), (artist, RESERVED)):
        await imagine(house, person, prompt=pasted)
        assert house.executor.requests[-1].checkpoint == drawn


async def test_lists_and_choices_do_not_have_it_for_others(house: House, artist):
    for person, names in ((house.mia, [OPEN]), (artist, [RESERVED, OPEN])):
        choices = await person.autocomplete(house.channel, "imagine", "checkpoint", "")
        assert [choice["name"] for choice in choices] == names
        shown = await person.slash(house.channel, "checkpoints")
        assert [embed.title for embed in shown.response.embeds] == names
        found = await person.slash(house.channel, "checkpoints", search="stu")
        assert (RESERVED in str([embed.title for embed in found.response.embeds])) is (
            person is artist
        )
        line = house.refusal(
            await person.slash(house.channel, "imagine", prompt="a", checkpoint="x")
        )
        assert (RESERVED in line) is (person is artist)


async def test_nobody_has_roles_in_direct_messages(house: House, artist):
    refused = await artist.user.slash("imagine", prompt="a fox", checkpoint=RESERVED)
    assert house.refusal(refused) == LINE
    result = await artist.user.slash("imagine", prompt="a fox", count=1)
    await house.settle()
    assert result.response.attachments
    assert house.executor.requests[-1].checkpoint == OPEN


async def test_a_reserved_default_makes_way_for_others(house: House, artist):
    for person, drawn in ((house.mia, OPEN), (artist, RESERVED)):
        await imagine(house, person)
        assert house.executor.requests[-1].checkpoint == drawn
    for command in ("config defaults", "settings set"):
        await artist.slash(house.channel, command, checkpoint=RESERVED)
    await imagine(house, house.mia)
    assert house.executor.requests[-1].checkpoint == OPEN


@pytest.mark.parametrize("label", [say("button-reroll"), "V1", "U1", say("button-remix")])
async def test_buttons_on_its_pictures_refuse_others(house: House, artist, label: str):
    result = await imagine(house, artist, checkpoint=RESERVED)
    house.executor.requests.clear()
    clicked = await house.mia.click(result.response, label=label)
    if clicked.modal:
        form = {
            child["custom_id"]: child.get("value", "")
            for row in clicked.modal["components"]
            for child in ([row["component"]] if "component" in row else row["components"])
        }
        clicked = await house.mia.submit_modal(clicked, form)
    await house.settle()
    assert clicked.ephemeral
    assert LINE in clicked.response.content
    assert house.executor.requests == []
    assert await house.jobs.get(2) is None


async def test_whoever_loses_the_role_cannot_reroll(house: House, artist):
    result = await imagine(house, artist, checkpoint=RESERVED)
    checkpoints = dict(house.app.catalog.checkpoints)
    checkpoints[RESERVED] = replace(checkpoints[RESERVED], roles=(5,))
    house.app.catalog.become(replace(house.app.catalog, checkpoints=checkpoints))
    clicked = await artist.click(result.response, label=say("button-reroll"))
    assert clicked.response.content == LINE

"""LoRAs that are not for everybody, or not for every place: no door lets them in."""

from dataclasses import replace
from pathlib import Path

import discord
import pytest
import simcord

from bot.texts import say
from generation.catalog import EMBEDDED, Catalog
from generation.catalog.adapters import Adapter
from generation.prompts.adapters import AdapterUse
from generation.styles import Style
from tests.bot.conftest import House
from tests.bot.features.catalog.test_loras import inputs
from tests.bot.features.configuration.test_rules import rule

OPEN = Adapter(name="Ink", path=Path("ink.safetensors"))
SECRET = Adapter(name="Secret", path=Path("s3.safetensors"), age_restricted=True, alias="s_v2")
STUDIO = Adapter(name="Studio", path=Path("studio.safetensors"), roles=(5,))
ALL = (OPEN, SECRET, STUDIO)
WORD = Adapter(name="badhands", path=Path("badhands.safetensors"), age_restricted=True)


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for rate in ("RATE", "WISHES"):
        monkeypatch.setattr(f"bot.ui.cooldowns.{rate}", 100)


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(
        {EMBEDDED.name: EMBEDDED},
        EMBEDDED.name,
        adapters={one.name: one for one in ALL},
        embeddings={WORD.name: WORD},
        styles={
            one.name: Style(name=one.name, prompt="{prompt}", adapters=(AdapterUse(one.name),))
            for one in ALL
        },
    )


@pytest.fixture
def artist(house: House) -> simcord.MemberActor:
    """An administrator with the role that "Studio" is reserved for."""
    role = house.guild.create_role("Artists", permissions=discord.Permissions(manage_guild=True))
    studio = replace(STUDIO, roles=(role.id,))
    adapters = {**house.app.catalog.adapters, studio.name: studio}
    house.app.catalog.become(replace(house.app.catalog, adapters=adapters))
    return house.guild.add_member(house.env.create_user("artist"), roles=[role])


@pytest.fixture
def adults(house: House):
    channel = house.guild.create_text_channel("adults")
    cached = house.bot.get_channel(channel.id)
    assert cached is not None
    cached.nsfw = True
    return channel


async def imagine(house: House, person=None, channel=None, **options):
    said = {"prompt": "a fox", "count": 1, "seed": 7, **options}
    result = await (person or house.mia).slash(channel or house.channel, "imagine", **said)
    await house.settle()
    return result


async def listed(house: House, person=None, channel=None) -> list[str]:
    shown = await (person or house.mia).slash(channel or house.channel, "loras")
    return [embed.title for embed in shown.response.embeds]


DOORS = [
    {"prompt": "a fox <lora:{name}:1>"},
    {"prompt": "a fox <LYCO: {name} :0.5:0.2>"},
    {"prompt": "a fox --lora {name}"},
    {"negative_prompt": "a boat <lora:{name}>"},
    {"lora": "{name}"},
    {"style": "{name}"},
    {"prompt": "a fox <lora:Ink:1> <lora:{name}:1>"},
]


def through(door: dict[str, str], name: str) -> dict[str, str]:
    return {key: text.format(name=name) for key, text in door.items()}


@pytest.mark.parametrize("door", DOORS)
async def test_ages_and_roles_are_asked_for_at_every_door(house: House, artist, adults, door):
    cases = (
        ("Secret", say("error-age-restricted", name="Secret"), house.mia, adults),
        ("s_v2", say("error-age-restricted", name="Secret"), house.mia, adults),
        ("Studio", say("error-checkpoint-reserved", name="Studio"), artist, house.channel),
    )
    for name, line, person, channel in cases:
        if "style" in door and name == "s_v2":  # no style has this name
            continue
        refused = await imagine(house, **through(door, name))
        assert house.refusal(refused) == line
        assert house.executor.requests == []
        await imagine(house, person, channel, **through(door, name))
        drawn = house.executor.requests.pop()
        assert {use.name for use in drawn.adapters} >= {{"s_v2": "Secret"}.get(name, name)}
        house.executor.requests.clear()


async def test_lists_hold_what_may_be_chosen(house: House, artist, adults):
    assert await listed(house) == ["Ink"]
    assert await listed(house, artist) == ["Ink", "Studio"]
    assert await listed(house, channel=adults) == ["Ink", "Secret"]


async def test_a_place_forbids_some_or_allows_only_some(house: House, artist):
    line = say("error-lora-forbidden", name="Ink")
    for rules in ({"forbidden_loras": ["INK"]}, {"allowed_loras": ["Studio"]}):
        await rule(house, **rules)
        assert await listed(house) == []
        assert await listed(house, artist) == ["Studio"]
        for door in DOORS[:-1]:
            refused = await imagine(house, **through(door, "Ink"))
            assert house.refusal(refused) == line
        await imagine(house, artist, prompt="a fox <lora:Studio>")
        assert house.executor.requests.pop().adapters
        await rule(house, **dict.fromkeys(rules))
    direct = await house.mia.user.slash("imagine", prompt="a fox <lora:Ink>", count=1)
    await house.settle()
    assert direct.response.attachments


@pytest.mark.parametrize("label", [say("button-reroll"), "V1", say("button-remix")])
async def test_buttons_of_earlier_pictures_are_held_to_the_rules(house: House, label: str):
    made = await imagine(house, prompt="a fox <lora:Ink>")
    house.executor.requests.clear()
    await rule(house, house.channel.id, forbidden_loras=["Ink"])
    clicked = await house.mia.click(made.response, label=label)
    if clicked.modal:
        form = {one["custom_id"]: one.get("value", "") for one in inputs(clicked.modal)}
        clicked = await house.mia.submit_modal(clicked, form)
    await house.settle()
    assert clicked.ephemeral
    assert say("error-lora-forbidden", name="Ink") in clicked.response.content
    assert house.executor.requests == []
    enlarged = await house.mia.click(made.response, label="U1")
    await house.settle()
    assert not enlarged.ephemeral, "an enlargement needs the picture only"


async def test_pasted_data_that_names_it_is_drawn_without_it(house: House):
    pasted = "a fox <lora:Ink:1>\nSteps: 20, Sampler: DDIM, Seed: 1, Size: 64x64, Version: v1"
    await imagine(house, prompt=pasted)
    assert [use.name for use in house.executor.requests.pop().adapters] == ["Ink"]
    await rule(house, forbidden_loras=["Ink"])
    await imagine(house, prompt=pasted)
    assert house.executor.requests.pop().adapters == ()


@pytest.mark.parametrize(
    "prompt", ["a fox, BadHands", "a (bad:1)hands", "a fox bad[hands|feet]", "a embedding:badhands"]
)
async def test_embeddings_ask_for_ages_however_they_are_named(house: House, adults, prompt: str):
    line = say("error-age-restricted", name="badhands")
    for options in ({"prompt": prompt}, {"negative_prompt": prompt}):
        assert house.refusal(await imagine(house, **options)) == line
        await imagine(house, channel=adults, **options)
        assert len(house.executor.requests) == 1
        house.executor.requests.clear()
    await imagine(house, prompt="a fox with no badhandsome face")
    assert len(house.executor.requests) == 1


async def test_config_keeps_the_lists(house: House, artist):
    async def config(action: str, lora: str, **more: object) -> dict[str, str]:
        result = await artist.slash(house.channel, "config loras", action=action, lora=lora, **more)
        (embed,) = result.response.embeds
        return {field.name: field.value for field in embed.fields}

    card = await config("forbid", "ink")
    assert "`forbidden_loras` **Ink**" in card["/config loras"]
    here = {"channel": house.channel}
    card = await config("forbid", "Studio", **here)
    assert "`forbidden_loras` **Ink and Studio**" in card["/config loras"]
    assert await listed(house, artist) == []
    card = await config("forget", "Ink", **here)
    assert "`forbidden_loras` **Studio**" in card["/config loras"]
    card = await config("forget", "studio", **here)
    assert f"`forbidden_loras` **{say('config-none')}**" in card["/config loras"]
    assert await listed(house, artist) == ["Ink", "Studio"], "whatever the server forbids"
    card = await config("allow", "Ink")
    assert "`allowed_loras` **Ink**" in card["/config loras"]
    assert "`forbidden_loras` –" in card["/config loras"]
    assert await listed(house, artist) == ["Ink"]
    await artist.slash(house.channel, "config reset", setting="allowed_loras")
    assert await listed(house, artist) == ["Ink", "Studio"]
    refused = await artist.slash(house.channel, "config loras", action="allow", lora="Inc")
    assert "the most similar names are Ink" in house.refusal(refused)
    choices = await artist.autocomplete(house.channel, "config loras", "lora", "")
    assert [choice["name"] for choice in choices] == ["Ink", "Studio"]

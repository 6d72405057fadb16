"""/config: who may set what, where, and what they see then."""

import discord
import pytest
import simcord

from bot.core.admission.rule_store import NOTHING_SAID, Rules
from bot.options.image_options import ImageOptions
from bot.texts import say
from tests.bot.conftest import House
from tests.texts import says

COMMANDS = {
    "show": {},
    "defaults": {"steps": 30},
    "bounds": {"max_steps": 30},
    "quota": {"pictures_per_day": 5},
    "access": {},
    "loras": {"action": "forbid", "lora": "Ink"},
    "safety": {"refuse_above": 0.5},
    "negative": {"text": "gore"},
    "reset": {"setting": "steps"},
}


@pytest.fixture
def ada(house: House) -> simcord.MemberActor:
    """An administrator."""
    role = house.guild.create_role("Admins", permissions=discord.Permissions(manage_guild=True))
    return house.guild.add_member(house.env.create_user("ada"), roles=[role])


def read(result) -> dict[str, str]:
    """Return what the card says, by command."""
    (embed,) = result.response.embeds
    return {field.name: field.value for field in embed.fields}


@pytest.mark.parametrize("command", COMMANDS)
async def test_only_who_manages_this_server(house: House, command: str):
    (config,) = [one for one in await house.bot.tree.fetch_commands() if one.name == "config"]
    house.guild.set_command_permissions(config, {house.guild.default_role: True})
    elsewhere = house.env.create_guild("Elsewhere")
    role = elsewhere.create_role("Admins", permissions=discord.Permissions(manage_guild=True))
    elsewhere.add_member(house.mia_user, roles=[role])
    for person in (house.mia, house.morgan):
        refused = await person.slash(house.channel, f"config {command}", **COMMANDS[command])
        assert house.refusal(refused) == say(
            "error-permissions", needed=say("permission.manage-guild")
        )
    assert house.rules.said(house.guild.id) == NOTHING_SAID
    assert await house.audit.page(house.guild.id, before=None, limit=5) == []


async def test_what_is_said_here_and_what_is_inherited(house: House, ada: simcord.MemberActor):
    await ada.slash(house.channel, "config defaults", steps=30, style="none", sampler="heun")
    result = await ada.slash(house.channel, "config defaults", steps=12, channel=house.channel)
    assert result.ephemeral
    assert f"<#{house.channel.id}>" in result.response.embeds[0].description
    lines = read(result)["/config defaults"].splitlines()
    assert "`steps` **12**" in lines
    assert "`sampler` Heun (from the server)" in lines
    assert "`count` –" in lines
    assert "`refuse_above` 0.8 (built in)" in read(result)["/config safety"]
    assert "/config quota" not in read(result)
    assert house.rules.said(house.guild.id) == Rules(
        options=ImageOptions(steps=30, style="none", sampler="Heun")
    )
    assert house.rules.said(house.guild.id, house.channel.id) == Rules(
        options=ImageOptions(steps=12)
    )
    trail = await house.audit.page(house.guild.id, before=None, limit=5)
    assert [(one.moderator_id, one.action) for one in trail] == [(ada.id, "config")] * 2
    assert trail[0].detail == f"<#{house.channel.id}>: steps 12"
    assert trail[1].detail == "server: steps 30, style none, sampler Heun"


async def test_one_value_is_taken_back_or_all(house: House, ada: simcord.MemberActor):
    await ada.slash(house.channel, "config bounds", max_steps=30, max_count=2, max_side=512)
    await ada.slash(house.channel, "config negative", text="gore")
    result = await ada.slash(house.channel, "config reset", setting="max_steps")
    assert "`max_steps` –" in read(result)["/config bounds"]
    assert house.rules.said(house.guild.id).max_count == 2
    await ada.slash(house.channel, "config reset", setting="everything")
    assert house.rules.said(house.guild.id) == NOTHING_SAID


@pytest.mark.parametrize(
    ("command", "options", "line"),
    [
        ("defaults", {"checkpoint": "gone"}, "I cannot use that checkpoint"),
        ("defaults", {"style": "gone"}, "`style` must be one of"),
        ("defaults", {"sampler": "gone"}, "`sampler` must be one of"),
        ("negative", {"text": "a (b:9999)"}, "`negative_prompt` must be"),
    ],
)
async def test_what_cannot_be_is_named(
    house: House, ada: simcord.MemberActor, command: str, options: dict, line: str
):
    refused = await ada.slash(house.channel, f"config {command}", **options)
    assert line in house.refusal(refused)
    assert house.rules.said(house.guild.id) == NOTHING_SAID


async def test_the_panel_opens_channels_and_roles(house: House, ada: simcord.MemberActor):
    studio = house.guild.create_text_channel("studio")
    artists = house.guild.create_role("Artists")
    panel = await ada.slash(house.channel, "config access")
    assert panel.ephemeral
    channels, roles = (row["components"][0]["custom_id"] for row in panel.response.components)
    await ada.select(panel.response, [studio], custom_id=channels)
    assert f"Only in <#{studio.id}>" in panel.response.embeds[0].fields[0].value
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox")
    assert says(house.refusal(refused), "error-place-elsewhere", channels=f"<#{studio.id}>")

    channels, roles = (row["components"][0]["custom_id"] for row in panel.response.components)
    await ada.select(panel.response, [artists], custom_id=roles)
    refused = await house.mia.slash(studio, "imagine", prompt="a fox")
    assert f"<@&{artists.id}>" in house.refusal(refused)

    for number in (0, 1):
        menus = [row["components"][0]["custom_id"] for row in panel.response.components]
        await ada.select(panel.response, [], custom_id=menus[number])
    await house.mia.slash(house.channel, "imagine", prompt="a fox")
    assert (await house.job(1)).origin.channel_id == house.channel.id
    trail = await house.audit.page(house.guild.id, before=None, limit=9)
    assert trail[-1].detail == f"server: allowed channels <#{studio.id}>"


async def test_the_panel_of_a_channel(house: House, ada: simcord.MemberActor):
    panel = await ada.slash(house.channel, "config access", channel=house.channel)
    allowed = panel.response.components[0]["components"][0]["custom_id"]
    await ada.select(panel.response, ["no"], custom_id=allowed)
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox")
    assert house.refusal(refused) == say("error-place-closed")


async def test_who_lost_the_permission_cannot_use_an_old_panel(
    house: House, ada: simcord.MemberActor
):
    panel = await ada.slash(house.channel, "config access", channel=house.channel)
    allowed = panel.response.components[0]["components"][0]["custom_id"]
    house.guild.roles["Admins"]._role.permissions = 0
    refused = await ada.select(panel.response, ["no"], custom_id=allowed)
    assert house.refusal(refused) == say("error-permissions", needed=say("permission.manage-guild"))
    assert house.rules.said(house.guild.id, house.channel.id) == NOTHING_SAID


async def test_more_jobs_start_when_the_limit_is_lifted(house: House, ada: simcord.MemberActor):
    house.app.jobs.queue._dispatcher._running_per_person = 3
    house.executor.capacity, house.executor.hold = 100, True
    await ada.slash(house.channel, "config quota", running_at_once=1)
    for _ in range(2):
        await house.mia.slash(house.channel, "imagine", prompt="x", count=1)
    assert house.executor.running == 1
    await ada.slash(house.channel, "config reset", setting="running_at_once")
    assert house.executor.running == 2


async def test_names_are_offered(house: House, ada: simcord.MemberActor):
    offered = await ada.autocomplete(house.channel, "config defaults", "sampler", "heu")
    assert [one["value"] for one in offered] == ["Heun"]

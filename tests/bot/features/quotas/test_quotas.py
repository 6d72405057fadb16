"""/mod quota: what moderators grant beside the server's quota."""

import json
from datetime import timedelta

import discord
import pytest

from bot.core.audit_store import NewAuditEntry
from bot.core.quotas.spending_store import SpendingStore, midnight
from bot.db.database import Database
from bot.texts import say
from tests.bot.conftest import House
from tests.texts import says


@pytest.fixture
async def limited(house: House) -> House:
    entry = NewAuditEntry(guild_id=house.guild.id, moderator_id=1, action="config", detail="")
    await house.rules.change({0: {"pictures_per_day": 2}}, entry)
    return house


async def ask(house: House, count: int, person=None) -> bool:
    """Tell whether a person got so many pictures."""
    result = await (person or house.mia).slash(
        house.channel, "imagine", prompt="a fox", count=count
    )
    await house.settle()
    if result.ephemeral:
        assert says(house.refusal(result), "error-quota-pictures")
    return not result.ephemeral


async def test_a_person_of_their_own_number(limited: House):
    house = limited
    assert not await ask(house, 3)
    result = await house.morgan.slash(
        house.channel, "mod quota set", who=house.mia, pictures_per_day=5
    )
    assert result.ephemeral
    assert result.response.content.splitlines()[1:2] == [say("allowance-daily", pictures=5)]
    assert "0 of 5 pictures today" in result.response.content
    assert await ask(house, 3)
    assert not await ask(house, 3)
    await house.morgan.slash(house.channel, "mod quota set", who=house.mia)
    shown = await house.morgan.slash(house.channel, "mod quota show", who=house.mia)
    assert says(shown.response.content, "allowance-none")
    assert "3 of 2 pictures today" in shown.response.content
    trail = await house.audit.page(house.guild.id, before=None, limit=2)
    assert [(one.action, one.person_id, one.detail) for one in trail] == [
        ("quota set", house.mia.id, "the server's"),
        ("quota set", house.mia.id, say("allowance-daily", pictures=5)),
    ]
    assert trail[0].moderator_id == house.morgan.id


async def test_more_today_adds_up(limited: House):
    house = limited
    for _ in range(2):
        result = await house.morgan.slash(house.channel, "mod quota add", who=house.mia, pictures=1)
    assert say("allowance-extra", pictures=2) in result.response.content
    assert await ask(house, 4)
    assert not await ask(house, 1)


async def test_counting_anew(limited: House):
    house = limited
    assert await ask(house, 2)
    await house.env.advance_time(1)
    await house.morgan.slash(house.channel, "mod quota reset", who=house.mia)
    await house.env.advance_time(1)
    assert await ask(house, 2)
    (entry,) = await house.audit.page(house.guild.id, before=None, limit=1)
    assert entry.action == "quota reset"


async def test_a_role(limited: House):
    house = limited
    patrons = house.guild.create_role("Patrons")
    paul = house.guild.add_member(house.env.create_user("paul"), roles=[patrons])
    result = await house.morgan.slash(
        house.channel, "mod quota set", who=patrons, pictures_per_day=3
    )
    assert f"<@&{patrons.id}>" in result.response.content
    assert "today" not in result.response.content
    assert await ask(house, 3, paul)
    assert not await ask(house, 3)


COMMANDS = {"set": {}, "add": {"pictures": 3}, "reset": {}, "show": {}}


@pytest.mark.parametrize("command", COMMANDS)
async def test_only_moderators_of_this_server(limited: House, command: str):
    house = limited
    (mod,) = [one for one in await house.bot.tree.fetch_commands() if one.name == "mod"]
    house.guild.set_command_permissions(mod, {house.guild.default_role: True})
    elsewhere = house.env.create_guild("Elsewhere")
    role = elsewhere.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    elsewhere.add_member(house.mia_user, roles=[role])
    refused = await house.mia.slash(
        house.channel, f"mod quota {command}", who=house.mia, **COMMANDS[command]
    )
    assert house.refusal(refused) == say(
        "error-permissions", needed=say("permission.moderate-members")
    )
    assert len(await house.audit.page(house.guild.id, before=None, limit=9)) == 1


async def test_who_is_erased_has_no_new_quota_that_day(limited: House, database: Database):
    house = limited
    for _ in range(2):
        assert await ask(house, 1)
        question = await house.mia.slash(house.channel, "privacy erase")
        await house.mia.click(question.response, label=say("button-erase"))
    assert not await ask(house, 1)
    exported = await house.mia.slash(house.channel, "privacy export")
    kept = json.loads(await exported.response.attachments[0].read())
    assert [one["pictures"] for one in kept["used_before_erasure"]] == [2]

    await house.morgan.slash(house.channel, "mod quota reset", who=house.mia)
    assert await ask(house, 2), "moderators' word goes before it"
    today = midnight((await house.job(1)).origin.asked_at)
    await SpendingStore(database).tidy(today)
    assert await SpendingStore(database).export(house.mia.id) != []
    await SpendingStore(database).tidy(today + timedelta(days=1))
    assert await SpendingStore(database).export(house.mia.id) == []


async def test_what_moderators_do_not_count_is_not_remembered(limited: House, database: Database):
    house = limited
    assert await ask(house, 2)
    await house.morgan.slash(house.channel, "mod quota reset", who=house.mia)
    question = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(question.response, label=say("button-erase"))
    assert await ask(house, 2)


async def test_what_was_done_with_quotas_is_found_together(limited: House):
    house = limited
    morgan, who = house.morgan, house.mia
    await morgan.slash(house.channel, "mod quota add", who=who, **COMMANDS["add"])
    await morgan.slash(house.channel, "mod quota reset", who=who)
    await morgan.slash(house.channel, "mod quota set", who=who, **COMMANDS["set"])
    listed = await morgan.slash(house.channel, "mod audit", action="quota")
    shown = listed.response.embeds[0].description
    assert [line.split("**")[1] for line in shown.splitlines()] == [
        "quota set",
        "quota reset",
        "quota add",
    ]
    added = await morgan.slash(house.channel, "mod audit", action="quota add")
    assert added.response.embeds[0].description.count("**quota add**") == 1
    assert "quota set" not in added.response.embeds[0].description

"""/mod block, /mod unblock, /mod blocks, as everybody sees them."""

from datetime import timedelta

import discord
import pytest
import simcord

from bot.core.admission.request_context import Actor, Target
from bot.db.records import EVERYWHERE, Status
from bot.features.moderation.service import ModerationService
from bot.texts import say
from tests.bot.conftest import House, labels
from tests.texts import says


def said(result) -> str:
    assert result.ephemeral
    return (result.followups[0] if result.followups else result.response).content


def refused(house: House, result) -> str:
    assert house.env.errors, "nothing was refused"
    return said(result)


async def block(house: House, by=None, person=None, **options):
    options = {"person": person or house.mia, **options}
    result = await (by or house.morgan).slash(house.channel, "mod block", **options)
    await house.settle()
    return result


def moderator_elsewhere(house: House):
    guild = house.env.create_guild("Elsewhere")
    role = guild.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    eve = guild.add_member(house.env.create_user("eve"), roles=[role])
    return guild, guild.create_text_channel("mods"), eve


async def test_a_block_ends_what_is_on_its_way_and_lets_nothing_new_through(house: House):
    done = await house.mia.slash(house.channel, "imagine", prompt="a fox")
    await house.settle()
    house.executor.hold = True
    running = await house.mia.slash(house.channel, "imagine", prompt="a pear")
    queued = await house.mia.slash(house.channel, "imagine", prompt="a plum")
    other = await house.max.slash(house.channel, "imagine", prompt="of Max")

    result = await block(house, duration="3d 12h", reason="*spam*")
    (held,) = await house.blocks.of_person(house.mia.id)
    stamp = f"<t:{int(held.until.timestamp())}:f>"
    assert said(result) == (
        say("blocked", person=str(house.mia.id), end=say("block-until", time=stamp), jobs=2)
        + ": \\*spam\\*"
    )
    assert (held.guild_id, held.by_id, held.reason) == (house.guild.id, house.morgan.id, "*spam*")
    for job in (running, queued):
        assert job.response.content.endswith("✖️ Cancelled by a moderator")
        assert labels(job.response) == []
    assert [(await house.job(n)).status for n in (2, 3)] == [Status.CANCELLED] * 2
    assert say("job-cancelled") not in other.response.content
    assert not house.allowed_mentions(result.response).users

    why = f"Moderators blocked you until {stamp}: \\*spam\\*"
    again = await house.mia.slash(house.channel, "imagine", prompt="more")
    assert refused(house, again) == why
    for label in (say("button-reroll"), "U1", "V1", say("button-remix")):
        clicked = await house.mia.click(done.response, label=label)
        assert said(clicked) == why
    several = await house.mia.slash(house.channel, "imagine", prompt="{a, b} pear")
    assert refused(house, several) == why
    assert await house.jobs.get(5) is None
    entries = await house.audit.page(house.guild.id, before=None, limit=9)
    assert [(one.action, one.person_id, one.job_id) for one in entries] == [
        ("cancel", house.mia.id, 3),
        ("cancel", house.mia.id, 2),
        ("block", house.mia.id, None),
    ]


async def test_a_block_ends_by_time_and_by_unblock(house: House):
    await block(house, duration="1h")
    await house.env.advance_time(timedelta(hours=1, seconds=1).total_seconds())
    await house.mia.slash(house.channel, "imagine", prompt="a fox")
    assert (await house.job(1)).origin.person_id == house.mia.id

    await block(house)
    gone = await house.morgan.slash(house.channel, "mod unblock", person=house.mia, reason="sorry")
    assert said(gone) == say("unblocked", person=str(house.mia.id))
    await house.mia.slash(house.channel, "imagine", prompt="a pear")
    assert (await house.job(2)).request.prompt == "a pear"
    twice = await house.morgan.slash(house.channel, "mod unblock", person=house.mia)
    assert refused(house, twice) == say("error-not-blocked")
    entries = await house.audit.page(house.guild.id, before=None, limit=9)
    assert [one.action for one in entries][:2] == ["unblock", "block"]
    assert entries[0].detail == "sorry"


async def test_what_is_answered_while_the_block_falls_is_cancelled_too(house: House, monkeypatch):
    """The job is on record, its message is not known yet."""
    queued = house.app.jobs._jobs.queued

    async def late(job_id: int, message_id: int) -> bool:
        target = Target(house.mia.id, moderates=False, is_us=False)
        actor = Actor(house.morgan.id, house.guild.id, moderates=True)
        await house.app.get(ModerationService).block(target, actor, until=None, reason="")
        return await queued(job_id, message_id)

    monkeypatch.setattr(house.app.jobs._jobs, "queued", late)
    result = await house.mia.slash(house.channel, "imagine", prompt="a fox")
    await house.settle()
    assert (await house.job(1)).status is Status.CANCELLED
    assert result.response.content.endswith("✖️ Cancelled by a moderator")
    assert house.executor.requests == []


async def test_whom_moderators_cannot_block(house: House):
    helpers = house.guild.create_role("H", permissions=discord.Permissions(manage_messages=True))
    helper = house.guild.add_member(house.env.create_user("helper"), roles=[helpers])
    head = simcord.MemberActor(house.env, house.guild, house.guild.owner)
    ourselves = simcord.UserHandle(house.env, house.env.backend.bot_user)
    for person, line in (
        (house.morgan, say("error-block-yourself")),
        (ourselves, say("error-block-bot")),
        (helper, "only the server's owner can block them"),
        (head, "only the server's owner can block them"),
    ):
        assert line in refused(house, await block(house, person=person))
        assert await house.blocks.of_person(person.id) == []
    assert "is blocked" in said(await block(house, by=head, person=helper))


@pytest.mark.parametrize("command", ["mod block", "mod unblock"])
async def test_members_are_refused_in_code_too(house: House, command: str):
    (mod,) = [one for one in await house.bot.tree.fetch_commands() if one.name == "mod"]
    house.guild.set_command_permissions(mod, {house.guild.default_role: True})
    result = await house.max.slash(house.channel, command, person=house.mia)
    assert refused(house, result) == say(
        "error-permissions", needed=say("permission.moderate-members")
    )
    assert await house.blocks.of_person(house.mia.id) == []


async def test_one_server_is_no_business_of_another(house: House):
    _, channel, eve = moderator_elsewhere(house)
    await block(house, reason="ours")
    listed = await eve.slash(channel, "mod blocks")
    assert said(listed) == say("blocks-none")
    lifted = await eve.slash(channel, "mod unblock", person=house.mia_user)
    assert refused(house, lifted) == say("error-not-blocked")
    trail = await eve.slash(channel, "mod audit")
    assert said(trail) == say("audit-none")
    still = await house.mia.slash(house.channel, "imagine", prompt="still blocked")
    assert refused(house, still) == say("error-blocked-because", end="for good", reason="ours")
    assert await house.jobs.get(1) is None


async def test_only_the_bots_owners_block_everywhere(house: House):
    result = await block(house, everywhere=True)
    assert refused(house, result) == say("error-owners-only")
    for command in ("mod unblock", "mod blocks", "mod audit"):
        options = {"person": house.mia} if command == "mod unblock" else {}
        result = await house.morgan.slash(house.channel, command, everywhere=True, **options)
        assert says(refused(house, result), "error-owners-only")
    assert await house.blocks.of_person(house.mia.id) == []

    house.bot.owner_id = house.morgan.id
    elsewhere, channel, _ = moderator_elsewhere(house)
    mia_there = elsewhere.add_member(house.mia_user)
    house.executor.hold = True
    there = await mia_there.slash(channel, "imagine", prompt="a fox")
    await block(house, everywhere=True, reason="everywhere")
    assert there.response.content.endswith("✖️ Cancelled by a moderator")
    (held,) = await house.blocks.of_person(house.mia.id)
    assert held.guild_id == EVERYWHERE
    for result in (
        await mia_there.slash(channel, "imagine", prompt="a pear"),
        await house.mia_user.slash("imagine", prompt="a pear"),
    ):
        assert refused(house, result) == say(
            "error-blocked-because", end="for good", reason="everywhere"
        )
    assert said(await house.morgan.slash(house.channel, "mod blocks")) == say("blocks-none")
    listed = await house.morgan.slash(house.channel, "mod blocks", everywhere=True)
    shown = listed.followups[0] if listed.followups else listed.response
    assert f"<@{house.mia.id}> for good" in shown.embeds[0].description


async def test_bad_durations_are_refused_by_name(house: House):
    result = await block(house, duration="3 months")
    assert refused(house, result).startswith("`duration` must be like `3d 12h`")


async def test_the_list_turns_pages_for_moderators_only(house: House):
    people = [house.guild.add_member(house.env.create_user(f"p{i}")) for i in range(12)]
    for person in people:
        await block(house, person=person, reason="a _b_ " * 50)
    result = await house.morgan.slash(house.channel, "mod blocks")
    assert result.ephemeral
    lines = result.response.embeds[0].description.splitlines()
    assert [line.split(" ")[0] for line in lines] == [f"<@{one.id}>" for one in people[:1:-1]]
    assert r"a \_b\_" in lines[0]
    assert f"for good, by <@{house.morgan.id}>" in lines[0]
    await house.morgan.click(result.response, label=say("button-older"))
    assert len(result.response.embeds[0].description.splitlines()) == 2
    (role,) = house.env.backend.guilds[house.guild.id].members[house.morgan.id].role_ids
    house.env.backend.remove_member_role(house.guild.id, house.morgan.id, role)
    clicked = await house.morgan.click(result.response, label=say("button-newer"))
    assert refused(house, clicked) == say(
        "error-permissions", needed=say("permission.moderate-members")
    )
    assert len(result.response.embeds[0].description.splitlines()) == 2

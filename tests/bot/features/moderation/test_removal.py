"""/mod remove and /mod cancel, and what a removed job's buttons still do."""

from pathlib import Path

import discord
import pytest

from bot.db.records import Status
from bot.texts import say
from tests.bot.conftest import House, labels


def said(result) -> str:
    assert result.ephemeral
    return (result.followups[0] if result.followups else result.response).content


def refused(house: House, result) -> str:
    assert house.env.errors, "nothing was refused"
    return said(result)


async def imagine(house: House, person=None, **options):
    options = {"prompt": "a red apple", "seed": 7, **options}
    result = await (person or house.mia).slash(house.channel, "imagine", **options)
    await house.settle()
    return result


async def remove(house: House, person=None, **options):
    options = {"job": 1, "reason": "not here", **options}
    return await (person or house.morgan).slash(house.channel, "mod remove", **options)


async def trail(house: House) -> list[tuple]:
    entries = await house.audit.page(house.guild.id, before=None, limit=20)
    return [(one.action, one.moderator_id, one.person_id, one.job_id) for one in entries]


async def test_a_removed_job_leaves_nothing_but_what_moderators_know(house: House, tmp_path: Path):
    result = await imagine(house)
    child = await house.max.click(result.response, label=say("button-reroll"))
    await house.settle()
    await house.max.click(result.response, label=say("button-favourite"))
    done = await remove(house)
    assert said(done) == (say("removed", job=1, children=1))
    assert [message.id for message in house.channel.history()] == [child.response.id]
    job = await house.job(1)
    assert job.deleted_at is not None
    assert job.request.prompt == "a red apple"
    stored = await house.pictures.of_job(1)
    assert [await house.pictures.read(picture) for picture in stored] == [None] * 4
    assert all([await house.pictures.read_thumbnail(picture) for picture in stored])
    assert not await house.favourites.has(person_id=house.max.id, job_id=1)
    assert await trail(house) == [("remove", house.morgan.id, house.mia.id, 1)]
    assert len(child.response.attachments) == 4

    again = await remove(house)
    assert said(again).startswith("Removed #1.")
    assert len(await trail(house)) == 1, "it was done once"


async def test_what_is_on_its_way_is_cancelled_first(house: House):
    house.executor.hold = True
    await imagine(house)
    assert said(await remove(house)) == say("removed", job=1, children=0)
    assert house.channel.history() == []
    job = await house.job(1)
    assert (job.status, job.deleted_at is not None) == (Status.CANCELLED, True)
    assert house.executor.ended == ["cancelled"]
    assert [entry[0] for entry in await trail(house)] == ["remove", "cancel"]


async def test_where_discord_lets_nobody_delete_the_message_is_emptied(house: House):
    result = await imagine(house)
    house.env.inject_error("DELETE", "/channels/*/messages/*", status=403, message="Missing")
    await remove(house)
    message = result.response
    assert message.content == say("removed-message")
    assert (message.attachments, labels(message)) == ([], [])
    for label in ("job:1:reroll", "job:1:upscale:0", "job:1:remix", "job:1:details"):
        stored = house.env.backend.get_message(house.channel.id, message.id)
        stored.components = [
            {"type": 1, "components": [{"type": 2, "style": 2, "label": "x", "custom_id": label}]}
        ]
        clicked = await house.mia.click(message, custom_id=label)
        assert said(clicked) == say("error-job-removed")
    shown = await house.mia.slash(house.channel, "show", job=1)
    assert refused(house, shown) == say("error-job-removed")
    assert await house.jobs.get(2) is None


async def test_what_discord_forbids_altogether_is_said(house: House):
    await imagine(house)
    for method in ("DELETE", "PATCH"):
        house.env.inject_error(method, "/channels/*/messages/*", status=403, message="Missing")
    assert refused(house, await remove(house)) == (say("error-message-stays", why="Missing"))
    assert said(await remove(house)).startswith("Removed #1.")
    assert house.channel.history() == []


@pytest.mark.parametrize("command", ["mod remove", "mod cancel"])
async def test_members_and_other_servers_moderators_may_not(house: House, command: str):
    house.executor.hold = command == "mod cancel"
    await imagine(house)
    (mod,) = [one for one in await house.bot.tree.fetch_commands() if one.name == "mod"]
    house.guild.set_command_permissions(mod, {house.guild.default_role: True})
    result = await house.max.slash(house.channel, command, job=1)
    assert refused(house, result) == say(
        "error-permissions", needed=say("permission.moderate-members")
    )
    elsewhere = house.env.create_guild("Elsewhere")
    channel = elsewhere.create_text_channel("mods")
    role = elsewhere.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    eve = elsewhere.add_member(house.env.create_user("eve"), roles=[role])
    result = await eve.slash(channel, command, job=1)
    assert refused(house, result) == say("error-job-unknown")
    job = await house.job(1)
    assert job.deleted_at is None
    assert job.status is not Status.CANCELLED
    assert await trail(house) == []


async def test_moderators_cancel_one_job_or_all_of_a_persons(house: House):
    house.executor.hold = True
    mias = [await imagine(house, seed=n) for n in range(3)]
    maxs = await imagine(house, house.max)
    one = await house.morgan.slash(house.channel, "mod cancel", job=2, reason="too many")
    assert said(one) == say("cancelled", jobs=1)
    assert mias[1].response.content.endswith("✖️ Cancelled by a moderator")
    rest = await house.morgan.slash(house.channel, "mod cancel", person=house.mia)
    assert said(rest) == say("cancelled", jobs=2)
    assert [(await house.job(n)).status for n in (1, 2, 3)] == [Status.CANCELLED] * 3
    assert say("job-cancelled") not in maxs.response.content
    nothing = await house.morgan.slash(house.channel, "mod cancel", person=house.mia)
    assert said(nothing) == say("cancelled", jobs=0)
    neither = await house.morgan.slash(house.channel, "mod cancel")
    assert refused(house, neither) == say("error-cancel-what")
    assert [(entry[0], entry[3]) for entry in await trail(house)] == [
        ("cancel", 3),
        ("cancel", 1),
        ("cancel", 2),
    ]


async def test_moderators_buttons_on_anothers_job_are_on_record_and_ones_own_are_not(house: House):
    house.executor.hold = True
    running = await imagine(house)
    await house.morgan.click(running.response, label=say("button-cancel"))
    assert running.response.content.endswith("✖️ Cancelled by a moderator")
    mine = await imagine(house)
    await house.mia.click(mine.response, label=say("button-cancel"))
    assert mine.response.content.endswith("✖️ Cancelled")
    house.executor.let_go()
    for person in (house.morgan, house.mia):
        result = await imagine(house)
        asked = await person.click(result.response, label=say("button-delete"))
        await person.click(asked.response, label=say("button-delete-for-good"))
    assert [message.id for message in house.channel.history()] == [
        running.response.id,
        mine.response.id,
    ]
    assert await trail(house) == [
        ("remove", house.morgan.id, house.mia.id, 3),
        ("cancel", house.morgan.id, house.mia.id, 1),
    ]


async def test_the_trail_is_read_by_who_whom_and_what(house: House):
    await imagine(house)
    await imagine(house, house.max)
    await remove(house, reason="a *bad* one")
    await remove(house, job=2, reason="")
    await house.morgan.slash(house.channel, "mod block", person=house.max)

    async def lines(**options) -> list[str]:
        result = await house.morgan.slash(house.channel, "mod audit", **options)
        assert result.ephemeral
        message = result.followups[0] if result.followups else result.response
        return message.embeds[0].description.splitlines() if message.embeds else []

    everything = await lines()
    by = f"<@{house.morgan.id}>"
    assert [line.split("> ", 1)[1] for line in everything] == [
        f"{by} **block** · <@{house.max.id}>: for good",
        f"{by} **remove** · <@{house.max.id}> · #2",
        f"{by} **remove** · <@{house.mia.id}> · #1: a \\*bad\\* one",
    ]
    assert await lines(person=house.mia) == everything[2:]
    assert await lines(action="remove") == everything[1:]
    assert await lines(moderator=house.morgan, action="block") == everything[:1]
    assert await lines(moderator=house.mia) == []


@pytest.mark.parametrize("by_button", [False, True])
async def test_what_an_erased_person_left_standing_is_removed(house: House, by_button: bool):
    result = await imagine(house)
    question = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(question.response, label=say("button-erase"))
    assert len(result.response.attachments) == 4
    elsewhere = house.env.create_guild("Elsewhere")
    role = elsewhere.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    eve = elsewhere.add_member(house.env.create_user("eve"), roles=[role])
    theirs = await eve.slash(elsewhere.create_text_channel("mods"), "mod remove", job=1)
    assert refused(house, theirs) == say("error-job-unknown")
    if by_button:
        assert (
            await house.max.click(result.response, label=say("button-delete"))
        ).response.content == (say("error-job-unknown"))
        asked = await house.morgan.click(result.response, label=say("button-delete"))
        await house.morgan.click(asked.response, label=say("button-delete-for-good"))
    else:
        assert said(await remove(house)).startswith("Removed #1.")
    assert house.channel.history() == []
    assert await trail(house) == [("remove", house.morgan.id, None, 1)]

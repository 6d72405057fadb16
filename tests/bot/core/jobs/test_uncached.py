"""A server that is not cached, as in an outage: what Discord sends along decides."""

from types import SimpleNamespace
from typing import Any

import discord
import pytest
import simcord

from bot.core.admission.rule_store import BUILT_IN, Rules, Strictness
from bot.core.audit_store import NewAuditEntry
from bot.core.errors import ServerUnknown
from bot.texts import say
from bot.ui.interaction_context import is_age_restricted, target_of
from tests.bot.conftest import House
from tests.texts import says


async def rule(house: House, channel_id: int = 0, **changes: object) -> None:
    entry = NewAuditEntry(guild_id=house.guild.id, moderator_id=1, action="config", detail="")
    await house.rules.change({channel_id: changes}, entry)


async def open_thread(house: House) -> simcord.ChannelHandle:
    """Open a thread in the channel, which no cache holds afterwards."""
    channel = house.env.bot.get_channel(house.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.create_thread(name="studio", type=discord.ChannelType.public_thread)
    await house.settle()
    (thread,) = house.channel.threads
    return thread


def lose(house: House) -> None:
    """Forget the server, as before Discord has told of it."""
    state: Any = house.env.bot._connection
    assert state._guilds.pop(house.guild.id)


async def test_a_thread_of_a_closed_channel_is_closed(house: House):
    thread = await open_thread(house)
    await rule(house, house.channel.id, allowed=False)
    lose(house)
    refused = await house.mia.slash(thread, "imagine", prompt="a fox")
    assert house.refusal(refused) == say("error-place-closed")
    assert await house.jobs.get(1) is None


async def test_a_thread_of_an_open_channel_is_open(house: House):
    thread = await open_thread(house)
    await rule(house, allowed=False)
    await rule(house, house.channel.id, allowed=True)
    lose(house)
    await house.mia.slash(thread, "imagine", prompt="a fox")
    assert (await house.job(1)).origin.channel_id == thread.id


async def test_roles_are_those_that_came_along(house: House):
    artists = house.guild.create_role("Artists")
    await rule(house, allowed_roles=(artists.id,))
    arno = house.guild.add_member(house.env.create_user("arno"), roles=[artists])
    lose(house)
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox")
    assert says(house.refusal(refused), "error-role-needed")
    house.env.errors.clear()
    posted = await arno.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    assert (await house.job(1)).origin.person_id == arno.id
    clicked = await house.mia.click(posted.response, label=say("button-reroll"))
    assert says(clicked.response.content, "error-role-needed")


async def test_everybodys_role_counts_too(house: House):
    await rule(house, allowed_roles=(house.guild.id,))
    lose(house)
    await house.mia.slash(house.channel, "imagine", prompt="a fox")
    assert (await house.job(1)).origin.person_id == house.mia.id


async def test_nobody_moderates_by_what_one_channel_allows(house: House):
    """What came along is about the channel, and who moderates is a matter of the whole server."""
    await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    lose(house)
    refused = await house.morgan.slash(house.channel, "mod remove", job=1)
    assert house.refusal(refused) == say(
        "error-permissions", needed=say("permission.moderate-members")
    )
    assert (await house.job(1)).deleted_at is None


@pytest.mark.parametrize("permission", ["moderate_members", "manage_messages", "attach_files"])
async def test_what_somebody_may_do_comes_along_with_a_command(house: House, permission: str):
    lose(house)
    state: Any = house.env.bot._connection
    guild = state._get_or_create_unavailable_guild(house.guild.id)
    data: Any = {
        "user": {"id": str(house.max.id), "username": "max", "discriminator": "0", "avatar": None},
        "roles": ["1"],
        "joined_at": None,
        "flags": 0,
        "permissions": str(discord.Permissions(**{permission: True}).value),
    }
    interaction: Any = SimpleNamespace(client=house.env.bot)
    member = discord.Member(state=state, guild=guild, data=data)
    assert target_of(interaction, member).moderates is (permission != "attach_files")
    del data["permissions"]
    unknown = discord.Member(state=state, guild=guild, data=data)
    with pytest.raises(ServerUnknown):
        target_of(interaction, unknown)


@pytest.mark.parametrize(
    ("restricted", "elsewhere", "known", "unknown"),
    [
        (Strictness.ALLOW, Strictness.REFUSE, (None, None), (0.2, 0.8)),
        (Strictness.REFUSE, Strictness.SPOILER, (0.2, 0.8), (0.2, 0.8)),
        (Strictness.ALLOW, Strictness.SPOILER, (None, None), (0.2, None)),
    ],
)
def test_where_it_is_not_known_whether_a_place_is_age_restricted_the_stricter_rule_holds(
    restricted: Strictness, elsewhere: Strictness, known: tuple, unknown: tuple
):
    said = Rules(age_restricted=restricted, elsewhere=elsewhere).over(BUILT_IN)
    assert said.thresholds(age_restricted=True) == known
    assert said.thresholds(age_restricted=None) == unknown


async def test_a_post_whose_forum_is_not_known_gets_the_stricter_rule(house: House):
    thread = await open_thread(house)
    await rule(house, age_restricted="refuse", elsewhere="spoiler")
    lose(house)
    await house.mia.slash(thread, "imagine", prompt="a fox", count=1)
    job = await house.job(1)
    assert (job.spoiler_above, job.refuse_above) == (0.2, 0.8)


NSFW_KINDS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
    discord.ChannelType.media,
]


def channel_of(house: House, kind: discord.ChannelType, *, nsfw: bool) -> Any:
    """Return a channel of the server's as Discord would send it."""
    state: Any = house.env.bot._connection
    guild = house.env.bot.get_guild(house.guild.id)
    assert guild is not None
    factory, _ = discord.channel._guild_channel_factory(kind.value)
    data = {
        "id": str(2**60 + kind.value),
        "type": kind.value,
        "name": "x",
        "position": 0,
        "permission_overwrites": [],
        "nsfw": nsfw,
        "bitrate": 64000,
        "user_limit": 0,
        "available_tags": [],
    }
    channel: Any = factory(guild=guild, state=state, data=data)  # type: ignore[misc]
    guild._add_channel(channel)
    return channel


@pytest.mark.parametrize("kind", NSFW_KINDS, ids=str)
@pytest.mark.parametrize("nsfw", [True, False])
async def test_every_kind_of_channel_can_be_age_restricted(
    house: House, kind: discord.ChannelType, nsfw: bool
):
    channel = channel_of(house, kind, nsfw=nsfw)
    assert is_age_restricted(channel) is nsfw
    data: Any = {
        "id": str(2**61),
        "type": 11,
        "name": "y",
        "parent_id": str(channel.id),
        "owner_id": str(house.mia.id),
        "message_count": 0,
        "member_count": 1,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": 60,
            "archive_timestamp": "2026-01-01T00:00:00+00:00",
        },
    }
    state: Any = house.env.bot._connection
    thread = discord.Thread(guild=channel.guild, state=state, data=data)
    assert is_age_restricted(thread) is nsfw
    channel.guild._remove_channel(channel)
    assert is_age_restricted(thread) is None

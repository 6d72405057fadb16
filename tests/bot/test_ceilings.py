"""What the owner allows, whatever a server does."""

from datetime import timedelta

import discord
import pytest

from bot.core.admission.admission import Limits
from bot.core.quotas.spending_store import SpendingStore
from bot.db.database import Database
from bot.texts import say
from bot.ui import command_places as places
from tests.bot.conftest import House
from tests.bot.rows import execute
from tests.texts import says

OPEN = {"waiting": 20, "waiting_per_person": 5}


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> Limits:
    return Limits(**OPEN | request.param)


def allowing(**allowed: object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("limits", [allowed], indirect=True)


async def ask(house: House, who=None, where=None, *, count: int = 1, prompt: str = "a fox"):
    who = who or house.mia
    place = () if where is None and who is house.mia_user else (where or house.channel,)
    result = await who.slash(*place, "imagine", prompt=prompt, count=count)
    await house.settle()
    said = result.response.content
    return (
        None
        if result.response.attachments or say("button-cancel") in str(result.response)
        else said
    )


def elsewhere(house: House, *people: str):
    guild = house.env.create_guild("Elsewhere")
    channel = guild.create_text_channel("pictures")
    return guild, channel, [guild.add_member(house.env.create_user(name)) for name in people]


@allowing(pictures_per_day=5)
async def test_pictures_of_a_day_are_counted_in_every_place(house: House, database: Database):
    guild, channel, _ = elsewhere(house)
    there = guild.add_member(house.mia_user)
    assert await ask(house, count=2) is None
    assert await ask(house, there, channel, count=2) is None
    refused = await ask(house, house.mia_user, count=2)
    assert says(refused, "error-ceiling-pictures", limit=5)
    assert await ask(house, house.mia_user, count=1) is None
    for where in ((there, channel), (house.mia, house.channel), (house.mia_user, None)):
        assert say("allowance-daily", pictures=5) in await ask(house, *where), "not one more"
    assert await ask(house, house.max, count=4) is None, "somebody else's are theirs"

    await house.morgan.slash(house.channel, "mod quota reset", who=house.mia)
    await house.morgan.slash(house.channel, "mod quota add", who=house.mia, pictures=9)
    assert say("allowance-daily", pictures=5) in await ask(house), "moderators cannot raise it"
    question = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(question.response, label=say("button-erase"))
    assert say("allowance-daily", pictures=5) in await ask(house), "nor does erasing give a new day"
    assert sum(one["pictures"] for one in await SpendingStore(database).export(house.mia.id)) == 5
    await house.env.advance_time(timedelta(days=1).total_seconds())
    assert await ask(house, house.mia_user) is None
    house.env.errors.clear()


@allowing(seconds_per_day=3)
async def test_so_is_the_time_of_the_device(house: House, database: Database):
    assert await ask(house, house.mia_user) is None
    await execute(database, discord_seconds(2.5))
    assert await ask(house) is None, "something was left"
    await execute(database, discord_seconds(1.6))
    assert says(await ask(house), "error-ceiling-seconds", limit=3)
    assert says(await ask(house, house.mia_user), "error-ceiling-seconds", limit=3)
    house.env.errors.clear()


def discord_seconds(seconds: float) -> str:
    return f"UPDATE jobs SET device_seconds = {seconds} WHERE ended_at IS NOT NULL"


@allowing(direct_messages=False)
async def test_direct_messages_can_be_closed(house: House):
    assert await ask(house, house.mia_user) == (say("error-no-direct-messages"))
    assert await ask(house) is None
    assert house.env.errors


@allowing(user_installs=False)
async def test_installs_for_oneself_can_be_closed(house: House, monkeypatch: pytest.MonkeyPatch):
    assert await ask(house) is None
    assert await ask(house, house.mia_user) is None
    monkeypatch.setattr(discord.Interaction, "is_guild_integration", lambda _: False)
    monkeypatch.setattr(discord.Interaction, "is_user_integration", lambda _: True)
    assert await ask(house) == say("error-no-user-installs")
    assert house.env.errors


def test_what_is_closed_is_not_offered():
    closed = places.offered(direct_messages=False, user_installs=False)
    assert (closed.installs.guild, closed.installs.user) == (True, False)
    assert (closed.contexts.guild, closed.contexts.dm_channel) == (True, False)
    assert not closed.contexts.private_channel


@allowing()
async def test_one_server_cannot_fill_the_queue(house: House):
    house.executor.hold = True
    crowd = [house.guild.add_member(house.env.create_user(f"many{n}")) for n in range(7)]
    said = [await ask(house, person) for person in crowd for _ in range(3)]
    assert sum(not says(one or "", "error-queue-share") for one in said) == 10  # half of it
    assert says(said[-1], "error-queue-share", waiting=10)
    _, channel, others = elsewhere(house, "otto", "olga")
    there = [await ask(house, person, channel) for person in others for _ in range(3)]
    assert sum(not says(one or "", "error-queue-share") for one in there) == 5  # of what is left
    alone = await ask(house, house.mia_user)
    assert not says(alone or "", "error-queue-share")
    house.env.errors.clear()


@allowing(waiting_per_server=2)
async def test_a_servers_share_can_be_a_number(house: House):
    house.executor.hold = True
    said = [await ask(house, person) for person in (house.mia, house.max, house.morgan)]
    assert [says(one or "", "error-queue-share") for one in said] == [False, False, True]
    assert "share" not in (await ask(house, house.mia_user) or "")
    house.env.errors.clear()

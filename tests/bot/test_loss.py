"""What becomes of a job whose message, place or token is lost."""

from collections.abc import Callable

import discord
import pytest

from bot.core.admission.rule_store import Rules
from bot.core.audit_store import NewAuditEntry
from bot.db.records import Status
from tests.bot.conftest import House

TOKEN_PATH = "/webhooks/*"


def each_message(house: House) -> None:
    for message in house.channel.history():
        house.env.backend.delete_message(message.channel.id, message.id)


def all_messages(house: House) -> None:
    ids = [message.id for message in house.channel.history()]
    house.env.backend.bulk_delete_messages(house.channel.id, ids)


def the_channel(house: House) -> None:
    house.env.backend.delete_channel(house.channel.id)


def the_server(house: House) -> None:
    house.env.backend.remove_guild(house.guild.id)


@pytest.mark.parametrize(
    ("lose", "why"),
    [
        (each_message, "its message is gone"),
        (all_messages, "its message is gone"),
        (the_channel, "its channel is gone"),
        (the_server, "its server is gone"),
    ],
)
async def test_what_is_deleted_takes_its_jobs_along(
    house: House, lose: Callable[[House], None], why: str
):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.max.slash(house.channel, "imagine", prompt="a pear")
    lose(house)
    await house.settle()
    for job in (await house.job(1), await house.job(2)):
        assert (job.status, job.error, job.origin.token) == (Status.CANCELLED, why, None)
    assert set(house.executor.ended) == {"cancelled"}
    if lose is not each_message:  # told of all at once, it starts none of them in between
        assert [request.prompt for request in house.executor.requests] == ["a red apple"]


async def test_a_progress_edit_that_finds_no_message_ends_the_job(house: House):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    house.env.inject_error("PATCH", TOKEN_PATH, status=404, code=10008)
    house.executor.let_go(1)
    await house.settle()
    job = await house.job(1)
    assert (job.status, job.error) == (Status.CANCELLED, "its message is gone")
    assert house.executor.ended == ["cancelled"]


async def test_a_final_edit_that_finds_no_message_closes_the_row(house: House):
    house.env.inject_error("PATCH", TOKEN_PATH, status=404, code=10008, times=None)
    await house.mia.slash(house.channel, "imagine", prompt="a red apple", steps=1)
    await house.settle()
    job = await house.job(1)
    assert (job.status, job.error) == (Status.CANCELLED, "its message is gone")


async def test_a_refused_progress_edit_is_not_tried_again(house: House):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a red apple", steps=10)
    house.env.inject_error("PATCH", TOKEN_PATH, status=403, code=50013)
    before = len(house.env.http_requests)
    for _ in range(5):
        house.executor.let_go(1)
        await house.settle()
    edits = [entry for entry in house.env.http_requests[before:] if entry.method == "PATCH"]
    assert len(edits) == 1


@pytest.mark.parametrize(("status", "code"), [(401, 50027), (404, 10015)])
async def test_a_token_that_died_early_makes_way_for_the_channel(house: House, status, code):
    house.env.inject_error("PATCH", TOKEN_PATH, status=status, code=code, times=None)
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.settle()
    assert len(result.response.attachments) == 4
    assert (await house.job(1)).status is Status.DONE


async def test_an_end_outlasts_an_outage(house: House):
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", steps=1)
    house.env.inject_error("PATCH", TOKEN_PATH, status=500, times=6)
    house.executor.let_go()
    await house.env.advance_time(300)
    assert len(result.response.attachments) == 4
    assert (await house.job(1)).status is Status.DONE


async def test_an_outage_that_does_not_end_leaves_the_reason_in_the_row(house: House):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a red apple", steps=1)
    house.env.inject_error("PATCH", "*", status=500, times=None)
    house.executor.let_go()
    await house.env.advance_time(2 * 3600)
    job = await house.job(1)
    assert job.status is Status.FAILED
    assert (job.error or "").startswith("not posted: ")


async def test_a_deleted_channel_takes_the_jobs_of_its_threads_and_all_rules_along(house: House):
    channel = house.bot.get_channel(house.channel.id)
    assert isinstance(channel, discord.TextChannel)
    thread = await channel.create_thread(name="apples", type=discord.ChannelType.public_thread)
    places = (0, house.channel.id, thread.id)
    entry = NewAuditEntry(guild_id=house.guild.id, moderator_id=1, action="config", detail="")
    await house.rules.change({place: {"max_count": 4} for place in places}, entry)
    house.executor.hold = True
    (handle,) = house.channel.threads
    await house.mia.slash(handle, "imagine", prompt="a red apple")
    the_channel(house)
    await house.settle()
    job = await house.job(1)
    assert (job.status, job.error) == (Status.CANCELLED, "its channel is gone")
    assert house.executor.ended == ["cancelled"]
    for _ in range(2):  # as it is in memory, and as it is read at the next start
        assert house.rules.channels(house.guild.id) == {}
        assert house.rules.said(house.guild.id) == Rules(max_count=4)
        await house.rules.load()


async def test_a_server_that_invites_us_again_finds_its_rules(house: House):
    entry = NewAuditEntry(guild_id=house.guild.id, moderator_id=1, action="config", detail="")
    await house.rules.change({0: {"max_count": 2}}, entry)
    the_server(house)
    await house.settle()
    await house.rules.load()
    assert house.rules.said(house.guild.id) == Rules(max_count=2)

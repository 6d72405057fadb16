"""What a restart takes up again, seen from inside; tests/wire kills the real process."""

import asyncio
from datetime import timedelta

import pytest

from bot.core.admission.request_context import Actor
from bot.db.records import BY_MODERATOR, Job, Status
from bot.texts import say
from generation.errors import OutOfMemory
from tests.bot.conftest import House, build
from tests.bot.rows import execute


async def restart(house: House, tmp_path, database, *, ready_first=None) -> None:
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    await house.settle()


async def test_a_stop_requeues_what_runs_and_the_next_start_finishes_it(
    house: House, tmp_path, database
):
    house.executor.hold = True
    first = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    second = await house.max.slash(house.channel, "imagine", prompt="a pear")
    await house.app.jobs.close()
    assert (await house.job(1)).status is Status.QUEUED
    assert house.executor.ended == ["cancelled"]

    house.executor.hold = False
    await restart(house, tmp_path, database)
    assert [request.prompt for request in house.executor.requests] == [
        "a red apple",
        "a red apple",
        "a pear",
    ]
    for result in (first, second):
        assert len(result.response.attachments) == 4
    assert len(house.channel.history()) == 2


async def test_a_cancel_while_earlier_jobs_are_taken_up_holds(
    house: House, tmp_path, database, monkeypatch
):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    second = await house.max.slash(house.channel, "imagine", prompt="a pear")
    await house.app.jobs.close()
    bot = build(tmp_path, database, house.executor)
    jobs, get = bot.app.jobs, bot.app.job_store.get
    cancelled = False

    async def late(job_id: int) -> Job | None:
        nonlocal cancelled
        if job_id == 1 and not cancelled:
            cancelled = True
            await jobs.cancel(2, Actor(house.max.id, house.guild.id, moderates=False))
        return await get(job_id)

    monkeypatch.setattr(bot.app.job_store, "get", late)
    house.executor.hold = False
    await house.env.restart_bot(bot)
    await house.settle()
    assert cancelled
    assert "Cancelled" in second.response.content
    assert [request.prompt for request in house.executor.requests] == ["a red apple"] * 2


async def test_pictures_that_were_drawn_are_posted_without_drawing_again(
    house: House, tmp_path, database
):
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.settle()
    # As a kill between the last picture and DONE leaves it.
    await execute(database, "UPDATE jobs SET status = 'running', ended_at = NULL")
    await restart(house, tmp_path, database)
    assert len(house.executor.requests) == 1
    assert (await house.job(1)).status is Status.DONE
    assert len(result.response.attachments) == 4


async def test_an_answer_whose_token_died_is_replaced_by_one_message(
    house: House, tmp_path, database
):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.app.jobs.close()
    # As a kill between the answer and its message id leaves it, found an hour later.
    await execute(database, "UPDATE jobs SET status = 'recorded', message_id = NULL")
    await house.env.advance_time(3600)
    house.executor.hold = False
    await restart(house, tmp_path, database)
    job = await house.job(1)
    assert job.status is Status.DONE
    posted = [message for message in house.channel.history() if message.id == job.message_id]
    assert len(posted) == 1
    assert len(posted[0].attachments) == 4


async def test_after_fourteen_minutes_the_channel_carries_the_end(house: House):
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.env.advance_time(timedelta(minutes=20).total_seconds())
    house.executor.let_go()
    await house.settle()
    assert len(result.response.attachments) == 4
    last = [entry for entry in house.env.http_requests if entry.method == "PATCH"][-1]
    assert last.path.startswith("/channels/")
    assert (await house.job(1)).status is Status.DONE


async def test_jobs_of_a_closed_bot_are_not_started(house: House):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.max.slash(house.channel, "imagine", prompt="a pear")
    await house.app.jobs.close()
    await asyncio.sleep(0)
    assert len(house.executor.requests) == 1


async def test_what_forbids_a_wish_forbids_it_after_a_restart_too(house: House, tmp_path, database):
    house.executor.hold = True
    for _ in range(3):
        await house.max.slash(house.channel, "imagine", prompt="a pear")
    await house.morgan.slash(house.channel, "mod block", person=house.mia)
    await restart(house, tmp_path, database)
    blocked = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    assert "blocked" in house.refusal(blocked)
    waits = await house.max.slash(house.channel, "imagine", prompt="a pear")
    assert "3" in house.refusal(waits)
    assert len(await house.jobs.open_jobs()) == 3


async def untell(database, status: str, error: str) -> None:
    """Leave a job as a kill does between its row's end and its message's."""
    ended = "UPDATE jobs SET status = :status, error = :error, ended_at = asked_at"
    await execute(database, ended, values={"status": status, "error": error})


@pytest.mark.parametrize(
    ("status", "error", "line"),
    [
        ("cancelled", None, "✖️ Cancelled"),
        ("cancelled", "by a moderator", "✖️ Cancelled by a moderator"),
        ("failed", "the worker ended twice", "⚠️ This job failed, and I was stopped before"),
    ],
)
async def test_an_end_that_nobody_was_told_is_told_by_the_next_start(
    house: House, tmp_path, database, status: str, error: str, line: str
):
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.app.jobs.close()
    await untell(database, status, BY_MODERATOR if error == "by a moderator" else error)
    await restart(house, tmp_path, database)
    assert line in result.response.content
    job = await house.job(1)
    assert (job.status, job.origin.token) == (Status(status), None)
    assert len(house.executor.requests) == 1
    assert len(house.channel.history()) == 1


async def test_what_was_told_is_not_told_again(house: House, tmp_path, database):
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.mia.click(result.response, label=say("button-cancel"))
    await house.settle()
    assert (await house.job(1)).origin.token is None
    assert await house.jobs.untold() == []
    house.executor.hold, house.executor.error = False, OutOfMemory("too large")
    await house.mia.slash(house.channel, "imagine", prompt="a pear")
    await house.settle()
    job = await house.job(2)
    assert (job.status, job.origin.token) == (Status.FAILED, None)

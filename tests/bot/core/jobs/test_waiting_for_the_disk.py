"""Jobs whose disk takes nothing for a while."""

import asyncio
import sqlite3

import pytest

from bot.core.jobs import runner
from bot.core.jobs.runner import DeliveryFailed
from bot.db import files, patience
from bot.db.database import Database
from bot.db.errors import StoreFull
from bot.db.records import Job, Status
from bot.texts import say
from tests.bot.conftest import House, build
from tests.bot.rows import execute
from tests.texts import says

HOURS = 3 * 3600


class Disk:
    """Where the database and the files are; it may take neither."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.code = 0
        self.full = False
        write_batch, write_whole = database._writer._write_batch, files.write_whole

        def write(batch):
            if self.code:
                error = sqlite3.OperationalError("as SQLite says it")
                error.sqlite_errorcode = self.code
                raise error
            write_batch(batch)

        def whole(path, content):
            if self.full:
                raise StoreFull("no space left on device")
            write_whole(path, content)

        monkeypatch.setattr(database._writer, "_write_batch", write)
        monkeypatch.setattr("bot.core.pictures.picture_store.write_whole", whole)


@pytest.fixture
def disk(database: Database, monkeypatch: pytest.MonkeyPatch) -> Disk:
    # Only pauses so long pass at once here; how they grow is for test_patience.
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", patience.LONGEST_PAUSE_S)
    return Disk(database, monkeypatch)


async def ask_and_fill_the_disk(house: House, disk: Disk):
    """Ask for pictures, and let the disk be full when they are drawn."""
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", count=2)
    disk.full = True
    disk.code = sqlite3.SQLITE_FULL
    house.executor.let_go()
    await house.env.advance_time(60)
    return result


async def test_drawn_pictures_wait_for_hours_and_are_posted(house: House, disk: Disk):
    result = await ask_and_fill_the_disk(house, disk)
    assert says(result.response.content, "job-stalled")
    assert (await house.job(1)).status is Status.RUNNING
    await house.env.advance_time(HOURS)
    assert len(house.executor.requests) == 1
    disk.full, disk.code = False, 0
    await house.env.advance_time(120)
    assert len(result.response.attachments) == 2
    job = await house.job(1)
    assert (job.status, job.device_seconds) == (Status.DONE, 1.25)
    assert len(house.executor.requests) == 1, "nothing is drawn twice"
    assert len(house.channel.history()) == 1


async def test_others_are_drawn_meanwhile(house: House, disk: Disk):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.max.slash(house.channel, "imagine", prompt="a pear")
    disk.full = True  # its files only: SQLite often has room in what it has
    house.executor.let_go()
    await house.env.advance_time(60)
    assert [one.prompt for one in house.executor.requests] == ["a red apple", "a pear"]
    disk.full = False
    await house.env.advance_time(120)
    assert [(await house.job(one)).status for one in (1, 2)] == [Status.DONE] * 2


async def test_what_is_kept_in_memory_is_bounded(house: House, disk: Disk, monkeypatch):
    monkeypatch.setattr(runner, "MOST_UNWRITTEN_BYTES", 1)
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    waits = await house.max.slash(house.channel, "imagine", prompt="a pear")
    disk.full = True
    house.executor.let_go()
    await house.env.advance_time(HOURS)
    assert [one.prompt for one in house.executor.requests] == ["a red apple"]
    assert (await house.job(2)).status is Status.QUEUED
    disk.full = False
    await house.env.advance_time(120)
    assert [one.prompt for one in house.executor.requests] == ["a red apple", "a pear"]
    assert len(waits.response.attachments) == 4


async def test_a_cancel_works_while_the_disk_takes_nothing(house: House, disk: Disk):
    result = await ask_and_fill_the_disk(house, disk)
    await house.mia.click(result.response, label=say("button-cancel"))
    await house.settle()
    assert say("job-cancelled") in result.response.content
    assert (await house.job(1)).status is Status.RUNNING, "nobody could write it down"
    disk.full, disk.code = False, 0
    await house.env.advance_time(120)
    assert (await house.job(1)).status is Status.CANCELLED
    assert result.response.attachments == []
    assert say("job-cancelled") in result.response.content


async def test_a_cancel_that_nothing_took_is_shown_when_it_is_written(
    house: House, disk: Disk, monkeypatch
):
    """Neither the disk nor Discord takes anything when somebody cancels."""
    result = await ask_and_fill_the_disk(house, disk)
    presenter, tries = house.app.jobs._presenter, 0
    cancelled = presenter.cancelled

    async def first_refused(job: Job) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise DeliveryFailed("Discord is away")
        await cancelled(job)

    monkeypatch.setattr(presenter, "cancelled", first_refused)
    await house.mia.click(result.response, label=say("button-cancel"))
    await house.settle()
    assert say("job-cancelled") not in result.response.content
    disk.full, disk.code = False, 0
    await house.env.advance_time(120)
    assert say("job-cancelled") in result.response.content
    assert (await house.job(1)).origin.token is None


async def test_a_cancel_before_the_message_is_on_record_holds(house: House, disk: Disk):
    queued, mended = house.app.jobs._jobs.queued, asyncio.Event()

    async def late(job_id: int, message_id: int) -> bool:
        disk.code = sqlite3.SQLITE_FULL
        await house.env.external_wait(mended.wait(), reason="the disk is full")
        disk.code = 0
        return await queued(job_id, message_id)

    house.app.jobs._jobs.queued = late
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.mia.click(result.response, label=say("button-cancel"))
    assert (await house.job(1)).status is Status.RECORDED
    mended.set()
    await house.env.advance_time(120)
    assert (await house.job(1)).status is Status.CANCELLED
    assert say("job-cancelled") in result.response.content
    assert house.executor.requests == []


async def test_a_stop_while_it_waits_and_the_next_start_goes_on(
    house: House, disk: Disk, tmp_path, database
):
    result = await ask_and_fill_the_disk(house, disk)
    await house.app.jobs.close()
    assert (await house.job(1)).status is Status.RUNNING
    disk.full, disk.code = False, 0
    house.executor.hold = False
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    await house.settle()
    assert len(result.response.attachments) == 2
    assert (await house.job(1)).status is Status.DONE


async def test_a_start_waits_for_the_database(house: House, disk: Disk, tmp_path, database):
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", count=1)
    await house.app.jobs.close()
    # As a kill leaves it.
    await execute(database, "UPDATE jobs SET status = 'running'")
    disk.code = sqlite3.SQLITE_BUSY
    house.executor.hold = False
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    await house.env.advance_time(HOURS)
    assert len(house.executor.requests) == 1
    disk.code = 0
    await house.env.advance_time(120)
    assert len(result.response.attachments) == 1
    assert (await house.job(1)).status is Status.DONE


async def test_a_damaged_database_is_told_and_loses_no_row(house: House, disk: Disk):
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", count=1)
    disk.code = sqlite3.SQLITE_CORRUPT
    house.executor.let_go()
    await house.settle()
    assert says(result.response.content, "error-store-damaged")
    assert (await house.job(1)).status is Status.RUNNING, "the next start takes it up"


async def test_who_asks_meanwhile_is_told_why_not(house: House, disk: Disk):
    disk.code = sqlite3.SQLITE_FULL
    refused = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    assert says(house.refusal(refused), "error-store-full")


async def test_a_moderator_s_cancel_of_everything_stops_everything(house: House, disk: Disk):
    house.executor.hold = True
    for prompt in ("a red apple", "a pear"):
        await house.mia.slash(house.channel, "imagine", prompt=prompt)
    disk.code = sqlite3.SQLITE_BUSY
    await house.morgan.slash(house.channel, "mod cancel", person=house.mia)
    await house.settle()
    assert house.executor.ended == ["cancelled"]
    disk.code = 0
    await house.env.advance_time(120)
    assert [(await house.job(one)).status for one in (1, 2)] == [Status.CANCELLED] * 2
    assert len(house.executor.requests) == 1

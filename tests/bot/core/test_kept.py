"""What stores keep in memory: bounded, and never older than the disk."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot import texts
from bot.core.admission import rule_store
from bot.core.default_store import DefaultsStore
from bot.core.jobs import job_store
from bot.core.jobs.job_store import JobStore
from bot.core.kept import Kept
from bot.db.database import Database
from bot.db.records import Status
from bot.options.image_options import ImageOptions
from bot.texts import say
from tests.bot.db.test_database import record
from tests.bot.rows import execute


def test_what_was_used_least_lately_goes_first():
    kept = Kept[int, str](3)
    for number in range(3):
        kept.put(number, str(number))
    assert kept.get(0) == "0"
    kept.put(3, "3")
    assert [kept.get(number) for number in range(4)] == ["0", None, "2", "3"]
    assert len(kept) == 3


@pytest.mark.parametrize("newer", ["put", "drop", "clear"])
async def test_what_was_read_before_a_write_is_not_kept_after_it(newer: str):
    kept = Kept[int, str](3)
    reading = asyncio.Event()

    async def read() -> str:
        await reading.wait()
        return "old"

    asked = asyncio.create_task(kept.get_or_read(1, read))
    await asyncio.sleep(0)
    if newer == "put":
        kept.put(1, "new")
    elif newer == "drop":
        kept.drop(1)
    else:
        kept.clear()
    reading.set()
    assert await asked == "old", "as it was when it was asked for"
    assert kept.get(1) == ("new" if newer == "put" else None)


async def test_a_failed_read_leaves_nothing_behind():
    kept = Kept[int, str](3)

    async def fail() -> str:
        raise OSError("the disk is gone")

    async def read() -> str:
        return "read"

    with pytest.raises(OSError, match="gone"):
        await kept.get_or_read(1, fail)
    assert not kept._readings
    assert await kept.get_or_read(1, read) == "read"
    assert kept.get(1) == "read"


async def test_jobs_in_memory_are_bounded_and_as_the_disk_has_them(database: Database, monkeypatch):
    monkeypatch.setattr(job_store, "KEPT", 20)
    jobs = JobStore(database)
    await jobs.load()
    for number in range(60):
        job = await record(jobs, number)
        await jobs.queued(job.id, 100 + number)
        await jobs.running(job.id)
        await jobs.drawn(job.id, 1.5, cut="words", flags=["why"])
        await (jobs.ended if number % 2 else jobs.closed)(job.id, Status.DONE)
        await jobs.told(job.id)
        await jobs.deleted(job.id)
    assert len(jobs._kept) == 20
    assert jobs._open == {}
    assert len(jobs._finished or ()) == job_store.LATEST
    disk = JobStore(database)
    for number in range(1, 61):
        assert await jobs.get(number) == await disk.get(number)
    assert len(jobs._kept) == 20
    assert await jobs.seconds_per_cost() == pytest.approx(await disk.seconds_per_cost())


async def test_a_change_reaches_a_job_that_is_being_read(database: Database):
    jobs = JobStore(database)
    await jobs.load()
    job = await record(jobs)
    database.rewritten()
    found, moved = await asyncio.gather(jobs.get(job.id), jobs.queued(job.id, 77))
    assert found is not None
    assert moved
    again = await jobs.get(job.id)
    assert again is not None
    assert (again.status, again.message_id) == (Status.QUEUED, 77)


async def test_defaults_in_memory_are_bounded_and_others_are_read(database: Database):
    for person in range(1, 6):
        await DefaultsStore(database).change(person, {"steps": 10 + person})
    defaults = DefaultsStore(database, kept=3)
    await defaults.load()
    assert len(defaults._kept) == 3
    assert [(await defaults.get(person)).get("steps") for person in range(1, 8)] == [
        11,
        12,
        13,
        14,
        15,
        None,
        None,
    ]
    assert len(defaults._kept) == 3
    await defaults.erase(5, datetime.now(UTC))
    assert await defaults.get(5) == ImageOptions()


async def test_who_has_no_defaults_costs_no_read_and_no_room(database: Database):
    defaults = DefaultsStore(database)
    await defaults.load()
    await defaults.change(1, {"steps": 12})
    await execute(database, "DROP TABLE defaults")
    assert (await defaults.get(1))["steps"] == 12
    for person in range(2, 100):
        assert await defaults.get(person) == ImageOptions()
    assert len(defaults._kept) == 1


async def test_of_two_changes_at_once_memory_has_what_the_disk_has(database: Database):
    defaults = DefaultsStore(database)
    await defaults.load()
    changes = [
        {"steps": 5},
        {"count": 2},
        {"steps": 7},
        {"count": None},
        {"negative_prompt": "water"},
    ]
    await asyncio.gather(*(defaults.change(1, one) for one in changes))
    kept, disk = await defaults.get(1), DefaultsStore(database)
    assert kept == await disk.get(1) == ImageOptions(steps=7, negative_prompt="water")


async def test_places_in_memory_are_bounded(database: Database, monkeypatch):
    monkeypatch.setattr(rule_store, "MOST_HELD", 10)
    rules = rule_store.RuleStore(database)
    for channel in range(100):
        assert rules.hold(1, (channel,)) == rule_store.BUILT_IN
    assert len(rules._held) <= 10


def test_texts_are_resolved_once_and_their_memory_is_bounded():
    texts._again.cache_clear()
    for _ in range(3):
        assert say("job-starting") == say("job-starting")
    assert texts._again.cache_info().misses == 1
    for number in range(2 * texts.AGAIN):
        say("duration", seconds=number)
        say("job-moved", channel=f"<#{number}>")
    assert texts._again.cache_info().currsize <= texts.SMALL + 1
    assert texts._again.cache_info().maxsize == texts.AGAIN

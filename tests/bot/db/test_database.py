import asyncio
import sqlite3
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event

import migrations
from bot.core.jobs.job_store import AlreadyRecorded, JobStore
from bot.db import writer
from bot.db.database import FILE_NAME, Database, migrate
from bot.db.errors import StoreBusy, StoreClosed, StoreTooNew, StoreUnwritable
from bot.db.records import Job, Kind, NewJob, Origin, Status
from generation.request import GenerationRequest, Sampler
from migrations.upgrading import alembic_config

TABLES = {
    "alembic_version",
    "allowances",
    "audit",
    "blocks",
    "defaults",
    "spent",
    "favourites",
    "filters",
    "job_inputs",
    "job_words",
    "job_words_config",
    "job_words_data",
    "job_words_docsize",
    "job_words_idx",
    "job_words_terms",
    "jobs",
    "pictures",
    "refusals",
    "rules",
}
ASKED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def origin(interaction_id: int = 1, person_id: int = 5) -> Origin:
    return Origin(
        interaction_id=interaction_id,
        token="secret-token",
        person_id=person_id,
        person_name="mia",
        channel_id=7,
        guild_id=9,
        asked_at=ASKED_AT,
    )


def request(seed: int = 3) -> GenerationRequest:
    return GenerationRequest(
        prompt="a red apple",
        negative_prompt="water",
        checkpoint="Emoji",
        width=64,
        height=48,
        num_images=2,
        num_inference_steps=5,
        guidance_scale=2.5,
        sampler=Sampler.EULER,
        seed=seed,
    )


async def record(jobs: JobStore, interaction_id: int = 1) -> Job:
    new_job = NewJob(kind=Kind.IMAGINE, request=request())
    return await jobs.record(new_job, origin(interaction_id), fair_start=4.5)


@asynccontextmanager
async def busy(database: Database) -> AsyncIterator[None]:
    """Keep the writer busy with somebody else's work."""
    begun, ended = threading.Event(), threading.Event()

    def work(_: Connection) -> None:
        begun.set()
        assert ended.wait(60)

    others = asyncio.create_task(database.write(work))
    assert await asyncio.to_thread(begun.wait, 60)
    yield
    ended.set()
    await others


def tables(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = {name for (name,) in rows if not name.startswith("sqlite_")}
    connection.close()
    return names


async def test_migrations_go_up_and_down(tmp_path: Path):
    await migrate(tmp_path)
    assert tables(tmp_path) == TABLES
    await migrate(tmp_path)  # again, nothing to do
    command.downgrade(alembic_config(tmp_path / FILE_NAME), "base")
    assert tables(tmp_path) == {"alembic_version"}
    await migrate(tmp_path)
    assert tables(tmp_path) == TABLES


async def test_a_database_of_this_version_needs_no_alembic(tmp_path: Path):
    await migrate(tmp_path)
    code = (
        "import asyncio, pathlib, sys; from bot.db.database import migrate;"
        f" asyncio.run(migrate(pathlib.Path({str(tmp_path)!r}))); print('alembic' in sys.modules)"
    )
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE)
    assert (await done.communicate())[0].strip() == b"False"
    assert done.returncode == 0


async def test_files_are_named_for_their_revisions():
    scripts = ScriptDirectory.from_config(alembic_config(Path())).walk_revisions()
    assert migrations.revisions() == sorted(script.revision for script in scripts)


async def test_the_tables_are_the_models(tmp_path: Path):
    await migrate(tmp_path)
    command.check(alembic_config(tmp_path / FILE_NAME))


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path):
    await migrate(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreTooNew, match="newer Darkroom"):
        await migrate(tmp_path)
    assert tables(tmp_path) == TABLES


async def test_an_unwritable_folder_is_named(tmp_path: Path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StoreUnwritable, match=r"STORE__FOLDER: .*file/data must be a folder"):
        await migrate(file / "data")


async def test_a_file_that_is_no_database_is_named(tmp_path: Path):
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to be read as one" * 50)
    with pytest.raises(StoreUnwritable, match="not a database"):
        await migrate(tmp_path)


async def test_wal_and_foreign_keys_are_on(database: Database):
    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "foreign_keys", "synchronous", "secure_delete")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    for run in (database.read, database.write):
        assert await run(pragmas) == ["wal", 1, 2, 1]


async def test_a_job_reads_back_as_it_was_written(database: Database):
    jobs = JobStore(database)
    job = await record(jobs)
    again = await jobs.get(job.id)
    assert again == job
    assert (again.origin, again.request, again.fair_start) == (origin(), request(), 4.5)
    assert again.status is Status.RECORDED
    assert "secret-token" not in repr(again)


async def test_one_interaction_is_one_job(database: Database):
    jobs = JobStore(database)
    await record(jobs)
    with pytest.raises(AlreadyRecorded):
        await record(jobs)
    assert len(await jobs.open_jobs()) == 1


async def test_one_that_fails_takes_none_of_those_written_with_it_along(database: Database):
    jobs = JobStore(database)
    await record(jobs)
    begun: list[str] = []
    event.listen(database._writing, "begin", lambda _: begun.append("a transaction"))
    async with busy(database):  # what comes meanwhile is written together
        recording = [asyncio.create_task(record(jobs, number)) for number in (2, 1, 3)]
        moving = asyncio.create_task(jobs.queued(1, 99))
        await asyncio.sleep(0)
    second, again, third = await asyncio.gather(*recording, return_exceptions=True)
    assert isinstance(again, AlreadyRecorded)
    assert await moving
    assert len(begun) == 2, "the one that was busy, and all the others"
    assert [job.id for job in await jobs.open_jobs()] == [1, second.id, third.id]
    assert jobs.waiting_counts(5) == (3, 3)


async def test_everybody_hears_that_the_database_is_busy(database: Database):
    jobs = JobStore(database)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as stranger, stranger:
        stranger.execute("BEGIN IMMEDIATE")
        recording = [record(jobs, number) for number in (1, 2, 3)]
        answers = await asyncio.gather(*recording, return_exceptions=True)
        stranger.execute("ROLLBACK")
    stranger.close()
    assert [type(answer) for answer in answers] == [StoreBusy] * 3
    assert jobs.waiting_counts(5) == (0, 0)


async def test_open_jobs_count_until_they_end_over_a_restart_too(database: Database):
    earlier = JobStore(database)
    for number in (1, 2, 3):
        await record(earlier, number)
    await earlier.ended(2, Status.CANCELLED)
    jobs = JobStore(database)
    await jobs.load()
    assert earlier.waiting_counts(5) == jobs.waiting_counts(5) == (2, 2)
    assert jobs.waiting_counts(6) == (0, 2)
    await jobs.ended(1, Status.DONE)
    assert jobs.waiting_counts(5) == (1, 1)


async def test_a_job_only_goes_forward(database: Database):
    jobs = JobStore(database)
    job = await record(jobs)
    assert not await jobs.running(job.id), "it has not been answered"
    assert await jobs.queued(job.id, 77)
    assert not await jobs.queued(job.id, 78)
    assert await jobs.running(job.id)
    assert await jobs.requeued(job.id)
    assert await jobs.running(job.id)
    assert await jobs.ended(job.id, Status.CANCELLED)
    assert not await jobs.ended(job.id, Status.DONE)
    assert not await jobs.requeued(job.id)
    found = await jobs.get(job.id)
    assert (found.status, found.message_id, found.origin.token) == (Status.CANCELLED, 77, None)


async def test_a_held_database_is_busy_soon_and_nothing_is_written(database: Database):
    jobs = JobStore(database)
    holder = sqlite3.connect(database.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreBusy):
            await record(jobs)
        assert await jobs.open_jobs() == [], "readers go on beside a writer"
    finally:
        holder.rollback()
        holder.close()
    assert (await record(jobs)).id


async def test_the_time_in_which_a_writer_begins_is_not_counted_twice(database: Database):
    """Or who waits for a turn and then for another process would answer too late to say so."""

    def patience(connection: Connection) -> int:
        return connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()

    assert 1000 < await database.write(patience) <= 1500
    async with busy(database):
        waiting = asyncio.create_task(database.write(patience))
        await asyncio.sleep(0.4)
    assert 100 <= await waiting <= 1100


async def test_who_waits_too_long_for_other_writers_hears_it_and_nothing_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(writer, "BUSY_TIMEOUT_MS", 100)
    jobs = JobStore(database)
    async with busy(database):
        with pytest.raises(StoreBusy, match="nothing was written"):
            await record(jobs)
    assert await jobs.open_jobs() == []
    assert (await record(jobs)).id


async def test_who_came_later_goes_on_waiting_for_another_process(database: Database):
    jobs = JobStore(database)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        first = asyncio.create_task(record(jobs, 1))
        await asyncio.sleep(1)
        second = asyncio.create_task(record(jobs, 2))
        with pytest.raises(StoreBusy):
            await first
        stranger.execute("ROLLBACK")
        assert (await second).origin.interaction_id == 2


async def test_memory_follows_the_disk_in_its_order_even_for_who_has_gone(database: Database):
    followed: list[int] = []
    async with busy(database):
        writing = [
            asyncio.create_task(database.write(lambda _, n=n: n, followed.append)) for n in range(9)
        ]
        await asyncio.sleep(0)
        writing[4].cancel()
    done = await asyncio.gather(*writing, return_exceptions=True)
    assert isinstance(done.pop(4), asyncio.CancelledError)
    assert followed == list(range(9))


async def test_what_was_begun_is_written_before_the_database_closes(database: Database):
    jobs = JobStore(database)
    recording = asyncio.create_task(record(jobs))
    await asyncio.sleep(0)
    await database.close()
    assert (await recording).id
    with pytest.raises(StoreClosed):
        await record(jobs, 2)
    with pytest.raises(StoreClosed):
        await jobs.open_jobs()

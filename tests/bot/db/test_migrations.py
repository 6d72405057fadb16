"""Databases of every earlier revision, with jobs in them, as this one takes them up."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command

import migrations
from bot.core.erasing import forget
from bot.core.jobs.job_store import JobStore
from bot.db.database import FILE_NAME, Database, migrate
from bot.db.records import Kind, ModSearch, Status, Words
from bot.features.history.job_history import History
from generation.request import GenerationRequest, Sampler, Uploaded
from migrations.upgrading import alembic_config

REVISIONS = migrations.revisions()
BEFORE_JSON = REVISIONS[: REVISIONS.index("0018")]

DRAWN = GenerationRequest(
    prompt='a red "apple", {ü 🦊}\n\\ (x:1.2)',
    negative_prompt="water",
    checkpoint="Emoji",
    width=64,
    height=48,
    num_images=2,
    num_inference_steps=7,
    guidance_scale=0.1 + 1.1,  # no decimal of 15 digits is this number
    sampler=Sampler.DPMPP_2M_SDE_KARRAS,
    seed=2**32 - 2,
)
FROM_A_PICTURE = replace(DRAWN, prompt="a fox", strength=1 / 3, sampler=Sampler.LCM)
STYLED = replace(DRAWN, prompt="ink drawing of a fox", guidance_scale=7.0)
UPLOADED = Uploaded(width=70, height=40)  # is no multiple of eight

# What a row holds beside its request, as far as its table has such columns.
COMMON: dict[str, Any] = {
    "kind": "imagine",
    "status": "done",
    "person_id": 5,
    "person_name": "mia",
    "channel_id": 7,
    "guild_id": 9,
    "fair_start": 1.5,
    "device_seconds": 2.25,
    "asked_at": "2026-01-02 03:04:05.000000",
    "ended_at": "2026-01-02 03:05:05.000000",
    "folded_words": "as they were\n",
}
JOBS: tuple[tuple[GenerationRequest, dict[str, Any]], ...] = (
    (DRAWN, {"status": "queued", "ended_at": None, "message_id": 77}),
    (FROM_A_PICTURE, {"kind": "variation", "parent_id": 1, "parent_index": 1}),
    (STYLED, {"style": "Ink", "typed_prompt": "a fox", "typed_negative_prompt": "water"}),
    (replace(DRAWN, num_images=1), {"kind": "upscale", "factor": 4, "parent_id": 1}),
    (UPLOADED, {"kind": "upscale", "factor": 2}),
)


def fill(folder: Path) -> set[str]:
    """Write the jobs and a picture of each, and return the columns that a job has."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        known = {row[1] for row in connection.execute("PRAGMA table_info(jobs)")}
        for number, (request, more) in enumerate(JOBS, 1):
            kept = {name: getattr(request, name) for name in GenerationRequest.__slots__}
            row = COMMON | kept | more | {"id": number, "interaction_id": 100 + number}
            row = {name: value for name, value in row.items() if name in known}
            marks = ", ".join("?" for _ in row)
            connection.execute(
                f"INSERT INTO jobs ({', '.join(row)}) VALUES ({marks})",
                [str(one) if isinstance(one, Sampler) else one for one in row.values()],
            )
            connection.execute(
                'INSERT INTO pictures (job_id, "index", seed, sha256, width, height, size_bytes)'
                " VALUES (?, 0, 3, ?, 64, 48, 9)",
                (number, f"{number:064}"),
            )
    connection.close()
    return known


def schema(folder: Path) -> set[tuple[str, str]]:
    """Return the name and kind of everything that is in a database."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        found = set(connection.execute("SELECT type, name FROM sqlite_master"))
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    return found


async def check(folder: Path, known: set[str]) -> None:
    """See that every job is what it was when its table had these columns."""
    database = Database(folder)
    try:
        jobs = JobStore(database)
        found = [await jobs.get(number) for number in range(1, len(JOBS) + 1)]
        for job, (request, more) in zip(found, JOBS, strict=True):
            assert job is not None
            wanted = request
            if "strength" not in known and not isinstance(request, Uploaded):
                wanted = replace(request, strength=None)
            assert job.request == wanted
            assert type(job.request) is type(request)
            assert job.kind == more.get("kind", "imagine")
            assert job.factor == (more.get("factor", 1) if "factor" in known else 1)
            assert job.parent_id == more.get("parent_id")
            assert (job.device_seconds, job.fair_start) == (2.25, 1.5)
        styled = found[2]
        assert styled is not None
        if "typed_prompt" in known:
            assert (styled.style, styled.words) == ("Ink", Words("a fox", "water"))
        assert [job.id for job in await jobs.open_jobs()] == [1]
        history = History(database)
        here = await history.search(ModSearch(guild_id=9, checkpoint="Emoji"), None, 9)
        assert [job.id for job in here] == [4, 3, 2, 1]
        words = "apple" if "folded_words" not in known else "as they were"
        by_words = await history.search(ModSearch(guild_id=9, words=words), None, 9)
        assert {1, 4} <= {job.id for job in by_words}
        # The index of words still follows the table.
        await jobs.ended(1, Status.DONE)
        await forget(database, 5, 10**6, found[0].origin.asked_at)
        assert await history.search(ModSearch(guild_id=9, words=words), None, 9) == []
        erased = await jobs.get(2)
        assert erased is not None
        assert erased.request == replace(found[1].request, prompt="(erased)", negative_prompt=""), (
            "everything but the words stays, to the last bit"
        )
        assert erased.kind is Kind.VARIATION
    finally:
        await database.close()


@pytest.mark.parametrize("revision", BEFORE_JSON)
async def test_jobs_of_an_earlier_revision_are_the_same(tmp_path: Path, revision: str):
    command.upgrade(alembic_config(tmp_path / FILE_NAME), revision)
    known = fill(tmp_path)
    await migrate(tmp_path)
    fresh = tmp_path / "fresh"
    await migrate(fresh)
    assert schema(tmp_path) == schema(fresh)
    await check(tmp_path, known)


async def test_jobs_are_the_same_after_going_back_and_forth(tmp_path: Path):
    command.upgrade(alembic_config(tmp_path / FILE_NAME), "0017")
    before = schema(tmp_path)
    known = fill(tmp_path)
    await migrate(tmp_path)
    command.downgrade(alembic_config(tmp_path / FILE_NAME), "0017")
    assert schema(tmp_path) == before
    await migrate(tmp_path)
    await check(tmp_path, known)


async def test_more_jobs_than_are_carried_over_at_once(tmp_path: Path):
    command.upgrade(alembic_config(tmp_path / FILE_NAME), "0017")
    fill(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(jobs)")]
        changed = {"id": "n.value", "interaction_id": "n.value + 1000", "seed": "n.value"}
        values = ", ".join(changed.get(name, name) for name in columns)
        connection.execute(
            f"WITH RECURSIVE n(value) AS (SELECT 10 UNION ALL SELECT value + 1 FROM n"
            f" WHERE value < 2300) INSERT INTO jobs ({', '.join(columns)})"
            f" SELECT {values} FROM jobs, n WHERE jobs.id = 2"
        )
    connection.close()
    await migrate(tmp_path)
    database = Database(tmp_path)
    try:
        jobs = await JobStore(database).of_person(5)
        assert {job.id: job.request for job in jobs if job.id >= 10} == {
            number: replace(FROM_A_PICTURE, seed=number) for number in range(10, 2301)
        }
    finally:
        await database.close()

"""Asked to stop while the database of an earlier version is migrated."""

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from bot.db.database import FILE_NAME
from migrations.upgrading import alembic_config
from playground import Playground
from tests.wire.conftest import Process

OLD = "0017"  # before requests became JSON: each job is written anew
JOBS = 6_000


def left_behind(folder: Path) -> None:
    """Make a database of an earlier version with many jobs."""
    command.upgrade(alembic_config(folder / FILE_NAME), OLD)
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        known = {name for _, name, *_ in connection.execute("PRAGMA table_info(jobs)")}
        row = {
            "id": "n.value",
            "kind": "'imagine'",
            "status": "'done'",
            "interaction_id": "n.value + 1000",
            "person_id": "5",
            "person_name": "'mia'",
            "channel_id": "7",
            "prompt": "'a fox'",
            "negative_prompt": "''",
            "checkpoint": "'Emoji'",
            "width": "64",
            "height": "64",
            "num_images": "1",
            "num_inference_steps": "5",
            "guidance_scale": "7.0",
            "sampler": "'Euler a'",
            "seed": "1",
            "fair_start": "0.0",
            "device_seconds": "1.0",
            "asked_at": "'2026-01-02 03:04:05.000000'",
            "ended_at": "'2026-01-02 03:05:05.000000'",
        }
        assert row.keys() <= known
        connection.execute(
            "WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n"
            f" WHERE value < {JOBS}) INSERT INTO jobs ({', '.join(row)})"
            f" SELECT {', '.join(row.values())} FROM n"
        )


def written(log: Path) -> int:
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def revision(folder: Path) -> str:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_stop_during_a_migration_leaves_the_old_or_the_new_one(
    playground: Playground, tmp_path: Path, number: int
):
    await asyncio.to_thread(left_behind, tmp_path)
    bot = Process(playground, tmp_path)
    await bot.begin()
    while written(tmp_path / f"{FILE_NAME}-wal") < 2**20:  # it has begun
        assert await bot.runs()
        await asyncio.sleep(0.01)
    for _ in range(2 if number == signal.SIGTERM else 1):  # twice is as good as once
        await bot.signal(number)
    status = await bot.ended()
    if number == signal.SIGTERM:
        assert status == 0
        assert not bot.lines("Traceback")
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert revision(tmp_path) in (OLD, newest())
    await bot.start()
    assert await bot.end() == 0
    assert revision(tmp_path) == newest()
    assert len(bot.rows("id")) == JOBS


def newest() -> str:
    head = ScriptDirectory.from_config(alembic_config(Path())).get_current_head()
    assert head is not None
    return head

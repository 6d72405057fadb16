"""Rows in every table of every earlier revision, as this version takes them up."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command

import migrations
from bot.db.database import FILE_NAME, migrate
from bot.db.examination import examine
from migrations.upgrading import alembic_config

REVISIONS = migrations.revisions()
ROWS = 3
# What columns hold whose values are words of ours; another one gets a value of its type.
WORDS = {
    ("jobs", "kind"): "imagine",
    ("jobs", "status"): "done",
    ("jobs", "sampler"): "Euler a",
    ("jobs", "request"): '{"prompt": "a fox", "width": 64, "height": 64}',
    ("pictures", "verdict"): "shown",
    ("allowances", "holder"): "person",
    ("filters", "kind"): "word",
    ("filters", "action"): "refuse",
    ("filters", "strictness"): "whole",
    ("rules", "rules"): "{}",
    ("defaults", "defaults"): "{}",
    ("job_inputs", "role"): "mask",
}
MOMENT = "2026-01-02 03:04:05.000000"


def tables(connection: sqlite3.Connection) -> list[str]:
    """Return our tables, those that others refer to first."""
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    ours = [
        name
        for name, sql in found
        if not name.startswith(("sqlite_", "job_words", "alembic_")) and "VIRTUAL" not in sql
    ]
    return sorted(ours, key=lambda name: (name != "jobs", name))


def value(table: str, name: str, kind: str, number: int) -> Any:
    """Return a value of a column, another one in each row."""
    if (table, name) in WORDS:
        return WORDS[table, name]
    kind = kind.upper()
    if "DATE" in kind:
        return MOMENT if "TIME" in kind else MOMENT[:10]
    if "BOOL" in kind:
        return 0
    if "INT" in kind:
        return number
    if "DOUBLE" in kind or "FLOAT" in kind:
        return number / 3
    return f"{table} {name} {number}"


def fill(connection: sqlite3.Connection, table: str) -> None:
    # Generated columns are in table_xinfo only.
    columns = [row[1:3] for row in connection.execute(f"PRAGMA table_info({table})")]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    marks = ", ".join("?" for _ in columns)
    for number in range(1, ROWS + 1):
        row = [value(table, name, kind, number) for name, kind in columns]
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)


def contents(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    found = connection.execute(f"SELECT * FROM {table} ORDER BY rowid")
    names = [one[0] for one in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


@pytest.mark.parametrize("revision", REVISIONS)
async def test_no_row_of_any_table_is_lost_or_changed(tmp_path: Path, revision: str):
    command.upgrade(alembic_config(tmp_path / FILE_NAME), revision)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        names = tables(connection)
        for name in names:
            fill(connection, name)
        before = {name: contents(connection, name) for name in names}
    connection.close()
    assert {"jobs", "pictures"} <= set(names)
    await migrate(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for name in names:
            now = contents(connection, name)
            assert len(now) == ROWS, name
            for then, after in zip(before[name], now, strict=True):
                # What moved into the request's JSON is told by test_migrations.py.
                kept = then.keys() & after.keys() - {"request", "folded_words"}
                assert {one: after[one] for one in kept} == {one: then[one] for one in kept}
        words = connection.execute("SELECT count(*) FROM job_words").fetchone()
        assert words == (ROWS,)
    state = await examine(tmp_path)
    assert state is not None
    assert state.jobs == ROWS

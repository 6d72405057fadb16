"""The benchmark of searches, small: what it looks for is there, and every figure has a label."""

from pathlib import Path

import pytest

from benchmarks import history
from benchmarks.history import LABELS, filters, page
from benchmarks.history.world import World
from bot.db.database import Database, migrate

ROWS = 300


async def test_a_small_history_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, fewer in (("TIMES", 1), ("DEEP", 2), ("INSERTS", 3)):
        monkeypatch.setattr(history, name, fewer)
    figures = await history.measure(tmp_path, ROWS)
    assert set(figures) == set(LABELS)
    assert figures["rows"] == ROWS
    assert figures["slowest_filter"] in filters(World())
    assert all(value for value in figures.values())


async def test_the_searches_find_what_they_are_named_for(tmp_path: Path):
    await migrate(tmp_path)
    database, world = Database(tmp_path), World()
    world.fill(database.path, ROWS)
    for name in ("none", "word, very common", "checkpoint", "status", "flagged", "part of a word"):
        assert await page(database, filters(world)[name][0], None), name
    for name in ("word, nobody's", "checkpoint, nobody's", "status, nobody's", "date, nobody's"):
        assert not await page(database, filters(world)[name][0], None), name
    await database.close()

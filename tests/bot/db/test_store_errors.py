"""What SQLite and the disk report, as errors of the store."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from bot.db import files
from bot.db.database import Database
from bot.db.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFailing,
    StoreFull,
    StoreReadOnly,
)
from bot.ui import errors
from tests.bot.rows import execute


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        (sqlite3.SQLITE_FULL, StoreFull, "My disk is full"),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreFailing, "My disk is not working"),
        (sqlite3.SQLITE_IOERR_READ, StoreFailing, "My disk is not working"),
        (sqlite3.SQLITE_CANTOPEN, StoreFailing, "My disk is not working"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, StoreReadOnly, "not allowed to write"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreBusy, "please try again"),
        (sqlite3.SQLITE_LOCKED, StoreBusy, "please try again"),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreDamaged, "has to be restored"),
        (sqlite3.SQLITE_NOTADB, StoreDamaged, "has to be restored"),
    ],
)
async def test_what_sqlite_reports_is_an_error_of_the_store(
    database: Database, code: int, kind: type[StoreError], line: str
):
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code

    def work(_: object) -> None:
        raise error

    for run in (database.read, database.write):
        with pytest.raises(kind) as raised:
            await run(work)
        assert line in errors.explain(raised.value)


async def test_a_mistake_of_ours_stays_one(database: Database):
    with pytest.raises(Exception, match="no such table") as raised:
        await execute(database, "SELECT * FROM nowhere")
    assert not isinstance(raised.value, StoreError)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EACCES, StoreReadOnly),
        (errno.EROFS, StoreReadOnly),
        (errno.EIO, StoreFailing),
        (errno.EMFILE, StoreFailing),
    ],
)
def test_what_a_file_meets_is_an_error_of_the_store(tmp_path, monkeypatch, number, kind):
    def sync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / "below").mkdir()
    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(kind):
        files.write_whole(tmp_path / "below" / "file", b"content")
    assert list((tmp_path / "below").iterdir()) == [], "nothing is left half written"


def test_a_file_is_synced_before_its_name_and_then_its_folder(tmp_path: Path, monkeypatch):
    seen = []
    real = os.fsync

    def sync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        seen.append((path.is_dir(), path.name if path.is_dir() else path.suffix, written()))
        real(handle)

    def written() -> bool:
        return (tmp_path / "a" / "b" / "file").exists()

    monkeypatch.setattr(os, "fsync", sync)
    files.write_whole(tmp_path / "a" / "b" / "file", b"content")
    assert seen == [
        (True, tmp_path.name, False),
        (True, "a", False),
        (False, ".part", False),
        (True, "b", True),
    ]

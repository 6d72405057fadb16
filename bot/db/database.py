"""The SQLite database: reading, writing, migrations."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

import migrations
from bot.db import sqlite
from bot.db.errors import (
    StoreBusy,
    StoreClosed,
    StoreFull,
    StoreTooNew,
    StoreTooOld,
    StoreUnwritable,
)
from bot.db.faults import as_store_errors, store_error
from bot.db.patience import outlast
from bot.db.writer import Work, Writer

FILE_NAME = "darkroom.sqlite3"
TOO_NEW = (
    "was written by a newer Darkroom; update Darkroom or restore the backup made before the update"
)
OLDEST_SQLITE = (3, 35, 0)  # RETURNING; FTS5's trigram tokenizer needs 3.34
TOO_OLD = (
    "SQLite {found} is too old: Darkroom needs {needed} or newer. It comes with Python: install a "
    "newer one (from python.org, or with `uv python install 3.12`) and Darkroom into that"
)
READERS = 3  # threads, each with a connection; more would only contend for the interpreter's lock
PASSING = (StoreBusy, StoreFull)  # waited out during startup; everything else is shown to the owner

MERGED_PAGES = 500  # of the word index per merge: about 0.15 s
OTHERS_TURN_S = 0.1  # how often SQLite checks whether a writer may begin
MERGE = "INSERT INTO job_words (job_words, rank) VALUES ('merge', ?)"
HAS_REVISION = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
CHANGES = "SELECT total_changes()"

T = TypeVar("T")


def _nobody_listens(_: Any) -> None:  # noqa: ANN401
    """Do nothing."""


class Database:
    """Runs short transactions in threads: one that writes, and a few that read.

    Work is a function of a connection, and may run again: for callers who are patient until the
    disk accepts it. A failing disk may have written it all the same, so it must be idempotent.
    Sentences are made outside of it, as the person's language is not known in a thread.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._reading = sqlite.open_engine(self.path, sqlite.READ, connections=READERS)
        self._writing = sqlite.open_engine(self.path, sqlite.WRITE, connections=1)
        self._writer = Writer(self._writing)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._rewritten: list[Callable[[], None]] = []
        self._closed = False

    def on_rewrite(self, listener: Callable[[], None]) -> None:
        """Register who keeps rows in memory: to forget them when others change them."""
        self._rewritten.append(listener)

    def rewritten(self, _: object = None) -> None:
        """Tell that rows were changed past the store that keeps them in memory."""
        for listener in self._rewritten:
            listener()

    async def write(self, work: Work[T], committed: Callable[[T], None] = _nobody_listens) -> T:
        """Run ``work`` in a transaction; return its result once that is on disk.

        It shares its commit with others that arrive at the same time, but does not fail with them.
        ``committed`` gets the result before anybody else, in the order of commits, even if the
        caller is cancelled: it is where memory follows the disk. Raises what the work raises, or
        StoreError.
        """
        return await outlast(lambda: self._write(work, committed))

    async def _write(self, work: Work[T], committed: Callable[[T], None]) -> T:
        return await self._writer.write(work, committed)

    async def read(self, work: Work[T]) -> T:
        """Read one consistent state with ``work``, alongside any writer; raises StoreError."""
        return await outlast(lambda: self._read(work))

    async def _read(self, work: Work[T]) -> T:
        if self._closed:
            raise StoreClosed("the database is closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read_now, work)

    def _read_now(self, work: Work[T]) -> T:
        with as_store_errors(), self._reading.begin() as connection:
            return work(connection)

    async def prove_writable(self) -> None:
        """Write and commit, without changing anything; raises StoreError."""
        await self.write(_rewrite)

    async def scrub(self) -> None:
        """Make data removed from rows unrecoverable from the files.

        In the word index, FTS5 only marks removals until its segments are merged into one. That is
        done a few pages at a time, so that others can write in between. What remains is in the
        write-ahead log, which is emptied once nobody reads an older state.
        """
        # A negative number starts merging everything; positive ones continue it.
        pages = -MERGED_PAGES
        while await self.write(partial(_merge, pages=pages)):
            pages = MERGED_PAGES
            await asyncio.sleep(OTHERS_TURN_S)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._readers, self._empty_log)

    def _empty_log(self) -> None:
        with as_store_errors(), self._reading.connect() as connection:
            outside = connection.execution_options(begin=sqlite.NONE)  # of any transaction
            outside.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Close every connection once transactions have ended; idempotent."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._readers.shutdown()
        self._reading.dispose()
        self._writing.dispose()


def _rewrite(connection: Connection) -> None:
    """Write a number of the file's header, which SQLite leaves to us, as it is (0: unused)."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    connection.exec_driver_sql(f"PRAGMA user_version={int(version)}")


def _merge(connection: Connection, pages: int) -> bool:
    """Merge this many pages of the word index; return whether there may be more."""
    before = connection.exec_driver_sql(CHANGES).scalar_one()
    connection.exec_driver_sql(MERGE, (pages,))
    # FTS5's manual: fewer than two changes mean that there was nothing to merge.
    return bool(connection.exec_driver_sql(CHANGES).scalar_one() - before > 1)


async def migrate(folder: Path) -> None:
    """Create the folder and migrate its database to this version.

    Raises StoreTooOld; or StoreBusy, StoreFull, StoreUnwritable or StoreTooNew, which name the
    path.
    """
    check_sqlite()
    _check_writable(folder)
    try:
        await asyncio.to_thread(_upgrade, folder)
    except (DatabaseError, sqlite3.DatabaseError) as error:
        passing = store_error(error)
        kind = type(passing) if isinstance(passing, PASSING) else StoreUnwritable
        raise kind(f"{folder / FILE_NAME}: {getattr(error, 'orig', error)}") from error


def _upgrade(folder: Path) -> None:
    path, known = folder / FILE_NAME, migrations.revisions()
    found = _revision(path) if path.exists() else None
    if found == known[-1]:
        return
    if found is not None and found not in known:
        raise StoreTooNew(f"{path} {TOO_NEW}")
    from migrations.upgrading import upgrade

    upgrade(path)


def _revision(path: Path) -> str | None:
    """Return the revision of a database that can be written; None if it has no tables yet."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute(HAS_REVISION).fetchone():
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


def check_sqlite() -> None:
    """Raise StoreTooOld if Python's SQLite lacks features that our statements use."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE[:2]))
        raise StoreTooOld(TOO_OLD.format(found=sqlite3.sqlite_version, needed=needed))


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        kind = StoreFull if isinstance(store_error(error), StoreFull) else StoreUnwritable
        raise kind(
            f"STORE__FOLDER: {folder} must be a folder that can be written ({error.strerror})"
        ) from error

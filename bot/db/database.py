"""The SQLite database: connections, the two kinds of transaction, migrations."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, ExceptionContext, StaticPool, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

import migrations
from bot.db import driver
from bot.db.driver import BUSY_TIMEOUT_MS
from bot.db.errors import (
    StoreBusy,
    StoreClosed,
    StoreFull,
    StoreTooNew,
    StoreTooOld,
    StoreUnavailable,
    StoreUnwritable,
)
from bot.db.faults import as_store_errors, code_of, store_error
from bot.db.patience import outlast

FILE_NAME = "darkroom.sqlite3"
TOO_NEW = (
    "was written by a newer Darkroom; update Darkroom or restore the backup made before the update"
)
OLDEST_SQLITE = (3, 35, 0)  # RETURNING; FTS5's trigram tokenizer needs 3.34
TOO_OLD = (
    "SQLite {found} is too old: Darkroom needs {needed} or newer. It comes with Python: install a "
    "newer one (from python.org, or with `uv python install 3.12`) and Darkroom into that"
)
LEAST_MS = 100  # minimum time to wait for other processes after waiting for our own turn
CONNECTIONS = 8  # each has a thread; when all are busy, callers wait
# After these errors a connection is unusable.
REOPENED = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}
PASSING = (StoreBusy, StoreFull)  # waited out during startup; everything else is shown to the owner

MERGED_PAGES = 500  # of the word index per merge: about 0.15 s
OTHERS_TURN_S = 0.1  # how often SQLite checks whether a writer may begin
MERGE = "INSERT INTO job_words (job_words, rank) VALUES ('merge', ?)"
CHANGES = "SELECT total_changes()"

T = TypeVar("T")
Work = Callable[[Session], T]
Waiting = tuple[Work[Any], asyncio.Future[Any]]


class Database:
    """Provides short transactions; no session outlives its ``async with``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        # Statements contain tokens and prompts: neither belongs in an error's text.
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{self.path}",
            async_creator=partial(driver.Connection, self.path),
            hide_parameters=True,
            # Overflow connections would come and go with every burst, and opening one is slow.
            pool_size=CONNECTIONS,
            max_overflow=0,
        )
        event.listen(engine.sync_engine, "begin", _on_begin)
        event.listen(engine.sync_engine, "handle_error", _on_error)
        self._engine = engine
        self._write = async_sessionmaker(engine, expire_on_commit=False)
        self._read = async_sessionmaker(engine.execution_options(begin=driver.READ))
        # SQLite has a single writer, and makes others poll; here they queue.
        self._turn = asyncio.Lock()
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()
        # Work written together takes one trip to a thread: a busy event loop would return late to
        # each statement.
        self._writer = create_engine(
            "sqlite://",
            creator=partial(driver.open_file, self.path),
            poolclass=StaticPool,
            hide_parameters=True,
        )
        event.listen(self._writer, "begin", self._on_writer_begin)
        event.listen(self._writer, "handle_error", _on_error)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._together: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._left_ms = BUSY_TIMEOUT_MS
        self._closed = False

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Begin immediately as the single writer, commit at the end; raises StoreError."""
        async with self._use(), self._the_one_writer(), self._write.begin() as session:
            yield session

    async def write_together(self, work: Work[T]) -> T:
        """Run ``work`` in one transaction with other callers' work while the disk is busy.

        Return its result once that is on disk. It runs in a thread and may run again: if another
        caller's work fails, each is redone separately, and if the caller is patient, until the disk
        accepts it. A failing disk may have written it all the same, so it must be idempotent.
        Raises what it raises, or StoreError.
        """
        return await outlast(partial(self._write_soon, work))

    async def _write_soon(self, work: Work[T]) -> T:
        if self._closed:
            raise StoreClosed("the database is closed")
        done = asyncio.get_running_loop().create_future()
        self._together.append((work, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="writes")
        result: T = await done
        return result

    async def _write_all(self) -> None:
        while self._together:
            batch, self._together = self._together, []
            if not await self._write_batch(batch):
                for one in batch:
                    await self._write_batch([one])

    async def _write_batch(self, batch: Sequence[Waiting]) -> bool:
        """Write all of the batch and report results; False if any of the work failed."""
        try:
            async with self._the_one_writer() as left_ms:
                self._left_ms = left_ms
                loop = asyncio.get_running_loop()
                works = [work for work, _ in batch]
                results = await loop.run_in_executor(self._thread, self._write_now, works)
        except Exception as error:  # noqa: BLE001 - it is theirs who brought the work
            if len(batch) > 1 and not isinstance(error, StoreUnavailable):
                return False
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
        else:
            for (_, done), result in zip(batch, results, strict=True):
                if not done.done():  # done if the caller was cancelled
                    done.set_result(result)
        return True

    def _write_now(self, works: Sequence[Work[Any]]) -> list[Any]:
        with sessionmaker(self._writer, expire_on_commit=False).begin() as session:
            return [work(session) for work in works]

    def _on_writer_begin(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={self._left_ms}")
        connection.exec_driver_sql(driver.WRITE)

    @asynccontextmanager
    async def _the_one_writer(self) -> AsyncIterator[int]:
        """Wait for the write turn; return how many ms are left in which to begin.

        Raises StoreBusy if that takes too long, or StoreError.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(BUSY_TIMEOUT_MS / 1000):
                await self._turn.acquire()
        except TimeoutError as error:
            raise StoreBusy("other writers take too long; nothing was written") from error
        try:
            with as_store_errors():
                waited_ms = round(1000 * (clock() - began))
                yield max(LEAST_MS, BUSY_TIMEOUT_MS - waited_ms)
        finally:
            self._turn.release()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Read one consistent state alongside any writer; raises StoreError."""
        with as_store_errors():
            async with self._use(), self._read.begin() as session:
                yield session

    async def fetch(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Read with ``work``, retrying if the caller is patient; raises StoreError."""

        async def once() -> T:
            async with self.read() as session:
                return await work(session)

        return await outlast(once)

    @asynccontextmanager
    async def _use(self) -> AsyncIterator[None]:
        """Count a transaction, waiting ones too: connections in use cannot be closed."""
        self._users += 1
        self._unused.clear()
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                self._unused.set()

    async def scrub(self) -> None:
        """Make data removed from rows unrecoverable from the files.

        In the word index, FTS5 only marks removals until its segments are merged into one. That is
        done a few pages at a time, so that others can write in between. What remains is in the
        write-ahead log, which is emptied once nobody reads an older state.
        """
        # A negative number starts merging everything; positive ones continue it.
        pages, merged = -MERGED_PAGES, True
        while merged:
            async with self.write() as session:
                connection = await session.connection()
                before = (await connection.exec_driver_sql(CHANGES)).scalar_one()
                await connection.exec_driver_sql(MERGE, (pages,))
                # FTS5's manual: fewer than two changes mean that there was nothing to merge.
                after = (await connection.exec_driver_sql(CHANGES)).scalar_one()
            pages, merged = MERGED_PAGES, after - before > 1
            if merged:
                await asyncio.sleep(OTHERS_TURN_S)
        with as_store_errors():
            async with self._engine.connect() as connection:
                await connection.exec_driver_sql("COMMIT")
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Close every connection once transactions have ended; idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._writing is not None:
            await asyncio.wait([self._writing])
        await self._unused.wait()
        await self._engine.dispose()
        # SQLite connections are closed by the thread that opened them.
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.dispose)
        self._thread.shutdown()


def _on_begin(connection: Connection) -> None:
    # A read-then-write in a deferred transaction fails at once whatever the timeout, so writers
    # take their lock first.
    driven: Any = connection.connection.driver_connection
    driven.begin(connection.get_execution_options().get("begin", driver.WRITE))


def _on_error(context: ExceptionContext) -> None:
    # The next connection opens the file anew: one opened read-only stays so, and a restored file is
    # a different one.
    if code_of(context.original_exception) in REOPENED:
        context.is_disconnect = True


def alembic_config(folder: Path) -> Config:
    """Return Alembic's settings for the database in ``folder``."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["database"] = folder / FILE_NAME
    return config


async def migrate(folder: Path) -> None:
    """Create the folder and migrate its database to this version.

    Raises StoreTooOld; or StoreBusy, StoreFull, StoreUnwritable or StoreTooNew, which name the
    path.
    """
    check_sqlite()
    _check_writable(folder)
    try:
        await asyncio.to_thread(command.upgrade, alembic_config(folder), "head")
    except CommandError as error:
        if "Can't locate revision" in str(error):
            raise StoreTooNew(f"{folder / FILE_NAME} {TOO_NEW}") from error
        raise
    except (DatabaseError, sqlite3.DatabaseError) as error:
        passing = store_error(error)
        kind = type(passing) if isinstance(passing, PASSING) else StoreUnwritable
        raise kind(f"{folder / FILE_NAME}: {getattr(error, 'orig', error)}") from error


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

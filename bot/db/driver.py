"""SQLite in a thread of its own, which every statement goes to once.

aiosqlite goes there and back for the start of a transaction, a cursor, a statement, its rows and
the cursor's end, and under a burst each of these waits for the interpreter's lock. Here a
transaction begins with its first statement, and a statement brings all of its rows along.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiosqlite

# Discord wants a first answer within 3 s, so a writer that is held longer gives up well before.
BUSY_TIMEOUT_MS = 1500

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # what was answered is on the disk, whatever happens to the power
    "foreign_keys=ON",
    "secure_delete=ON",  # what was erased is overwritten in the file
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)
READ, WRITE = "BEGIN DEFERRED", "BEGIN IMMEDIATE"


class Connection(aiosqlite.Connection):
    """What SQLAlchemy's dialect for aiosqlite talks to; awaiting it opens the file.

    Nothing but `begin` opens a transaction.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(partial(open_file, path), iter_chunk_size=1)
        self._thread.daemon = True
        self._begin: str | None = None  # what is still to be said before the next statement
        self._transaction: str | None = None

    def begin(self, kind: str) -> None:
        """Begin a transaction, READ or WRITE, with the next statement."""
        self._begin = kind

    def cursor(self) -> "Cursor":  # type: ignore[override]
        """Return what runs one statement."""
        return Cursor(self)

    async def run(self, statement: Callable[[sqlite3.Cursor], sqlite3.Cursor]) -> "Outcome":
        """Run a statement in the thread, at the start of its transaction where it is the first."""
        begin, self._begin = self._begin, None
        self._transaction = begin or self._transaction
        outcome: Outcome = await self._execute(_run, self._conn, begin, statement)  # type: ignore[no-untyped-call]
        return outcome

    async def commit(self) -> None:
        """Make what was written last; nobody has to wait for the end of what only read."""
        if self._transaction == READ:
            self._tx.put_nowait((None, self._conn.commit))
        elif self._transaction == WRITE:
            await super().commit()
        self._begin = self._transaction = None

    async def rollback(self) -> None:
        """Leave everything as it was, where anything was begun."""
        if self._transaction is not None:
            await super().rollback()
        self._begin = self._transaction = None


class Outcome:
    """What a statement led to."""

    __slots__ = ("description", "lastrowid", "rowcount", "rows")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.rows: Sequence[Any] = cursor.fetchall()
        self.description: Any = cursor.description
        self.lastrowid, self.rowcount = cursor.lastrowid, cursor.rowcount


class Cursor:
    """One statement and its outcome, as SQLAlchemy asks aiosqlite for them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outcome: Outcome | None = None

    async def __aenter__(self) -> Self:
        """Return itself: there is nothing to open."""
        return self

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Return ``description``, ``lastrowid`` or ``rowcount`` of the outcome."""
        return getattr(self._outcome, name, None)

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Run the statement and fetch its rows."""
        self._outcome = await self._connection.run(lambda one: one.execute(sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Run the statement once with each of the parameters."""
        self._outcome = await self._connection.run(lambda one: one.executemany(sql, parameters))
        return self

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows."""
        return () if self._outcome is None else self._outcome.rows

    async def close(self) -> None:
        """Do nothing: the thread closed its cursor when it had the rows."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the database for the thread that asks; nothing begins a transaction by itself."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _run(
    connection: sqlite3.Connection,
    begin: str | None,
    statement: Callable[[sqlite3.Cursor], sqlite3.Cursor],
) -> Outcome:
    if begin is not None:
        connection.execute(begin)
    return Outcome(statement(connection.cursor()))

"""SQLite in a thread of its own, with one round trip per statement.

aiosqlite makes separate round trips for the start of a transaction, the cursor, the statement, its
rows and closing the cursor, and in a burst each of these waits for the GIL. Here a transaction
begins together with its first statement, and a statement returns with all of its rows.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiosqlite

# Discord requires a first reply within 3 s, so a blocked writer gives up well before.
BUSY_TIMEOUT_MS = 1500

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # what was acknowledged is on disk, even after a power failure
    "foreign_keys=ON",
    "secure_delete=ON",  # erased data is overwritten in the file
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)
READ, WRITE = "BEGIN DEFERRED", "BEGIN IMMEDIATE"


class Connection(aiosqlite.Connection):
    """The connection for SQLAlchemy's aiosqlite dialect; awaiting it opens the file.

    Only `begin` starts a transaction.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(partial(open_file, path), iter_chunk_size=1)
        self._thread.daemon = True
        self._begin: str | None = None  # sent before the next statement
        self._transaction: str | None = None

    def begin(self, kind: str) -> None:
        """Begin a transaction, READ or WRITE, together with the next statement."""
        self._begin = kind

    def cursor(self) -> "Cursor":  # type: ignore[override]
        """Return a cursor for one statement."""
        return Cursor(self)

    async def run(self, statement: Callable[[sqlite3.Cursor], sqlite3.Cursor]) -> "Outcome":
        """Run a statement in the thread, beginning its transaction first if necessary."""
        begin, self._begin = self._begin, None
        self._transaction = begin or self._transaction
        outcome: Outcome = await self._execute(_run, self._conn, begin, statement)  # type: ignore[no-untyped-call]
        return outcome

    async def commit(self) -> None:
        """Commit; after reads only, nobody has to wait for it."""
        if self._transaction == READ:
            self._tx.put_nowait((None, self._conn.commit))
        elif self._transaction == WRITE:
            await super().commit()
        self._begin = self._transaction = None

    async def rollback(self) -> None:
        """Roll back if a transaction has begun."""
        if self._transaction is not None:
            await super().rollback()
        self._begin = self._transaction = None


class Outcome:
    """The result of a statement."""

    __slots__ = ("description", "lastrowid", "rowcount", "rows")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.rows: Sequence[Any] = cursor.fetchall()
        self.description: Any = cursor.description
        self.lastrowid, self.rowcount = cursor.lastrowid, cursor.rowcount


class Cursor:
    """One statement and its result, in the form SQLAlchemy expects of aiosqlite."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outcome: Outcome | None = None

    async def __aenter__(self) -> Self:
        """Return itself; there is nothing to open."""
        return self

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Return ``description``, ``lastrowid`` or ``rowcount`` of the result."""
        return getattr(self._outcome, name, None)

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Run the statement and fetch its rows."""
        self._outcome = await self._connection.run(lambda one: one.execute(sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Run the statement once with each set of parameters."""
        self._outcome = await self._connection.run(lambda one: one.executemany(sql, parameters))
        return self

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows."""
        return () if self._outcome is None else self._outcome.rows

    async def close(self) -> None:
        """Do nothing: the thread closed its cursor after fetching the rows."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the database for the calling thread, without implicit transactions."""
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

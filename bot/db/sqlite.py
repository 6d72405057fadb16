"""Connections to the SQLite file: Python's own driver behind SQLAlchemy's engine and pool."""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, ExceptionContext, QueuePool, create_engine, event

from bot.db.faults import code_of

# Discord requires a first reply within 3 s, so a blocked writer gives up well before.
BUSY_TIMEOUT_MS = 1500

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # what was acknowledged is on disk, even after a power failure
    "foreign_keys=ON",
    "secure_delete=ON",  # erased data is overwritten in the file
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)
# A read-then-write in a deferred transaction fails at once whatever the timeout, so the writer
# takes its lock first.
READ, WRITE, NONE = "BEGIN DEFERRED", "BEGIN IMMEDIATE", ""
# After these errors a connection is unusable.
REOPENED = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}


def open_engine(path: Path, begin: str, connections: int) -> Engine:
    """Return an engine for the database, which keeps up to this many connections open.

    Its transactions begin with ``begin``, READ or WRITE, unless a connection's execution option
    of this name says NONE. An engine with options of another would cost a tenth more each time.
    """
    engine = create_engine(
        "sqlite://",
        creator=lambda: open_file(path),
        execution_options={"begin": begin},
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_use_lifo=True,  # those used last have their statements prepared
        pool_reset_on_return=None,  # every transaction has ended by then
        # Statements contain tokens and prompts: neither belongs in an error's text.
        hide_parameters=True,
    )
    event.listen(engine, "begin", _on_begin)
    event.listen(engine, "handle_error", _on_error)
    return engine


def open_file(path: Path) -> sqlite3.Connection:
    """Open the database without implicit transactions; threads may use it one after another."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _on_begin(connection: Connection) -> None:
    if begin := connection.get_execution_options()["begin"]:
        connection.exec_driver_sql(begin)


def _on_error(context: ExceptionContext) -> None:
    # The next connection opens the file anew: one opened read-only stays so, and a restored file is
    # a different one.
    if code_of(context.original_exception) in REOPENED:
        context.is_disconnect = True

"""Errors of SQLite and the operating system as store errors: one table for each."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from bot.db.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFailing,
    StoreFull,
    StoreReadOnly,
)

# By primary result code: https://sqlite.org/rescode.html
SQLITE: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_PROTOCOL: StoreBusy,  # the write-ahead log's locks were contended for too long
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_READONLY: StoreReadOnly,
    sqlite3.SQLITE_PERM: StoreReadOnly,
    sqlite3.SQLITE_IOERR: StoreFailing,
    sqlite3.SQLITE_CANTOPEN: StoreFailing,
    sqlite3.SQLITE_NOMEM: StoreFailing,
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
}
PRIMARY = 0xFF  # the rest of a code has details in its upper bits

SYSTEM: dict[int, type[StoreError]] = {
    errno.ENOSPC: StoreFull,
    errno.EDQUOT: StoreFull,
    errno.EACCES: StoreReadOnly,
    errno.EPERM: StoreReadOnly,
    errno.EROFS: StoreReadOnly,
}  # any other file system error is StoreFailing


@contextmanager
def as_store_errors() -> Iterator[None]:
    """Convert errors of SQLite or the system into store errors, where they are any.

    Bugs of ours, such as a violated constraint, are not converted.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        known = store_error(error)
        if known is None:
            raise
        raise known from error


def store_error(error: BaseException) -> StoreError | None:
    """Return the store error for another error, if it is one."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, OSError):
        kind = SYSTEM.get(cause.errno or 0, StoreFailing)
        return kind(cause.strerror or str(cause))
    known = SQLITE.get(code_of(error))
    return None if known is None else known(str(cause))


def code_of(error: BaseException) -> int:
    """Return SQLite's primary result code; 0 if there is none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code: int = getattr(cause, "sqlite_errorcode", 0) or 0
    return code & PRIMARY

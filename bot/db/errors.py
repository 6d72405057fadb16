"""Errors of the store.

StoreError
├── StoreUnavailable   the disk does not accept it now; may pass, and is then retried
│   ├── StoreBusy      another writer held the database for too long; nothing was written
│   ├── StoreFull      the disk or the quota is full
│   ├── StoreReadOnly  writing is not permitted there
│   └── StoreFailing   the disk, or the connection to it, does not work
├── StoreDamaged       the database is corrupt; only a backup helps
├── StoreUnwritable    the data folder or the database file cannot be written
├── StoreClosed        the bot is stopping and writes nothing more
├── StoreInUse         another process uses the data folder
├── StoreTooNew        a newer Darkroom has already migrated this database
├── StoreTooOld        Python's SQLite is too old
└── BackupUnusable     a backup cannot be made, or cannot be restored
"""


class StoreError(Exception):
    """The base class; its text is one line."""


class StoreUnavailable(StoreError):
    """Something that may pass by itself, or when the owner frees space; see `patience`."""


class StoreBusy(StoreUnavailable):
    """Another writer held the database beyond the busy timeout; nothing was written."""


class StoreFull(StoreUnavailable):
    """The disk is full; nothing was written."""


class StoreReadOnly(StoreUnavailable):
    """The disk is mounted read-only, or its permissions forbid writing."""


class StoreFailing(StoreUnavailable):
    """The disk reports errors or is missing; whether anything was written is unknown."""


class StoreDamaged(StoreError):
    """The database is malformed, or the file is not a database."""


class StoreUnwritable(StoreError):
    """The data folder or the database in it cannot be written."""


class StoreClosed(StoreError):
    """The bot is stopping; patient callers give up."""


class StoreInUse(StoreError):
    """Another process uses the data folder; the text names it."""


class StoreTooNew(StoreError):
    """The database has a revision that this version does not know."""


class StoreTooOld(StoreError):
    """SQLite is older than our statements require."""


class BackupUnusable(StoreError):
    """A backup cannot be written there, or the file is not a complete backup."""

"""What can go wrong with the store.

StoreError
├── StoreUnavailable   the disk does not take it now; that may pass, and then it is tried again
│   ├── StoreBusy      another writer held the database for too long; nothing was written
│   ├── StoreFull      there is no room on the disk, or no more of the quota
│   ├── StoreReadOnly  the system lets nobody write there
│   └── StoreFailing   the disk, or the way to it, does not work
├── StoreDamaged       the database is not what was written; only a backup mends it
├── StoreUnwritable    the data folder or the database file cannot be written
├── StoreClosed        the bot stops, and writes nothing more
├── StoreInUse         another process works on the data folder
├── StoreTooNew        a newer Darkroom has already changed this database
├── StoreTooOld        the SQLite that Python brings is too old
└── BackupUnusable     a backup cannot be made, or is none that could be restored
"""


class StoreError(Exception):
    """The family; its text is one line."""


class StoreUnavailable(StoreError):
    """Something that may pass by itself, or when the owner makes room; see `patience`."""


class StoreBusy(StoreUnavailable):
    """Another writer held the database beyond the busy timeout; nothing was written."""


class StoreFull(StoreUnavailable):
    """There is no room on the disk; nothing was written."""


class StoreReadOnly(StoreUnavailable):
    """The disk is mounted read-only, or its permissions forbid to write."""


class StoreFailing(StoreUnavailable):
    """The disk reports errors, or is not there; whether something was written is not known."""


class StoreDamaged(StoreError):
    """The database is malformed, or none at all."""


class StoreUnwritable(StoreError):
    """The data folder or the database in it cannot be written."""


class StoreClosed(StoreError):
    """The bot stops; whoever is patient gives up."""


class StoreInUse(StoreError):
    """Another process works on the data folder; the text names it."""


class StoreTooNew(StoreError):
    """The database carries a revision that this version does not know."""


class StoreTooOld(StoreError):
    """SQLite is older than what Darkroom's statements need."""


class BackupUnusable(StoreError):
    """A backup cannot be written there, or what is to be restored is no whole backup."""

"""What can go wrong with the store.

StoreError
├── StoreBusy          another writer held the database for too long; nothing was written
├── StoreUnwritable    the data folder or the database file cannot be written
└── StoreTooNew        a newer Darkroom has already changed this database
"""


class StoreError(Exception):
    """The family; its text is one line."""


class StoreBusy(StoreError):
    """Another writer held the database beyond the busy timeout; nothing was written."""


class StoreUnwritable(StoreError):
    """The data folder or the database in it cannot be written."""


class StoreTooNew(StoreError):
    """The database carries a revision that this version does not know."""

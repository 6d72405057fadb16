"""Checking the integrity of stored data, read-only."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import migrations
from bot.db.database import FILE_NAME, TOO_NEW, check_sqlite
from bot.db.errors import StoreDamaged, StoreTooNew, StoreUnwritable
from bot.db.faults import store_error
from bot.db.picture_files import picture_file

SAMPLE = 1000  # pictures to check
LOCK_BYTE = 2**30  # SQLite never writes to the page that contains it
WAL_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
STALE = (
    "{wal} belongs to another database: was this one copied over it? "
    "Remove {wal} and {shm} while Darkroom is stopped, before it starts again"
)
# Files that should be in the folder, with their sizes if known; a refused picture's may be kept
# or not. Each with the columns that it needs, which earlier releases' tables lack.
NEEDED = (
    (
        "SELECT pictures.sha256, pictures.size_bytes FROM pictures JOIN jobs ON jobs.id = job_id",
        "pictures.sha256",
    ),
    ("SELECT source_sha256, NULL FROM jobs", "jobs.source_sha256"),
    (
        "SELECT job_inputs.sha256, NULL FROM job_inputs JOIN jobs ON jobs.id = job_id",
        "job_inputs.sha256",
    ),
)
CONDITIONS = {
    "jobs.deleted_at": "jobs.deleted_at IS NULL",
    "jobs.pruned_at": "jobs.pruned_at IS NULL",
}
OF_PICTURES = {"pictures.verdict": "verdict != 'refused'"}
COLUMNS = (
    "SELECT tables.name || '.' || columns.name FROM sqlite_master AS tables,"
    " pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
    " AND tables.name IN ('jobs', 'pictures', 'job_inputs')"
)


@dataclass(frozen=True, slots=True)
class StoreState:
    """What is stored; ``missing`` of the ``sampled`` pictures have no intact file."""

    path: Path
    jobs: int
    open_jobs: int
    sampled: int
    missing: int


async def examine(folder: Path) -> StoreState | None:
    """Examine a data folder without changing it; None if there is no database yet.

    Raises StoreTooOld, StoreUnwritable, StoreDamaged or StoreTooNew; each names the path.
    """
    return await asyncio.to_thread(_examine, folder)


def check_database(path: Path, mode: str = "mode=ro") -> None:
    """Raise StoreDamaged or StoreTooNew if a database is corrupt, or not for this version.

    ``mode`` is how it is opened: ``immutable=1`` for a file that nobody writes, and beside which
    nothing is to be written.
    """
    with closing(_open(path, mode)) as connection:
        _check(connection, path)


def check_revision(revision: str, path: Path) -> None:
    """Raise StoreTooNew if this version does not know a database's revision."""
    if revision not in migrations.revisions():
        raise StoreTooNew(f"{path} {TOO_NEW}")


def revision_of(path: Path) -> str:
    """Return the revision of a database that nobody writes."""
    with closing(_open(path, "immutable=1")) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(revision)


def count_jobs(path: Path) -> tuple[int, int]:
    """Return how many jobs there are, and how many open ones, in a database nobody writes."""
    with closing(_open(path, "immutable=1")) as connection:
        return _count(connection)


def _count(connection: sqlite3.Connection) -> tuple[int, int]:
    counted = "SELECT count(*), count(*) FILTER (WHERE ended_at IS NULL) FROM jobs"
    jobs, open_jobs = connection.execute(counted).fetchone()
    return jobs, open_jobs


def needed(connection: sqlite3.Connection, limit: int = -1) -> list[tuple[str, int | None]]:
    """Return the SHA-256 and size, if known, of files that should be there.

    At most ``limit`` of each kind, at random; all by default.
    """
    columns = {name for (name,) in connection.execute(COLUMNS)}
    found = []
    for select, column in NEEDED:
        if column not in columns:
            continue
        conditions = CONDITIONS | (OF_PICTURES if column.startswith("pictures") else {})
        wanted = [what for name, what in conditions.items() if name in columns]
        where = " AND ".join([f"{column} IS NOT NULL", *wanted])
        found += connection.execute(
            f"{select} WHERE {where} ORDER BY random() LIMIT ?", (limit,)
        ).fetchall()
    return found


def _examine(folder: Path) -> StoreState | None:
    check_sqlite()
    path = folder / FILE_NAME
    if not path.exists():
        return None
    if _is_stale(path):
        raise _stale(path)
    try:
        with closing(_open(path)) as connection:
            _check(connection, path)
            jobs, open_jobs = _count(connection)
            sample = needed(connection, SAMPLE)
    except StoreDamaged:
        # Another database's log would corrupt one that is intact without it.
        if _wal(path).exists() and _is_whole_alone(path):
            raise _stale(path) from None
        raise
    missing = sum(not _has(picture_file(folder, sha256), size) for sha256, size in sample)
    return StoreState(path, jobs, open_jobs, len(sample), missing)


def _open(path: Path, mode: str = "mode=ro") -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    try:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        # Another database's log may fit except for the indexes, which takes a longer check.
        check = "integrity_check" if _wal(path).exists() else "quick_check"
        (found,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
    except sqlite3.Error as error:
        kind = StoreDamaged if isinstance(store_error(error), StoreDamaged) else StoreUnwritable
        raise kind(f"{path}: {error}") from error
    if found != "ok":
        raise StoreDamaged(f"{path} is damaged: {' '.join(found.split())}")
    if zeroed := next(_zeroed(path), None):
        raise StoreDamaged(f"{path} is damaged: page {zeroed} was overwritten with zeros")
    check_revision(revision, path)


def _zeroed(path: Path) -> Iterator[int]:
    """Yield pages in use that are all zeros, which `quick_check` may overlook.

    Free pages are zeroed on purpose (`secure_delete`), and those in the log are newer.
    """
    with path.open("rb") as file:
        size = _page_size(file)
        blank = bytes(size)
        count = path.stat().st_size // size
        skipped = _free(file, size) | set(_frames(path, size)) | {LOCK_BYTE // size + 1}
        file.seek(0)
        for number in range(1, count + 1):
            if file.read(size) == blank and number not in skipped:
                yield number


def _free(file: BinaryIO, size: int) -> set[int]:
    """Return the pages on the free list (https://sqlite.org/fileformat2.html, "The Freelist")."""
    file.seek(32)
    trunk, free = _number(file.read(4)), set[int]()
    while trunk and trunk not in free:
        free.add(trunk)
        file.seek((trunk - 1) * size)
        page = file.read(size)
        trunk, length = _number(page[:4]), min(_number(page[4:8]), size // 4 - 2)
        free |= {_number(page[8 + 4 * one : 12 + 4 * one]) for one in range(length)}
    return free


def _is_stale(path: Path) -> bool:
    """Tell whether the write-ahead log belongs to a different database.

    The first page has a change counter: the log's own database is not behind its first frames, nor
    before its last. After the last frame only a checkpoint writes to it, and what that copies is in
    both.
    """
    log = _wal(path)
    if not log.exists() or log.stat().st_size <= WAL_HEADER_BYTES:
        return False
    with path.open("rb") as file, log.open("rb") as wal:
        size = _page_size(file)
        wal.seek(8)
        if _number(wal.read(4)) != size:
            return True
        frames = list(_frames_in(wal, size))
        counted = [_changes(wal, offset) for page, offset in frames if page == 1]
        if counted and not min(counted) - 1 <= _changes(file, 0) <= max(counted):
            return True
        if not frames or path.stat().st_mtime_ns <= log.stat().st_mtime_ns:
            return False
        for page, offset in frames:
            file.seek((page - 1) * size)
            wal.seek(offset)
            if file.read(size) == wal.read(size):
                return False
    return True


def _changes(file: BinaryIO, page_at: int) -> int:
    file.seek(page_at + 24)
    return _number(file.read(4))


def _frames(path: Path, size: int) -> Iterator[int]:
    """Yield the pages in the write-ahead log."""
    if _wal(path).exists():
        with _wal(path).open("rb") as wal:
            yield from (page for page, _ in _frames_in(wal, size))


def _frames_in(wal: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Yield each frame's page and content offset, for the log's latest generation."""
    wal.seek(16)
    salt, start = wal.read(8), WAL_HEADER_BYTES
    while True:
        wal.seek(start)
        header = wal.read(FRAME_HEADER_BYTES)
        if len(header) < FRAME_HEADER_BYTES or header[8:16] != salt:
            return
        yield _number(header[:4]), start + FRAME_HEADER_BYTES
        start += FRAME_HEADER_BYTES + size


def _page_size(file: BinaryIO) -> int:
    file.seek(16)
    size = int.from_bytes(file.read(2), "big")
    return 65536 if size == 1 else max(size, 512)


def _is_whole_alone(path: Path) -> bool:
    try:
        with closing(_open(path, "immutable=1")) as connection:
            found: tuple[str] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error:
        return False
    return found == ("ok",)


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _stale(path: Path) -> StoreDamaged:
    return StoreDamaged(STALE.format(wal=_wal(path), shm=f"{path.name}-shm"))


def _number(four: bytes) -> int:
    return int.from_bytes(four, "big")


def _has(file: Path, size: int | None) -> bool:
    try:
        found = file.stat().st_size
    except OSError:
        return False
    return found == size or (size is None and found > 0)

"""What doctor sees in a data folder, and what it must not take for damage."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.jobs.job_store import JobStore
from bot.core.pictures.picture_store import PictureStore
from bot.db.database import FILE_NAME, Database
from bot.db.errors import StoreDamaged
from bot.db.examination import examine
from bot.db.records import Kind, NewJob, Verdict
from generation.request import GenerationRequest, Picture
from tests.bot.db.test_database import origin, record, request
from tests.fakes import png


async def fill(folder: Path, count: int = 30) -> Path:
    """Record jobs, some with prompts longer than a page, and leave everything in one file."""
    database = Database(folder)
    jobs, pictures = JobStore(database), PictureStore(database, folder)
    for number in range(1, count):
        job = await record(jobs, number)
        await pictures.save(job_id=job.id, index=0, seed=number, png=png(number))
        await jobs.drawn(job.id, 0, cut="words " * 40, flags=["why " * 3000])
    await database.close()
    return folder / FILE_NAME


def pages(path: Path) -> int:
    return path.stat().st_size // 4096


def free_pages(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return free


@pytest.fixture
async def whole(migrated: Path, tmp_path: Path) -> Path:
    shutil.copyfile(migrated / FILE_NAME, tmp_path / FILE_NAME)
    path = await fill(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    return path


async def test_what_is_whole_is_whole(whole: Path):
    state = await examine(whole.parent)
    assert state is not None
    assert (state.jobs, state.open_jobs, state.sampled, state.missing) == (29, 29, 29, 0)


async def test_every_zeroed_page_is_seen(whole: Path, tmp_path: Path):
    assert free_pages(whole) == 0
    content = whole.read_bytes()
    unseen = []
    for page in range(pages(whole)):
        whole.write_bytes(content[: page * 4096] + bytes(4096) + content[(page + 1) * 4096 :])
        try:
            await examine(whole.parent)
        except StoreDamaged:
            pass
        else:
            unseen.append(page + 1)
    assert unseen == []


async def test_free_pages_are_zeroed_on_purpose(whole: Path):
    with closing(sqlite3.connect(whole, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("UPDATE jobs SET flagged = NULL")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert free_pages(whole) > 20
    assert await examine(whole.parent)


async def test_what_a_kill_leaves_is_whole(whole: Path, tmp_path_factory):
    """A log that is not copied into the database yet, as a process that is killed leaves it."""
    killed = tmp_path_factory.mktemp("killed")
    with closing(sqlite3.connect(whole, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("UPDATE jobs SET flagged = NULL WHERE id < 20")
        connection.execute("UPDATE jobs SET cut = flagged WHERE id >= 20")
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            shutil.copy2(whole.parent / name, killed / name)
    state = await examine(killed)
    assert state is not None
    assert state.jobs == 29


async def test_a_log_that_was_copied_in_is_not_stale(whole: Path, tmp_path_factory):
    killed = tmp_path_factory.mktemp("killed")
    with closing(sqlite3.connect(whole, isolation_level=None)) as connection:
        connection.execute("UPDATE jobs SET cut = 'x'")
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            shutil.copy2(whole.parent / name, killed / name)
    os.utime(killed / FILE_NAME)
    assert await examine(killed)


@pytest.mark.parametrize("keeps_times", [False, True])
async def test_a_log_of_a_replaced_database_is_seen(
    whole: Path, tmp_path_factory, keeps_times: bool
):
    """The owner copies a backup over the database, and leaves what lies beside it."""
    place = tmp_path_factory.mktemp("restored")
    backup = place / "backup.sqlite3"
    shutil.copy2(whole, backup)
    with closing(sqlite3.connect(whole, isolation_level=None)) as connection:
        connection.execute("UPDATE jobs SET flagged = NULL WHERE id % 2")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("UPDATE jobs SET cut = 'later' WHERE id > 3")
        shutil.copy2(f"{whole}-wal", place / f"{FILE_NAME}-wal")
    copy = shutil.copy2 if keeps_times else shutil.copyfile
    copy(backup, place / FILE_NAME)
    with pytest.raises(StoreDamaged, match=r"-wal belongs to another database.*Remove"):
        await examine(place)
    (place / f"{FILE_NAME}-wal").unlink()
    assert await examine(place)


async def test_a_log_that_would_take_a_restore_back_is_seen(whole: Path, tmp_path_factory):
    """It fits the backup, which was made at its beginning."""
    place = tmp_path_factory.mktemp("restored")
    with closing(sqlite3.connect(whole, isolation_level=None)) as connection:
        shutil.copyfile(whole, place / "backup.sqlite3")
        # So much shorter that no page of "why why" looks as before: the log could be copied in.
        connection.execute("UPDATE jobs SET cut = 'much later'")
        shutil.copy2(f"{whole}-wal", place / f"{FILE_NAME}-wal")
    shutil.copyfile(place / "backup.sqlite3", place / FILE_NAME)
    with pytest.raises(StoreDamaged, match="belongs to another database"):
        await examine(place)


async def test_missing_and_short_pictures_are_counted(whole: Path):
    files = sorted((whole.parent / "pictures").glob("*/*.png"))
    files[0].unlink()
    files[1].write_bytes(b"")
    state = await examine(whole.parent)
    assert state is not None
    assert (state.sampled, state.missing) == (29, 2)


async def test_pictures_that_were_removed_are_not_missing(whole: Path, tmp_path: Path):
    database = Database(tmp_path)
    jobs, pictures = JobStore(database), PictureStore(database, tmp_path)
    await jobs.deleted(1)
    assert await pictures.remove(1) == 1
    new_job = NewJob(kind=Kind.IMAGINE, request=request())
    job = await jobs.record(new_job, origin(1000), fair_start=0)
    drawn = Picture(0, 1, png(500), 1.0)
    dropped = await pictures.save_file(job.id, drawn, Verdict.REFUSED, keep=False)
    await jobs.drawn(job.id, 0, [dropped])
    await database.close()
    state = await examine(tmp_path)
    assert state is not None
    assert (state.sampled, state.missing) == (28, 0)
    assert isinstance(job.request, GenerationRequest)


async def test_what_is_no_database_is_said(whole: Path):
    whole.write_bytes(b"not a database, but long enough to be read as one" * 50)
    with pytest.raises(StoreDamaged, match="not a database"):
        await examine(whole.parent)

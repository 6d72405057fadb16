"""Backups that are made while others write, and what is put back."""

import asyncio
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.jobs.job_store import JobStore
from bot.core.pictures.picture_store import PictureStore
from bot.db import backup, occupancy
from bot.db.backup import back_up, restore
from bot.db.database import FILE_NAME, OLDEST_SQLITE, Database, migrate
from bot.db.errors import (
    BackupUnusable,
    StoreDamaged,
    StoreInUse,
    StoreTooNew,
    StoreTooOld,
    StoreUnwritable,
)
from bot.db.examination import examine
from bot.db.occupancy import occupied
from bot.features.imagine.upload_store import UploadStore
from tests.bot.db.test_database import record
from tests.fakes import png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder; the database fixture's."""
    return tmp_path


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


async def fill(database: Database, folder: Path, first: int = 1, count: int = 3) -> None:
    jobs, pictures = JobStore(database), PictureStore(database, folder)
    for number in range(first, first + count):
        job = await record(jobs, number)
        await pictures.save(job_id=job.id, index=0, seed=number, png=png(number))


def ids(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        return [one for (one,) in connection.execute("SELECT id FROM jobs ORDER BY id")]


async def test_what_is_backed_up_comes_back(database: Database, folder: Path, elsewhere: Path):
    await fill(database, folder)
    source = await PictureStore(database, folder).save_source(png(99))
    sha256 = await UploadStore(folder).save(5, b"picked")
    file = elsewhere / "backup.tar"
    assert await asyncio.to_thread(back_up, folder, file) == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0, "people's words are for nobody else"
    assert list(elsewhere.iterdir()) == [file]
    await fill(database, folder, first=4)  # what came later is in the log of another database
    assert (folder / f"{FILE_NAME}-wal").exists()
    await database.close()
    (folder / f"{FILE_NAME}-wal").write_bytes(b"of another one")

    replaced = restore(folder, file)
    assert ids(folder) == [1, 2, 3]
    assert replaced is not None
    assert (replaced / f"{FILE_NAME}-wal").read_bytes() == b"of another one"
    assert (replaced / FILE_NAME).exists()
    assert not (folder / f"{FILE_NAME}-wal").exists()
    assert not (folder / occupancy.RESTORING).exists()
    state = await examine(folder)
    assert state is not None
    assert (state.jobs, state.sampled, state.missing) == (3, 3, 0)
    restored = Database(folder)
    pictures = PictureStore(restored, folder)
    (picture,) = await pictures.of_job(2)
    assert await pictures.read(picture) == png(2)
    assert await pictures.read_thumbnail(picture)
    assert await pictures.read_source(source) is None, "no row names it"
    assert await UploadStore(folder).read(5, sha256) == b"picked"
    await restored.close()


async def test_a_backup_beside_writers_is_one_state(
    database: Database, folder: Path, elsewhere: Path
):
    await fill(database, folder)
    writing = asyncio.create_task(fill(database, folder, first=4, count=40))
    for number in range(3):
        await asyncio.to_thread(back_up, folder, elsewhere / f"{number}.tar")
    await writing
    for number in range(3):
        target = elsewhere / str(number)
        assert restore(target, elsewhere / f"{number}.tar") is None
        state = await examine(target)
        assert state is not None
        assert state.jobs >= 3
        assert state.missing == 0, "whatever a row names is there"


async def test_nothing_is_overwritten(database: Database, folder: Path, elsewhere: Path):
    file = elsewhere / "backup.tar"
    file.write_bytes(b"an older one")
    with pytest.raises(BackupUnusable, match="there already"):
        back_up(folder, file)
    assert file.read_bytes() == b"an older one"
    with pytest.raises(BackupUnusable, match="nothing to back up"):
        back_up(elsewhere, elsewhere / "new.tar")


async def test_a_restore_over_a_running_bot_is_refused(
    database: Database, folder: Path, elsewhere: Path
):
    await fill(database, folder)
    back_up(folder, elsewhere / "backup.tar")
    with (
        occupied(folder),
        pytest.raises(StoreInUse, match=f"by another Darkroom, process {os.getpid()};"),
    ):
        restore(folder, elsewhere / "backup.tar")
    assert ids(folder) == [1, 2, 3]
    restore(folder, elsewhere / "backup.tar")


def tar(path: Path, **members: bytes) -> Path:
    with tarfile.open(path, "w") as out:
        for name, content in members.items():
            (path.parent / "member").write_bytes(content)
            out.add(path.parent / "member", name)
    return path


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"../darkroom.sqlite3": b"x"}, "is in no backup"),
        ({"/etc/passwd": b"x"}, "is in no backup"),
        ({"pictures/../../x.png": b"x"}, "is in no backup"),
        ({"uploads/1/a": b"x"}, "is in no backup"),
        ({}, "there is no darkroom.sqlite3"),
        ({f"pictures/aa/{'a' * 64}.png": b"x"}, "is damaged in the backup"),
    ],
)
async def test_what_is_no_backup_changes_nothing(
    database: Database, folder: Path, elsewhere: Path, members: dict[str, bytes], said: str
):
    await fill(database, folder)
    with pytest.raises(BackupUnusable, match=said):
        restore(folder, tar(elsewhere / "bad.tar", **members))
    assert ids(folder) == [1, 2, 3]
    assert not list(folder.glob("replaced-*"))
    assert not list(folder.glob(".unpacking-*"))


async def test_a_damaged_or_newer_database_is_not_put_back(
    database: Database, folder: Path, elsewhere: Path
):
    await fill(database, folder)
    file = elsewhere / "backup.tar"
    back_up(folder, file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupUnusable, match="no whole backup"):
        restore(folder, file)
    start = whole.index(b"SQLite format 3")
    file.write_bytes(whole[: start + 8192] + bytes(8192) + whole[start + 16384 :])
    with pytest.raises(StoreDamaged):
        restore(folder, file)
    copy = elsewhere / FILE_NAME
    with closing(sqlite3.connect(copy)) as connection:
        with closing(sqlite3.connect(folder / FILE_NAME)) as ours:
            ours.backup(connection)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreTooNew):
        restore(folder, tar(elsewhere / "newer.tar", **{FILE_NAME: copy.read_bytes()}))
    assert ids(folder) == [1, 2, 3]


async def test_an_interrupted_restore_is_done_anew_before_anything_starts(
    database: Database, folder: Path, elsewhere: Path, monkeypatch
):
    await fill(database, folder)
    back_up(folder, elsewhere / "backup.tar")
    await database.close()

    def stopped(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(backup, "_replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            restore(folder, elsewhere / "backup.tar")
    with pytest.raises(StoreUnwritable, match="a restore was interrupted"), occupied(folder):
        pass
    with pytest.raises(BackupUnusable):  # and a backup that is none does not open the way
        restore(folder, tar(elsewhere / "bad.tar"))
    with pytest.raises(StoreUnwritable, match="a restore was interrupted"), occupied(folder):
        pass
    restore(folder, elsewhere / "backup.tar")
    with occupied(folder):
        assert ids(folder) == [1, 2, 3]


async def test_an_old_sqlite_is_refused_with_what_to_do(
    tmp_path: Path, database: Database, monkeypatch
):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.34.1")
    for refused in (migrate(tmp_path), examine(tmp_path)):
        with pytest.raises(
            StoreTooOld, match=r"SQLite 3\.34\.1 is too old.*3\.35.*install a newer"
        ):
            await refused
    with pytest.raises(StoreTooOld):
        back_up(tmp_path, tmp_path / "x.tar")
    monkeypatch.setattr(sqlite3, "sqlite_version_info", OLDEST_SQLITE)
    await migrate(tmp_path)

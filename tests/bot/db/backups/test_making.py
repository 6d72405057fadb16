"""Backups that are made while others write and remove."""

import asyncio
import errno
import os
import shutil
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.jobs.job_store import JobStore
from bot.core.pictures.picture_store import PictureStore
from bot.db.backups import making, manifest
from bot.db.backups.making import back_up
from bot.db.backups.manifest import MANIFEST, UNFINISHED, read
from bot.db.backups.restoring import examine_backup, restore
from bot.db.database import FILE_NAME, OLDEST_SQLITE, Database, migrate
from bot.db.errors import BackupUnusable, StoreFull, StoreTooOld
from bot.db.examination import examine
from bot.db.picture_files import picture_file
from bot.features.imagine.upload_store import UploadStore
from tests.bot.db.backups.house import files, fill, ids
from tests.fakes import png


async def test_what_is_backed_up_comes_back(database: Database, folder: Path, elsewhere: Path):
    await fill(database, folder)
    source = await PictureStore(database, folder).save_source(png(99))
    sha256 = await UploadStore(folder).save(5, b"picked")
    target = elsewhere / "backup"
    told: list[tuple[int, int]] = []
    made = await asyncio.to_thread(
        back_up, folder, target, lambda done, of: told.append((done, of))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    found = files(target)
    assert (made.files, made.shared, made.missing) == (len(found) - 1, 0, 0)
    assert made.bytes == sum(len(content) for name, content in found.items() if name != MANIFEST)
    assert {one.name: one.size for one in read(target).entries()} == {
        name: len(content) for name, content in found.items() if name != MANIFEST
    }
    state = examine_backup(target)
    assert (state.jobs, state.open_jobs, state.missing, state.files) == (3, 3, 0, made.files)

    restored = elsewhere / "data"
    assert restore(restored, target) is None
    assert ids(restored) == [1, 2, 3]
    again = Database(restored)
    pictures = PictureStore(again, restored)
    (picture,) = await pictures.of_job(2)
    assert await pictures.read(picture) == png(2)
    assert await pictures.read_thumbnail(picture)
    assert await pictures.read_source(source) is None, "no row names it"
    assert await UploadStore(restored).read(5, sha256) == b"picked"
    await again.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_a_backup_is_its_owners_alone(database: Database, folder: Path, elsewhere: Path):
    await fill(database, folder)
    await UploadStore(folder).save(5, b"picked")
    before = os.umask(0o022)
    try:
        back_up(folder, elsewhere / "backup")
        restore(elsewhere / "data", elsewhere / "backup")
    finally:
        os.umask(before)
    for place in ("backup", "data"):
        found = [*(elsewhere / place).rglob("*")]
        assert len(found) > 10
        open_to_others = [one for one in found if stat.S_IMODE(one.stat().st_mode) & 0o077]
        assert open_to_others == []


async def test_a_backup_beside_writers_is_one_state(
    database: Database, folder: Path, elsewhere: Path
):
    """Jobs come and go meanwhile, and of each row that a backup has, the picture is there."""
    jobs, pictures = JobStore(database), PictureStore(database, folder)
    await fill(database, folder)
    stop = False

    async def come_and_go() -> None:
        for number in range(4, 10_000):
            await fill(database, folder, first=number, count=1)
            if number % 2:
                await jobs.deleted(number - 2)
                await pictures.remove(number - 2)
            if stop:
                return

    coming = asyncio.create_task(come_and_go())
    for number in range(4):
        await asyncio.to_thread(back_up, folder, elsewhere / f"{number}")
    stop = True
    await coming
    for number in range(4):
        assert examine_backup(elsewhere / f"{number}").missing == 0
        restore(elsewhere / f"data-{number}", elsewhere / f"{number}")
        state = await examine(elsewhere / f"data-{number}")
        assert state is not None
        assert state.jobs >= 3
        assert (state.sampled > 0, state.missing) == (True, 0)


async def test_what_is_just_being_removed_is_waited_for(
    database: Database, folder: Path, elsewhere: Path
):
    """A file goes before its row says so; the backup has the state after that."""
    await fill(database, folder)
    await database.close()
    gone = max(one.stem for one in folder.glob("pictures/*/*"))
    remover = sqlite3.connect(folder / FILE_NAME, isolation_level=None, check_same_thread=False)
    timers: list[threading.Timer] = []

    def remove(done: int, _: int) -> None:
        if done == 1 and not timers:
            remover.execute("BEGIN IMMEDIATE")
            picture_file(folder, gone).unlink()
            remover.execute(
                "UPDATE jobs SET deleted_at = '2026-01-01 00:00:00.000000'"
                " WHERE id = (SELECT job_id FROM pictures WHERE sha256 = ?)",
                (gone,),
            )
            timers.append(threading.Timer(0.5, remover.execute, ["COMMIT"]))
            timers[0].start()

    made = back_up(folder, elsewhere / "backup", remove)
    timers[0].join()
    remover.close()
    assert made.missing == 0
    with closing(sqlite3.connect(elsewhere / "backup" / FILE_NAME)) as connection:
        deleted = connection.execute("SELECT count(*) FROM jobs WHERE deleted_at IS NOT NULL")
        assert deleted.fetchone() == (1,)
    assert not picture_file(elsewhere / "backup", gone).exists()


async def test_what_somebody_deletes_meanwhile_is_not_kept(
    database: Database, folder: Path, elsewhere: Path
):
    await fill(database, folder)
    await database.close()
    first = min(one.stem for one in folder.glob("pictures/*/*"))
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as other:

        def remove(done: int, _: int) -> None:
            if done == 3 and picture_file(folder, first).exists():
                other.execute(
                    "UPDATE jobs SET deleted_at = '2026-01-01 00:00:00.000000'"
                    " WHERE id = (SELECT job_id FROM pictures WHERE sha256 = ?)",
                    (first,),
                )
                picture_file(folder, first).unlink()
                # What makes the rows be looked at again.
                picture_file(folder, other_one).unlink()

        other_one = max(one.stem for one in folder.glob("pictures/*/*"))
        picture_file(folder, other_one).rename(elsewhere / "hidden")
        shutil.copy(elsewhere / "hidden", picture_file(folder, other_one))
        picture_file(folder, other_one).write_bytes(b"damaged")
        made = back_up(folder, elsewhere / "backup", remove)
    assert made.missing == 1, "the damaged one"
    assert not picture_file(elsewhere / "backup", first).exists()
    assert examine_backup(elsewhere / "backup").missing == 1


async def test_the_next_backup_shares_what_the_last_one_has(
    database: Database, folder: Path, elsewhere: Path
):
    await fill(database, folder)
    back_up(folder, elsewhere / "1")
    (elsewhere / "2").mkdir()  # no backup
    await fill(database, folder, first=4)
    made = back_up(folder, elsewhere / "3")
    assert made.shared == 6, "three pictures and their thumbnails"
    shared = [one for one in (elsewhere / "3").rglob("*") if one.is_file()]
    assert sorted(one.stat().st_nlink for one in shared)[-6:] == [2] * 6
    shutil.rmtree(elsewhere / "1")
    assert examine_backup(elsewhere / "3").jobs == 6
    restore(elsewhere / "data", elsewhere / "3")
    assert [one for one in (elsewhere / "data").rglob("*") if one.stat().st_nlink > 1] == [
        one for one in (elsewhere / "data").rglob("*") if one.is_dir()
    ]


async def test_without_links_everything_is_copied(
    database: Database, folder: Path, elsewhere: Path, monkeypatch
):
    await fill(database, folder)
    back_up(folder, elsewhere / "1")

    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    assert back_up(folder, elsewhere / "2").shared == 0
    assert examine_backup(elsewhere / "2").missing == 0


async def test_a_damaged_earlier_backup_is_not_passed_on(
    database: Database, folder: Path, elsewhere: Path
):
    await fill(database, folder)
    back_up(folder, elsewhere / "1")
    text = (elsewhere / "1" / MANIFEST).read_text()
    (elsewhere / "1" / MANIFEST).write_text(text.replace("a", "b", 1))
    assert back_up(folder, elsewhere / "2").shared == 0


async def test_a_damaged_file_of_an_earlier_backup_is_not_passed_on(
    database: Database, folder: Path, elsewhere: Path
):
    await fill(database, folder)
    back_up(folder, elsewhere / "1")
    damaged = next((elsewhere / "1").glob("pictures/*/*"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    made = back_up(folder, elsewhere / "2")
    assert (made.shared, made.missing) == (5, 0)
    assert examine_backup(elsewhere / "2").missing == 0


async def test_nothing_is_overwritten(database: Database, folder: Path, elsewhere: Path):
    await fill(database, folder)
    (elsewhere / "file").write_bytes(b"mine")
    (elsewhere / "full").mkdir()
    (elsewhere / "full" / "letter").write_bytes(b"mine")
    back_up(folder, elsewhere / "there")
    before = files(elsewhere)
    for name, said in (
        ("file", "is a file"),
        ("full", "holds other things"),
        ("there", "is there already"),
        ("no/such", "must be a folder that can be written"),
    ):
        with pytest.raises(BackupUnusable, match=said):
            back_up(folder, elsewhere / name)
    assert files(elsewhere) == before
    with pytest.raises(BackupUnusable, match="nothing to back up"):
        back_up(elsewhere, elsewhere / "new")
    assert not (elsewhere / "new").exists()


def failing(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
@pytest.mark.parametrize(
    "where", [(making, "measure"), (manifest, "sync_folder")], ids=["early", "late"]
)
async def test_what_does_not_succeed_leaves_nothing(
    database: Database, folder: Path, elsewhere: Path, monkeypatch, there: bool, error, where
):
    await fill(database, folder)
    target = elsewhere / "backup"
    if there:
        target.mkdir()
    monkeypatch.setattr(*where, failing(error))
    with pytest.raises(StoreFull if isinstance(error, OSError) else KeyboardInterrupt) as raised:
        back_up(folder, target)
    if isinstance(error, OSError):
        assert str(raised.value) == f"{target}: No space left on device"
    assert target.exists() == there
    assert files(elsewhere) == {}


async def test_an_interrupted_backup_is_none_and_is_gone_on_with(
    database: Database, folder: Path, elsewhere: Path
):
    await fill(database, folder)
    target = elsewhere / "backup"
    back_up(folder, target)
    (target / MANIFEST).unlink()  # as a kill leaves it
    (target / UNFINISHED).touch()
    kept, cut, strange = sorted((target / "pictures").glob("*/*"))
    moment = kept.stat().st_ino
    cut.write_bytes(cut.read_bytes()[:-1])
    strange.rename(strange.with_stem("0" * 64))
    for refused in (examine_backup, lambda one: restore(elsewhere / "data", one)):
        with pytest.raises(BackupUnusable, match="no whole backup: it was interrupted"):
            refused(target)
    back_up(folder, target)
    assert examine_backup(target).missing == 0
    assert kept.stat().st_ino == moment, "it is not copied again"
    assert not strange.with_stem("0" * 64).exists()
    assert not (target / UNFINISHED).exists()


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
        back_up(tmp_path, tmp_path / "x")
    monkeypatch.setattr(sqlite3, "sqlite_version_info", OLDEST_SQLITE)
    await migrate(tmp_path)

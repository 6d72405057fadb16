"""What the store does for those who are patient, and how soon it fails for the others."""

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.jobs.job_store import JobStore
from bot.core.pictures.picture_store import PictureStore
from bot.db import patience, sqlite
from bot.db.database import FILE_NAME, Database
from bot.db.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFailing,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from bot.db.patience import impatient, outlast, patient
from bot.db.records import Status
from bot.features.imagine.upload_store import UploadStore
from tests.bot.db.test_database import record
from tests.fakes import png

# As another program does it: a browser of databases, a backup.
HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_S", 0.1)


@pytest.fixture
def small_disk(tmp_path: Path, migrated: Path) -> Iterator[Path]:
    """A file system of 3 MB with a database on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("nobody lets us mount a tmpfs here")
    shutil.copyfile(migrated / FILE_NAME, folder / FILE_NAME)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave not a byte."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    assert shutil.disk_usage(folder).free == 0
    return ballast


def hold(database: Path, seconds: float) -> subprocess.Popen[bytes]:
    """Let another process hold the database, and wait until it does."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database), str(seconds)], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


async def test_a_lock_of_another_process_is_outlasted_by_the_patient_only(database: Database):
    jobs = JobStore(database)
    job = await record(jobs)
    with hold(database.path, 4) as holder:
        with pytest.raises(StoreBusy):
            await jobs.queued(job.id, 77)
        assert holder.poll() is None, "the impatient fail soon"
        with patient():
            assert await jobs.queued(job.id, 77)
        assert holder.wait() == 0
    assert (await jobs.get(job.id)).message_id == 77


async def test_many_who_wait_at_once_are_all_served(database: Database):
    jobs = JobStore(database)
    recorded = [await record(jobs, number) for number in range(1, 6)]
    with hold(database.path, 3), patient():
        moved = await asyncio.gather(*(jobs.queued(job.id, 70 + job.id) for job in recorded))
    assert moved == [True] * 5


async def test_who_is_told_that_it_takes_long(database: Database, monkeypatch):
    monkeypatch.setattr(patience, "LONG_S", 1.0)
    told = []
    jobs = JobStore(database)
    job = await record(jobs)
    with patient(lambda: told.append("long")):
        await jobs.queued(job.id, 77)
        assert told == []
        with hold(database.path, 4):
            await jobs.running(job.id)
    assert told == ["long"], "once"


async def test_pauses_grow_up_to_a_minute(monkeypatch):
    monkeypatch.undo()
    paused = []

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    async def work() -> str:
        if len(paused) < 12:
            raise StoreFull("no space left")
        return "written"

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with patient():
        assert await outlast(work) == "written"
    assert paused[0] < 1
    assert paused == sorted(paused)
    assert paused[-1] == 60


async def test_what_does_not_pass_is_raised_at_once():
    tried = 0

    async def work() -> None:
        nonlocal tried
        tried += 1
        raise StoreDamaged("malformed")

    with patient(), pytest.raises(StoreDamaged):
        await outlast(work)
    assert tried == 1


async def test_a_stop_ends_the_wait(database: Database):
    jobs = JobStore(database)
    job = await record(jobs)
    with hold(database.path, 60) as holder:
        with patient():
            waiting = asyncio.create_task(jobs.queued(job.id, 77))
        await asyncio.sleep(2)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with impatient(), pytest.raises(StoreBusy):
            await jobs.queued(job.id, 77)
        holder.kill()


async def test_a_full_disk_is_said_and_outlasted(small_disk: Path):
    database = Database(small_disk)
    jobs, pictures = JobStore(database), PictureStore(database, small_disk)
    uploads = UploadStore(small_disk)
    job = await record(jobs)
    await jobs.queued(job.id, 77)
    ballast = fill(small_disk)
    full: list[BaseException] = []
    for number in range(2, 200):  # until what SQLite has in reserve is used up
        try:
            await record(jobs, number)
        except StoreError as error:
            full.append(error)
            break
    with pytest.raises(StoreFull):
        await uploads.save(5, bytes(100_000))
    with pytest.raises(StoreFull):
        await pictures.save_source(png(1))
    assert isinstance(full[0], StoreUnavailable)
    assert list(small_disk.glob("*/*/*.part")) == list(small_disk.glob("*/*/*.png")) == []
    with patient():
        saving = asyncio.create_task(pictures.save(job_id=job.id, index=0, seed=1, png=png(1)))
        running = asyncio.create_task(jobs.running(job.id))
    await asyncio.sleep(1)
    assert not saving.done()
    ballast.unlink()
    picture = await saving
    assert await running
    assert await pictures.read(picture) == png(1)
    assert await pictures.read_thumbnail(picture)
    assert await record(jobs, 1000)
    await database.close()


async def test_a_database_that_was_opened_read_only_is_opened_anew(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
):
    job = await record(JobStore(database))
    forbidden = True  # as by its permissions, which root does not feel
    really = sqlite.open_file

    def open_file(path: Path) -> sqlite3.Connection:
        if not forbidden:
            return really(path)
        return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)

    monkeypatch.setattr(sqlite, "open_file", open_file)
    other = Database(tmp_path)
    jobs = JobStore(other)
    with pytest.raises(StoreReadOnly):
        await jobs.queued(job.id, 77)
    with pytest.raises(StoreReadOnly):
        await jobs.deleted(job.id)
    forbidden = False
    assert await jobs.queued(job.id, 77)
    await jobs.deleted(job.id)
    await other.close()


class Forgetful:
    """A database whose disk takes the first writes and then says that it failed."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch, times: int = 1) -> None:
        self.failures = 0
        really = database._writer._write_batch

        def write(batch):
            really(batch)
            if self.failures < times:
                self.failures += 1
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
                raise error

        monkeypatch.setattr(database._writer, "_write_batch", write)


async def test_a_write_of_unknown_fate_is_done_once(database: Database, monkeypatch):
    jobs = JobStore(database)
    job = await record(jobs)
    for move in (
        lambda: jobs.queued(job.id, 77),
        lambda: jobs.running(job.id),
        lambda: jobs.requeued(job.id),
        lambda: jobs.running(job.id),
        lambda: jobs.ended(job.id, Status.DONE),
    ):
        with monkeypatch.context() as patch, patient():
            disk = Forgetful(database, patch)
            assert await move(), "it is ours, and nobody else's"
            assert disk.failures == 1
    assert not await jobs.ended(job.id, Status.DONE)


async def test_device_time_of_unknown_fate_counts_once(database: Database, monkeypatch):
    jobs = JobStore(database)
    job = await record(jobs)
    await jobs.drawn(job.id, 1.5)
    Forgetful(database, monkeypatch, times=3)
    with patient():
        await jobs.drawn(job.id, 0.1, flags=["why"])
    found = await jobs.get(job.id)
    assert found.device_seconds == pytest.approx(1.6)
    assert found.flagged == "why"


async def test_a_picture_of_unknown_fate_is_there_once(database: Database, tmp_path, monkeypatch):
    jobs, pictures = JobStore(database), PictureStore(database, tmp_path)
    job = await record(jobs)
    Forgetful(database, monkeypatch, times=2)
    with patient():
        await pictures.save(job_id=job.id, index=0, seed=1, png=png(1))
    assert len(await pictures.of_job(job.id)) == 1


async def test_reading_is_tried_again_too(database: Database, monkeypatch):
    jobs = JobStore(database)
    job = await record(jobs)
    failures = iter([sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_BUSY, 0, 0])
    really = database._read_now

    def read(work):
        if code := next(failures):
            error = sqlite3.OperationalError("as SQLite says it")
            error.sqlite_errorcode = code
            raise StoreFailing(str(error))
        return really(work)

    monkeypatch.setattr(database, "_read_now", read)
    database.rewritten()
    with patient():
        assert (await jobs.get(job.id)).id == job.id
    assert next(failures) == 0, "it was read, after two failures"


async def test_parts_of_a_kill_are_removed(database: Database, tmp_path: Path):
    pictures = PictureStore(database, tmp_path)
    await pictures.save_source(png(1))
    (whole,) = (tmp_path / "pictures").glob("*/*.png")
    part = whole.with_suffix(".png.abc.part")
    part.write_bytes(b"half")
    await pictures.tidy()
    assert not part.exists()
    assert whole.exists()


def test_the_database_is_free_again(tmp_path: Path, migrated: Path):
    """What `hold` does ends with its process."""
    shutil.copyfile(migrated / FILE_NAME, tmp_path / FILE_NAME)
    with hold(tmp_path / FILE_NAME, 60) as holder:
        holder.kill()
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")

"""A data folder with jobs and pictures, for the tests of backups."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.core.jobs.job_store import JobStore
from bot.core.pictures.picture_store import PictureStore
from bot.db.database import FILE_NAME, Database
from tests.bot.db.test_database import record
from tests.fakes import png


async def fill(database: Database, folder: Path, first: int = 1, count: int = 3) -> None:
    """Record jobs with a picture each, of its own colour."""
    jobs, pictures = JobStore(database), PictureStore(database, folder)
    for number in range(first, first + count):
        job = await record(jobs, number)
        await pictures.save(job_id=job.id, index=0, seed=number, png=png(number))


def ids(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        return [one for (one,) in connection.execute("SELECT id FROM jobs ORDER BY id")]


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }

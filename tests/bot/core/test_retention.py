"""What was kept for long enough goes: a real database, real files, dates in the past."""

import asyncio
import io
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import insert, select

from bot.core import retention
from bot.core.admission.refusal_store import RefusalStore
from bot.core.erasing import ERASED
from bot.core.jobs.job_data import JobData
from bot.core.jobs.job_store import JobStore
from bot.core.pictures.favourite_store import FavouriteStore
from bot.core.pictures.picture_store import PictureStore
from bot.core.retention import Kept, Retention
from bot.db.database import Database
from bot.db.models import RefusalRow
from bot.db.records import Job, Kind, ModSearch, NewJob, Origin, Status, Words
from bot.features.history.job_history import History
from bot.features.imagine.upload_store import KEPT_S, UploadStore
from generation.request import GenerationRequest, Sampler
from tests.bot.rows import execute

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SERVER, MIA = 9, 5


def png(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


class Attic:
    """Jobs with pictures, each asked for some days ago."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.jobs, self.pictures = JobStore(database), PictureStore(database, folder)
        self.uploads = UploadStore(folder)
        self.asked = 0

    async def job(self, days: int, colour: str | None = None, source: str | None = None) -> Job:
        self.asked += 1
        request = GenerationRequest(
            prompt=f"laid over words{self.asked}",
            checkpoint="Emoji",
            width=64,
            height=64,
            num_inference_steps=5,
            guidance_scale=2.5,
            sampler=Sampler.EULER,
            seed=3,
            strength=None if source is None else 0.5,
        )
        origin = Origin(
            interaction_id=self.asked,
            token=None,
            person_id=MIA,
            person_name="mia",
            channel_id=7,
            guild_id=SERVER,
            asked_at=NOW - timedelta(days=days),
        )
        new_job = NewJob(
            kind=Kind.IMAGINE,
            request=request,
            typed=Words(f"words{self.asked}"),
            style="Ink",
            source_sha256=source,
        )
        job = await self.jobs.record(new_job, origin, fair_start=1.0)
        if colour is not None:
            await self.pictures.save(job_id=job.id, index=0, seed=3, png=png(colour))
        await self.jobs.ended(job.id, Status.DONE)
        return job

    async def sweep(self, *, pictures: int = 0, prompts: int = 0) -> None:
        await self.retention(pictures=pictures, prompts=prompts).sweep(NOW)

    def retention(self, *, pictures: int = 0, prompts: int = 0) -> Retention:
        kept = Kept(pictures_days=pictures, prompts_days=prompts)
        return Retention(
            kept,
            database=self.database,
            pictures=self.pictures,
            personal_data=[
                JobData(self.database, self.jobs, self.pictures),
                RefusalStore(self.database),
                self.uploads,
            ],
        )

    async def is_stored(self, job: Job) -> bool:
        (picture,) = await self.pictures.of_job(job.id)
        stored = await self.pictures.read(picture) is not None
        assert stored == (await self.pictures.read_thumbnail(picture) is not None)
        return stored

    async def gone(self, job: Job) -> None:
        """Wait until a job's picture is removed."""
        (picture,) = await self.pictures.of_job(job.id)
        while await self.pictures.read(picture):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)

    async def prompts(self, *jobs: Job) -> list[str]:
        return [(await self.now(job)).words.prompt for job in jobs]

    async def now(self, job: Job) -> Job:
        found = await self.jobs.get(job.id)
        assert found is not None
        return found


@pytest.fixture
def attic(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attic:
    monkeypatch.setattr(retention, "PAUSE_S", 0)
    monkeypatch.setattr(retention, "BATCH", 2)  # so that a few jobs take several
    return Attic(database, tmp_path)


def files(folder: Path) -> int:
    return len([*folder.rglob("*.png"), *folder.rglob("*.webp")])


async def test_old_pictures_go_and_young_ones_stay(attic: Attic):
    old = [await attic.job(31 + n, colour) for n, colour in enumerate(("red", "blue", "green"))]
    young = [await attic.job(29, "pink"), await attic.job(0, "white")]
    await attic.sweep(pictures=30)
    assert [await attic.is_stored(job) for job in old + young] == [False] * 3 + [True] * 2
    assert files(attic.folder) == 4, "two pictures and their thumbnails"
    assert await attic.prompts(*old) == ["words1", "words2", "words3"]
    assert [picture.seed for picture in await attic.pictures.of_job(old[0].id)] == [3]


async def test_without_days_everything_is_kept(attic: Attic):
    job = await attic.job(20_000, "red")
    await attic.sweep()
    assert await attic.is_stored(job)
    assert await attic.prompts(job) == ["words1"]


async def test_favourites_stay_until_nobody_likes_them(attic: Attic, database: Database):
    favourites = FavouriteStore(database)
    liked, other = await attic.job(40, "red"), await attic.job(40, "blue")
    await favourites.toggle(person_id=6, job_id=liked.id)
    await attic.sweep(pictures=30)
    assert [await attic.is_stored(job) for job in (liked, other)] == [True, False]
    await favourites.toggle(person_id=6, job_id=liked.id)
    await attic.sweep(pictures=30)
    assert not await attic.is_stored(liked)


async def test_a_file_that_a_younger_job_shows_or_starts_from_stays(attic: Attic):
    shown, started_from = await attic.job(40, "red"), await attic.job(40, "blue")
    again = await attic.job(3, "red")
    (source,) = await attic.pictures.of_job(started_from.id)
    varied = await attic.job(2, "green", source.sha256)
    await attic.sweep(pictures=30)
    assert await attic.is_stored(again)
    assert await attic.pictures.read_source(source.sha256) is not None
    # When those are old enough, too, nothing is left.
    await attic.sweep(pictures=1)
    assert [await attic.is_stored(job) for job in (shown, again, varied)] == [False] * 3
    assert files(attic.folder) == 0


async def test_uploaded_sources_and_deleted_jobs_thumbnails_go(attic: Attic):
    sha256 = await attic.pictures.save_source(png("navy"))
    await attic.job(40, "red", sha256)
    deleted = await attic.job(40, "blue")
    await attic.jobs.deleted(deleted.id)
    await attic.pictures.remove(deleted.id)
    assert files(attic.folder) == 5, "the deleted one's thumbnail is for moderators"
    await attic.sweep(pictures=30)
    assert files(attic.folder) == 0


async def test_old_words_go_and_the_person_stays(attic: Attic, database: Database):
    old = [await attic.job(31 + number) for number in range(5)]
    young = await attic.job(29)
    for days in (31, 29):
        refusal = insert(RefusalRow).values(
            channel_id=7,
            person_id=MIA,
            why="Blocked",
            prompt=f"refused words{days}",
            asked_at=NOW - timedelta(days=days),
        )
        await execute(database, refusal)
    await attic.sweep(prompts=30)
    assert await attic.prompts(*old, young) == [ERASED] * 5 + ["words6"]
    job = await attic.now(old[0])
    assert (job.origin.person_id, job.origin.person_name, job.style) == (MIA, "mia", None)
    assert job.request == replace(old[0].request, prompt=ERASED)
    found = await History(database).search(ModSearch(guild_id=SERVER, words="words"), None, 10)
    assert [job.id for job in found] == [young.id]
    prompts = select(RefusalRow.prompt).order_by(RefusalRow.id)
    found = await database.read(lambda connection: connection.scalars(prompts).all())
    assert found == [ERASED, "refused words29"]
    left = b"".join(path.read_bytes() for path in attic.folder.glob("darkroom.sqlite3*"))
    assert b"words6" in left
    assert not [word for word in (b"words1", b"words5", b"words31") if word in left]


async def test_what_was_interrupted_is_done_by_the_next_sweep(
    attic: Attic, monkeypatch: pytest.MonkeyPatch
):
    old = [await attic.job(40, colour) for colour in ("red", "blue", "green", "pink", "white")]
    unlink, removed = attic.pictures._unlink, []

    def die(pictures: set[str], thumbnails: set[str]) -> None:
        unlink(pictures, thumbnails)
        removed.append(pictures)
        if len(removed) == 2:
            raise KeyboardInterrupt("killed before the rows were written")

    monkeypatch.setattr(attic.pictures, "_unlink", die)
    with pytest.raises(KeyboardInterrupt):
        await attic.sweep(pictures=30)
    assert sorted([await attic.is_stored(job) for job in old]) == [False] * 4 + [True]
    monkeypatch.setattr(attic.pictures, "_unlink", unlink)
    await attic.sweep(pictures=30)
    await attic.sweep(pictures=30)
    assert not any([await attic.is_stored(job) for job in old])
    assert files(attic.folder) == 0


async def test_it_looks_at_once_and_again_and_stops(attic: Attic, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "EVERY_S", 0.01)
    first = await attic.job(20_000, "red")
    keeping = asyncio.create_task(attic.retention(pictures=5000).keep_on())
    await attic.gone(first)
    second = await attic.job(20_000, "blue")
    await attic.gone(second)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_files_that_were_picked_go_after_a_day_whatever_is_kept(attic: Attic):
    old, new = [await attic.uploads.save(MIA, one) for one in (b"old", b"new")]
    file = attic.folder / "uploads" / str(MIA) / old
    late = file.stat().st_mtime - KEPT_S - 60
    os.utime(file, (late, late))
    await attic.sweep()
    assert [one.name for one in file.parent.iterdir()] == [new]

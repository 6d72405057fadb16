"""Pictures that a job needs besides its source: kept with it, and not a day longer."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.erasing import forget
from bot.core.jobs.job_data import JobData
from bot.core.jobs.job_store import JobStore
from bot.core.pictures.picture_store import PictureStore
from bot.db.backups.making import back_up
from bot.db.backups.restoring import restore
from bot.db.database import FILE_NAME, Database
from bot.db.examination import examine
from bot.db.picture_files import picture_file
from bot.db.records import Input, InputRole, Job, Kind, ModSearch, NewJob, Status
from bot.features.history.job_history import History
from tests.bot.db.test_database import origin, request
from tests.fakes import png

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MIA, SERVER = origin().person_id, origin().guild_id


class Cupboard:
    """Jobs with inputs, each asked for some days ago."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.jobs, self.pictures = JobStore(database), PictureStore(database, folder)
        self.asked = 0

    async def files(self, *seeds: int) -> list[str]:
        return [await self.pictures.save_source(png(seed)) for seed in seeds]

    async def job(self, *names: str, roles: str = "mask", days: int = 0) -> Job:
        self.asked += 1
        inputs = tuple(
            Input(InputRole(role), name) for role, name in zip(roles.split(), names, strict=True)
        )
        new_job = NewJob(kind=Kind.IMAGINE, request=request(), inputs=inputs)
        asked = replace(origin(self.asked), asked_at=NOW - timedelta(days=days))
        job = await self.jobs.record(new_job, asked, fair_start=1.0)
        await self.jobs.ended(job.id, Status.DONE)
        return job

    def has(self, name: str) -> bool:
        return picture_file(self.folder, name).exists()


@pytest.fixture
def cupboard(database: Database, tmp_path: Path) -> Cupboard:
    return Cupboard(database, tmp_path)


async def test_a_job_is_read_with_its_inputs_in_order(cupboard: Cupboard):
    first, second, third = await cupboard.files(1, 2, 3)
    roles = "control mask control reference"
    recorded = await cupboard.job(second, first, third, first, roles=roles)
    plain = await cupboard.job(roles="")
    assert recorded.inputs == (
        Input(InputRole.CONTROL, second),
        Input(InputRole.MASK, first),
        Input(InputRole.CONTROL, third),
        Input(InputRole.REFERENCE, first),
    )
    anew = JobStore(cupboard.database)
    for found in (
        [await anew.get(recorded.id), await anew.get(plain.id)],
        await anew.of_person(MIA),
        (await History(cupboard.database).search(ModSearch(guild_id=SERVER), None, 9))[::-1],
    ):
        assert [job.inputs for job in found if job] == [recorded.inputs, ()]


async def test_an_input_stays_while_a_job_needs_it(cupboard: Cupboard):
    shared, own = await cupboard.files(1, 2)
    first = await cupboard.job(shared, own, roles="mask control")
    second = await cupboard.job(shared)
    await cupboard.jobs.deleted(first.id)
    assert await cupboard.pictures.remove(first.id) == 1
    assert (cupboard.has(shared), cupboard.has(own)) == (True, False)
    await cupboard.pictures.discard_source(shared)
    assert cupboard.has(shared), "the second job needs it"
    await cupboard.jobs.deleted(second.id)
    await cupboard.pictures.remove(second.id)
    assert not cupboard.has(shared)


async def test_old_inputs_expire_with_their_jobs(cupboard: Cupboard):
    old, young = await cupboard.files(1, 2)
    await cupboard.job(old, days=40)
    await cupboard.job(young, days=20)
    assert await cupboard.pictures.expire(NOW - timedelta(days=30), 9) == 1
    assert (cupboard.has(old), cupboard.has(young)) == (False, True)


async def test_erasing_a_person_forgets_their_inputs(cupboard: Cupboard):
    (name,) = await cupboard.files(1)
    job = await cupboard.job(name)
    kept = JobData(cupboard.database, cupboard.jobs, cupboard.pictures)
    assert [one["inputs"] for one in await kept.export(MIA)] == [["mask"]]
    await kept.erase(MIA, NOW)
    assert not cupboard.has(name)
    found = await JobStore(cupboard.database).get(job.id)
    assert found is not None
    assert found.inputs == ()


async def test_others_inputs_are_not_forgotten(cupboard: Cupboard):
    (name,) = await cupboard.files(1)
    job = await cupboard.job(name)
    await forget(cupboard.database, MIA + 1, 10**6, NOW)
    found = await JobStore(cupboard.database).get(job.id)
    assert found is not None
    assert found.inputs == job.inputs


async def test_inputs_are_backed_up_and_looked_for(
    cupboard: Cupboard, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (name,) = await cupboard.files(1)
    await cupboard.job(name)
    await asyncio.to_thread(back_up, tmp_path, elsewhere / "backup")
    restore(elsewhere / "data", elsewhere / "backup")
    state = await examine(elsewhere / "data")
    assert state is not None
    assert (state.sampled, state.missing) == (1, 0)
    picture_file(elsewhere / "data", name).unlink()
    state = await examine(elsewhere / "data")
    assert state is not None
    assert (state.sampled, state.missing) == (1, 1)


async def test_a_database_from_before_inputs_is_backed_up(
    cupboard: Cupboard, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    await cupboard.job(roles="")
    await cupboard.database.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("DROP TABLE job_inputs")
        connection.execute("UPDATE alembic_version SET version_num = '0019'")
    assert await asyncio.to_thread(back_up, tmp_path, elsewhere / "backup")
    state = await examine(tmp_path)
    assert state is not None
    assert (state.jobs, state.missing) == (1, 0)

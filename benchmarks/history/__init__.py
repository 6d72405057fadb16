"""How long moderators wait for a page of a long history, for any search."""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import Figures
from benchmarks.history.filters import filters
from benchmarks.history.world import CHECKPOINTS, World
from bot.core.jobs.job_store import JobStore
from bot.db.database import Database, migrate
from bot.db.records import Job, Kind, ModSearch, NewJob, Origin, Search
from bot.features.history.job_history import History
from generation.request import GenerationRequest, Sampler

LABELS = {
    "rows": "jobs in the database",
    "slowest_median_ms": "the slowest filter's page, median (ms)",
    "slowest_filter": "the slowest filter",
    "short_word_ms": "a word of two letters that nobody used, in the largest server (ms)",
    "insert_per_s": "jobs recorded in a second, each a transaction",
    "size_mb": "size of the database (MB)",
}

ROWS = 1_000_000
PAGE = 5  # jobs
DEEP = 200  # a page far back
TIMES = 5  # repetitions per page
INSERTS = 500


async def page(database: Database, search: ModSearch | Search, before: int | None) -> list[Job]:
    """Load a page as moderators, or people in their own history, do."""
    if isinstance(search, ModSearch):
        return await History(database).search(search, before, PAGE + 1)
    return await JobStore(database).search(search, before, PAGE + 1)


async def median_ms(database: Database, search: ModSearch | Search, before: int | None) -> float:
    """Return the median time for a page."""
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        await page(database, search, before)
        taken.append(time.perf_counter() - begun)
    return 1000 * statistics.median(taken)


async def far_back(database: Database, search: ModSearch | Search) -> int | None:
    """Return the job before the deep page, or the last one if there are fewer."""
    count = PAGE * (DEEP - 1)
    if isinstance(search, ModSearch):
        jobs = await History(database).search(search, None, count)
    else:
        jobs = await JobStore(database).search(search, None, count)
    return jobs[-1].id if jobs else None


async def time_filters(
    database: Database, wanted: Mapping[str, Sequence[ModSearch | Search]]
) -> dict[str, float]:
    """Print and return each filter's slowest median (ms)."""
    slowest: dict[str, float] = {}
    print(f"  {'median of the slowest case (ms)':<34}{'first page':>12}{f'{DEEP}th page':>12}")
    for name, searches in wanted.items():
        first = [await median_ms(database, search, None) for search in searches]
        deep = [
            await median_ms(database, search, await far_back(database, search))
            for search in searches
        ]
        print(f"  {name:<34}{max(first):>12.1f}{max(deep):>12.1f}")
        sys.stdout.flush()
        slowest[name] = max(*first, *deep)
    return slowest


async def inserts_per_s(database: Database, world: World) -> float:
    """Record jobs one after the other, as commands do."""
    jobs = JobStore(database)
    begun = time.perf_counter()
    for number in range(INSERTS):
        request = GenerationRequest(
            prompt=" ".join(world.rng.choices(world.words, k=15)),
            checkpoint=CHECKPOINTS[0],
            width=512,
            height=512,
            num_inference_steps=25,
            guidance_scale=7.5,
            sampler=Sampler.DPMPP_2M_KARRAS,
            seed=number,
        )
        origin = Origin(
            interaction_id=number,
            token=None,
            person_id=world.people[number],
            person_name="somebody",
            channel_id=7,
            guild_id=world.guilds[0],
            asked_at=datetime.now(UTC),
        )
        await jobs.record(NewJob(kind=Kind.IMAGINE, request=request), origin, fair_start=1.0)
    return INSERTS / (time.perf_counter() - begun)


async def measure(folder: Path, rows: int) -> Figures:
    """Fill a database in the folder and measure it."""
    await migrate(folder)
    database, world = Database(folder), World()
    await asyncio.to_thread(world.fill, database.path, rows)
    slowest = await time_filters(database, filters(world))
    worst = max(slowest, key=slowest.__getitem__)
    short = ModSearch(guild_id=world.guilds[0], words="qz")
    figures: Figures = {
        "rows": rows,
        "slowest_median_ms": slowest[worst],
        "slowest_filter": worst,
        "short_word_ms": await median_ms(database, short, None),
        "insert_per_s": await inserts_per_s(database, world),
        "size_mb": database.path.stat().st_size / 1e6,
    }
    await database.close()
    return figures


def run(rows: int = ROWS) -> Figures:
    """Measure a database with this many jobs in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder), rows))

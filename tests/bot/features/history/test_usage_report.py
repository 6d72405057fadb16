"""What was used: summed up from the database, said in words, put in a table and drawn."""

import asyncio
import csv
import io
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import insert

from bot.core.erasing import forget
from bot.core.jobs.job_store import JobStore
from bot.db.database import Database
from bot.db.models import PictureRow, RefusalRow
from bot.db.records import Kind, NewJob, Origin, Status
from bot.features.history import usage_chart as chart
from bot.features.history.usage_chart import Chart, ChartUnavailable, draw
from bot.features.history.usage_report import MOST_DAYS, chart_of, table, words
from bot.features.history.usage_stats import Day, Person, Usage
from bot.features.history.usage_store import MOST_PEOPLE, UsageStore
from bot.texts import say
from generation.request import GenerationRequest, Sampler
from tests.bot.markdown import read
from tests.bot.rows import execute

GUILD = 9
FIRST = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
HOSTILE = [
    "$\\frac{$ x^2",
    "**bold** __u__ <@1> @everyone https://example.org :x: `code`",
    "=cmd|' /C calc'!A0",
    "مها العربية",
    "🦊狐狸🦊",
    "a name\r\nthat is very long indeed and goes on and on",
    "\u202eevil\x00",
    "",
    "@@@",
    "\ud800",
]


def made(days: int, people: list[str]) -> Usage:
    return Usage(
        tuple(
            Day(
                day=FIRST + timedelta(n),
                jobs=n + 1,
                pictures=3 * n + 2,
                failed=1,
                refused=2,
                device_seconds=90.0,
            )
            for n in range(days)
        ),
        tuple(Person(name, 1000 - n, 10, 12.5) for n, name in enumerate(people)),
    )


class Records:
    """Writes down what people asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs = JobStore(database)
        self._count = 0

    async def job(self, person: str, asked_at: datetime, pictures: int, **other) -> None:
        self._count += 1
        origin = Origin(
            interaction_id=self._count,
            token=None,
            person_id=other.get("person_id", len(person)),
            person_name=person,
            channel_id=7,
            guild_id=other.get("guild_id", GUILD),
            asked_at=asked_at,
        )
        request = GenerationRequest(
            prompt="a red apple",
            negative_prompt="",
            checkpoint="Emoji",
            width=64,
            height=64,
            num_images=4,
            num_inference_steps=5,
            guidance_scale=2.5,
            sampler=Sampler.EULER,
            seed=3,
        )
        new_job = NewJob(kind=Kind.IMAGINE, request=request)
        job = await self._jobs.record(new_job, origin, fair_start=0.0)
        await self._jobs.drawn(job.id, 30.0)
        await self._jobs.ended(job.id, other.get("status", Status.DONE))
        for n in range(pictures):
            values = {
                "job_id": job.id,
                "index": n,
                "seed": n,
                "sha256": "0" * 64,
                "width": 64,
                "height": 64,
                "size_bytes": 1,
            }
            await execute(self._database, insert(PictureRow), values=values)

    async def refusal(self, asked_at: datetime, guild_id: int | None = GUILD) -> None:
        values = {
            "guild_id": guild_id,
            "channel_id": 7,
            "person_id": 3,
            "why": "QuotaReached",
            "prompt": "",
            "asked_at": asked_at,
        }
        await execute(self._database, insert(RefusalRow), values=values)


async def test_the_figures_are_those_of_the_database(database: Database):
    records = Records(database)
    hour = timedelta(hours=1)
    await records.job("mia", MIDNIGHT, 4)
    await records.job("mia the second", MIDNIGHT + 23 * hour, 2, person_id=3)
    await records.job("max", MIDNIGHT + 25 * hour, 0, status=Status.FAILED, person_id=4)
    await records.refusal(MIDNIGHT + 26 * hour)
    # None of these belongs there: before, at the end, elsewhere.
    await records.job("early", MIDNIGHT - timedelta(microseconds=1), 1)
    await records.job("late", MIDNIGHT + 60 * hour, 1)
    await records.job("stranger", MIDNIGHT, 1, guild_id=8)
    await records.job("direct", MIDNIGHT, 1, guild_id=None)
    await records.refusal(MIDNIGHT, guild_id=8)
    await records.refusal(MIDNIGHT + 60 * hour)
    store = UsageStore(database)
    usage = await store.usage(GUILD, MIDNIGHT, MIDNIGHT + 60 * hour)
    assert usage == Usage(
        days=(
            Day(day=FIRST, jobs=2, pictures=6, device_seconds=60.0),
            Day(day=date(2026, 3, 2), jobs=1, failed=1, refused=1, device_seconds=30.0),
            Day(day=date(2026, 3, 3)),
        ),
        people=(Person("mia the second", 6, 2, 60.0), Person("max", 0, 1, 30.0)),
    )
    direct = await store.usage(None, MIDNIGHT, MIDNIGHT + hour)
    assert direct.people == (Person("direct", 1, 1, 30.0),)


async def test_the_people_are_the_first_few_and_nobody_who_was_erased(database: Database):
    records = Records(database)
    for n in range(MOST_PEOPLE + 2):
        await records.job(f"person {n}", MIDNIGHT, n, person_id=100 + n)
    await forget(database, 100 + MOST_PEOPLE, 10**6, MIDNIGHT)
    usage = await UsageStore(database).usage(GUILD, MIDNIGHT, MIDNIGHT + timedelta(days=1))
    names = [person.name for person in usage.people]
    assert names == [f"person {n}" for n in (11, 9, 8, 7, 6, 5, 4, 3, 2, 1)]
    assert usage.days[0].jobs == MOST_PEOPLE + 2


async def test_a_day_is_utcs_whatever_zone_is_asked_in(database: Database):
    await Records(database).job("mia", MIDNIGHT, 1)
    zone = datetime.fromisoformat("2026-03-01T02:00:00+02:00").tzinfo
    since = MIDNIGHT.astimezone(zone)
    usage = await UsageStore(database).usage(GUILD, since, since + timedelta(hours=1))
    assert [(day.day, day.jobs) for day in usage.days] == [(FIRST, 1)]


def test_words():
    usage = made(3, ["mia_fox", "max"])
    assert words(usage) == (
        "2026-03-01 to 2026-03-03 (UTC): 15 pictures in 6 jobs, 3 failed, 6 refused,"
        " 4.5 device minutes.\nMost on one day: 8 pictures on 2026-03-03.\n"
        "Most pictures: mia\\_fox (1,000) and max (999)."
    )
    assert words(made(1, [])).startswith("2026-03-01 (UTC): 2 pictures in 1 job, 1 failed")
    nothing = Usage((Day(day=FIRST),), ())
    assert words(nothing) == say("usage-nothing", period="2026-03-01")


@settings(max_examples=50)
@given(st.lists(st.text(max_size=64), max_size=10))
@example(HOSTILE)
@example(["W" * 64] * 10)
def test_words_are_short_and_hold_no_markup_of_names(names: list[str]):
    said = words(made(365, names))
    assert len(said) < 1000
    *_, people = said.split("Most pictures:")
    shown = read(people if names else "")
    assert not shown.marked
    assert len(said.splitlines()) == 2 + bool(names)
    assert len(said.splitlines()) == 2 + bool(names)


@settings(max_examples=50)
@given(st.lists(st.text(max_size=64), max_size=10))
@example(HOSTILE)
@example(["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1"])
def test_no_name_in_the_table_is_a_formula(names: list[str]):
    rows = list(csv.reader(io.StringIO(table(made(2, names)).decode("utf-8-sig"), newline="")))
    assert rows[0] == ["what", "name", "jobs", "pictures", "failed", "refused", "device_seconds"]
    assert rows[1] == ["day", "2026-03-01", "1", "2", "1", "2", "90.0"]
    assert len(rows) == 3 + len(names)
    for row, name in zip(rows[3:], names, strict=True):
        assert not row[1].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert row[1].removeprefix("'") == name.encode(errors="replace").decode().removeprefix("'")


def test_a_long_time_is_drawn_by_weeks():
    assert len(chart_of(made(MOST_DAYS, [])).days) == MOST_DAYS
    weekly = chart_of(made(MOST_DAYS + 1, []))
    assert weekly.days[:2] == ("2026-03-01", "2026-03-08")
    assert sum(weekly.series[1].heights) == MOST_DAYS + 1


def test_a_chart_crosses_the_pipe():
    drawn = chart_of(made(3, HOSTILE))
    again = Chart.decode(drawn.encode())
    assert again.encode() == drawn.encode()
    assert [one.name for one in again.series] == [one.name for one in drawn.series]


@pytest.mark.parametrize(
    "usage",
    [made(30, HOSTILE), Usage((Day(day=FIRST),), ())],
    ids=["hostile names", "nothing"],
)
async def test_a_chart_is_a_png_file(usage: Usage):
    loaded = set(sys.modules)
    png = await draw(chart_of(usage))
    assert "matplotlib" not in set(sys.modules) - loaded
    with Image.open(io.BytesIO(png)) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (1000, 700))
        colours = picture.convert("RGB").getcolors(maxcolors=100_000)
    assert len(png) < 300_000
    assert colours is not None
    assert (86, 180, 233) in {colour for _, colour in colours} or usage.nothing


async def test_a_chart_that_cannot_be_drawn_says_so(caplog: pytest.LogCaptureFixture):
    with pytest.raises(ChartUnavailable, match=say("error-chart-unavailable")):
        await draw(Chart("", days=("no day",), people=(("mia", "no number"),)))  # type: ignore[arg-type]
    assert "drawing a chart failed" in caplog.text


async def test_a_chart_that_takes_too_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
):
    started = []
    start = asyncio.create_subprocess_exec

    async def noted(*args, **kwargs):
        started.append(await start(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    monkeypatch.setattr(chart, "DRAWING_S", 0)
    with pytest.raises(ChartUnavailable):
        await draw(chart_of(made(3, ["mia"])))
    assert started[0].returncode == -9

"""A day's quota: whatever people do in whatever order, a day never has more pictures."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import App
from bot.core.admission.admission import Limits
from bot.core.admission.request_context import RequestContext
from bot.core.audit_store import NewAuditEntry
from bot.core.errors import QuotaReached
from bot.core.jobs.job_store import JobStore
from bot.core.quotas.allowance_store import AllowanceStore
from bot.core.quotas.quotas import Quotas, pictures_allowed
from bot.db.database import Database, migrate
from bot.db.records import Allowance, Holder, Job, Origin, Status
from bot.options.image_options import ImageOptions
from bot.texts import say
from generation.catalog import EMBEDDED, Catalog
from tests.fakes import RecordingExecutor

GUILD, MIA, ARTISTS, PATRONS = 1, 2, 8, 9
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMIT = 10


class Desk:
    """The services in front of a real store; nothing that they record ever starts."""

    def __init__(self, app: App) -> None:
        self.app, self.jobs = app, app.job_store
        self.quotas = app.get(Quotas)
        (self.allowances,) = (one for one in app.personal_data if isinstance(one, AllowanceStore))
        self.asked = 0

    async def ask(
        self, count: int, at: datetime = NOON, roles: frozenset[int] = frozenset()
    ) -> Job:
        self.asked += 1
        origin = Origin(self.asked, "token", MIA, "mia", 3, GUILD, at)
        asked = RequestContext(origin, channel_ids=(3,), role_ids=roles)
        return await self.app.jobs.imagine(ImageOptions(prompt="x", count=count), asked)

    async def grant(self, **granted) -> None:
        whose = {"holder": Holder.PERSON, "holder_id": MIA, **granted}
        key = Allowance(
            guild_id=GUILD, holder=whose.pop("holder"), holder_id=whose.pop("holder_id")
        )
        await self.allowances.change(key, DEED, **whose)


DEED = NewAuditEntry(guild_id=GUILD, moderator_id=5, action="quota", detail="")


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    asyncio.run(migrate(folder))
    return folder


@asynccontextmanager
async def desk(template: Path, **rules: int) -> AsyncIterator[Desk]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        database = Database(Path(folder))
        app = App(
            database,
            Path(folder),
            catalog=Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name),
            executor=RecordingExecutor(),
            limits=Limits(waiting=1000, waiting_per_person=1000),
        )
        await app.load()
        await app.rules.change({0: rules}, DEED)
        try:
            yield Desk(app)
        finally:
            await app.admission.close()
            await database.close()


# Several at once, some minutes after what came before; or what becomes of one of the open ones.
bursts = st.tuples(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 600))
fates = st.tuples(st.sampled_from(["cancel", "cancel running", "fail", "done"]), st.integers(0, 9))


@settings(max_examples=12)
@given(st.lists(bursts | fates, min_size=4, max_size=20))
def test_no_day_has_more_pictures_than_its_quota(template: Path, steps: list):
    async def play() -> None:
        async with desk(template, pictures_per_day=LIMIT) as house:
            now, counted, still_open = NOON, {}, []
            for step in steps:
                if isinstance(step[0], list):
                    now += timedelta(minutes=step[1])
                    asks = [house.ask(count, now) for count in step[0]]
                    for job in await asyncio.gather(*asks, return_exceptions=True):
                        if isinstance(job, Job):
                            counted[job.id] = job
                            still_open.append(job)
                        else:
                            assert isinstance(job, QuotaReached)
                elif still_open:
                    job = still_open.pop(step[1] % len(still_open))
                    await meet(house.jobs, job, step[0])
                    if step[0] in ("cancel", "fail"):
                        del counted[job.id]
                days: dict[date, int] = {}
                for job in counted.values():
                    day = job.origin.asked_at.date()
                    days[day] = days.get(day, 0) + job.request.num_images
                assert max(days.values(), default=0) <= LIMIT
                quota_status = await house.quotas.quota_status(MIA, GUILD, frozenset(), now)
                assert quota_status.used.pictures == days.get(now.date(), 0)
                free = LIMIT - quota_status.used.pictures
                if 0 < free <= 4:  # and no room is lost
                    last = await house.ask(free, now)
                    await house.jobs.ended(last.id, Status.FAILED)

    asyncio.run(play())


async def meet(jobs: JobStore, job: Job, fate: str) -> None:
    if fate != "cancel":
        await jobs.queued(job.id, job.id)
        await jobs.running(job.id)
    ends = {"fail": Status.FAILED, "done": Status.DONE}
    await jobs.ended(job.id, ends.get(fate, Status.CANCELLED))


async def test_the_line_says_how_much_and_until_when(template: Path):
    async with desk(template, pictures_per_day=5) as house:
        await house.ask(3)
        with pytest.raises(QuotaReached) as caught:
            await house.ask(4)
        midnight = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
        assert str(caught.value) == say(
            "error-quota-pictures", limit=5, used=3, asked=4, back=f"<t:{midnight}:R>"
        )
        await house.ask(4, NOON + timedelta(hours=12))


async def test_wishes_asked_together_count_together(template: Path):
    async with desk(template, pictures_per_day=6, max_count=2) as house:
        asked = RequestContext(Origin(1, "token", MIA, "mia", 3, GUILD, NOON))
        # Of two pictures each: nobody asked for four.
        requested = house.app.jobs.complete([ImageOptions(prompt="x")] * 4, ImageOptions(), asked)
        await house.app.jobs.may_ask(asked, requested[:3])
        with pytest.raises(QuotaReached, match="8 more"):
            await house.app.jobs.may_ask(asked, requested)


async def test_device_time_counts_what_waits(template: Path):
    async with desk(template, seconds_per_day=100) as house:
        first = await house.ask(1)
        await house.jobs.queued(first.id, 1)
        await house.jobs.running(first.id)
        await house.jobs.drawn(first.id, 40.0)
        await house.jobs.ended(first.id, Status.DONE)
        second = await house.ask(1)  # which will take 40 s more, as far as one can know
        await house.ask(1)
        with pytest.raises(QuotaReached, match="today's 100 seconds"):
            await house.ask(1)
        await house.jobs.ended(second.id, Status.CANCELLED)
        await house.ask(1)


async def test_moderators_grant_more_and_count_anew(template: Path):
    async with desk(template, pictures_per_day=2) as house:
        await house.ask(2)
        await house.grant(extra=3, extra_on=NOON.date())
        await house.ask(3)
        tomorrow = NOON + timedelta(days=1)
        with pytest.raises(QuotaReached):
            await house.ask(3, tomorrow)
        await house.grant(counted_from=NOON + timedelta(minutes=1))
        await house.ask(2, NOON + timedelta(minutes=2))
        await house.grant(pictures_per_day=20, holder=Holder.ROLE, holder_id=ARTISTS)
        with pytest.raises(QuotaReached):
            await house.ask(4, tomorrow)
        await house.ask(4, tomorrow, roles=frozenset({ARTISTS}))


@pytest.mark.parametrize(
    ("server", "granted", "allowed"),
    [
        (None, [], None),
        (5, [], 5),
        (5, [(Holder.ROLE, 9), (Holder.ROLE, 7)], 9),
        (5, [(Holder.ROLE, 9), (Holder.PERSON, 2)], 2),
        (None, [(Holder.ROLE, 9)], 9),
        (5, [(Holder.PERSON, None), (Holder.ROLE, 7)], 7),
        (5, [(Holder.PERSON, 0)], 0),
    ],
)
def test_own_before_roles_and_the_most_generous_role(server, granted, allowed):
    allowances = [
        Allowance(guild_id=GUILD, holder=holder, holder_id=number, pictures_per_day=pictures)
        for number, (holder, pictures) in enumerate(granted)
    ]
    assert pictures_allowed(server, allowances, NOON.date()) == allowed
    more = [replace(one, extra=4, extra_on=NOON.date()) for one in allowances]
    expected = allowed if allowed is None or not more else allowed + 4
    assert pictures_allowed(server, more, NOON.date()) == expected

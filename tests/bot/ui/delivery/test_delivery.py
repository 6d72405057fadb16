"""What a job's message says, and what is asked and made for it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from bot import texts
from bot.core.jobs.presenter import Result, Snapshot
from bot.db.records import Job, NewJob, Origin
from bot.texts import say
from bot.ui.delivery import job_message
from bot.ui.delivery.delivery import PACE_S, QUICK_S, Delivery
from bot.ui.delivery.edits import Edit
from bot.ui.delivery.transport import Transport
from tests.bot.conftest import House
from tests.texts import says


async def test_what_is_said_of_a_job_is_in_the_language_of_who_asked(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    german = texts.FluentResource("job-from = Aus { $where }")
    real = texts._resource
    monkeypatch.setattr(texts, "languages", lambda: {"en", "de"})
    monkeypatch.setattr(texts, "_resource", lambda one: german if one == "de" else real(one))
    shown = await house.mia.slash(house.channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    jobs = house.app.job_store
    record = jobs.record

    async def of_a_german(new_job: NewJob, origin: Origin, *, fair_start: float) -> Job:
        """As Discord says in the interactions of a German."""
        return await record(new_job, replace(origin, locale="de"), fair_start=fair_start)

    monkeypatch.setattr(jobs, "record", of_a_german)
    again = await house.max.click(shown.response, label=say("button-reroll"))
    await house.settle()
    assert "\n-# Aus https://discord.com/channels/" in again.response.content
    texts._bundle.cache_clear()


async def test_texts_are_made_for_what_is_sent_alone(house: House, monkeypatch: pytest.MonkeyPatch):
    made = []
    real = job_message.progress
    monkeypatch.setattr(
        job_message, "progress", lambda job, shown: made.append(shown.step) or real(job, shown)
    )
    house.executor.hold = True
    shown = await house.mia.slash(house.channel, "imagine", prompt="a pear", steps=100)
    for _ in range(3):
        house.executor.let_go(20)
        await house.settle()
    edits = [entry for entry in house.env.http_requests if entry.method == "PATCH"]
    assert len(made) == len(edits) <= 6
    assert says(shown.response.content, "job-progress", step="60", steps="100")


async def test_the_worker_is_asked_for_a_step_once_an_edit_is_due(house: House):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a pear", steps=100)
    house.executor.let_go(1)
    await house.env.advance_time(QUICK_S)
    assert house.executor.looks == []
    await house.env.advance_time(PACE_S)
    assert house.executor.looks == house.executor.requests
    await house.settle()
    assert len(house.executor.looks) == 1, "none was reported, and it is not asked for twice"
    house.executor.let_go(1)
    await house.settle()
    assert len(house.executor.looks) == 2


@pytest.mark.parametrize("code", [10008, 50013])
async def test_nobody_asks_for_steps_that_cannot_be_shown(house: House, code: int):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a pear", steps=100)
    house.env.inject_error("PATCH", "/webhooks/*", status=404, code=code)
    house.executor.let_go(1)
    await house.settle()
    assert house.executor.looks == []


class Edits:
    """A transport that notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def bucket(self, job: Job, _line: object) -> int:
        return job.id

    def file_limit(self, _job: Job, _line: object) -> int:
        return 2**20

    async def edit(self, _job: Job, _line: object, edit: Edit) -> None:
        self.sent.append(edit.content)

    deliver = edit

    async def whisper(self, _job: Job, _text: str) -> bool:
        return True


@pytest.mark.parametrize(("left_s", "edits"), [(0.1, 1), (60.0, 2)])
async def test_what_ends_soon_shows_its_end_alone(house: House, left_s: float, edits: int):
    await house.mia.slash(house.channel, "imagine", prompt="a pear")
    await house.settle()
    job, transport = await house.job(1), Edits()
    delivery = Delivery(cast("Transport", transport))
    delivery.progress(job, Snapshot(1, 4, left_s, None), lambda: None)
    for _ in range(10):
        await asyncio.sleep(0)
    await delivery.done(Result(job, [], [], None))
    await house.env.advance_time(QUICK_S)
    assert len(transport.sent) == edits
    assert transport.sent[-1] == job_message.posted(Result(job, [], [], None))


async def test_what_seemed_to_end_soon_and_does_not_is_shown(house: House):
    house.executor.hold = True
    shown = await house.mia.slash(house.channel, "imagine", prompt="a pear", steps=100)
    house.executor.let_go(99)  # at once, so that the last one cannot take long
    await house.env.advance_time(QUICK_S)
    assert says(shown.response.content, "job-progress", step="99", steps="100")


async def test_places_in_the_queue_wait_a_pace_and_steps_do_not(house: House):
    await house.mia.slash(house.channel, "imagine", prompt="a pear")
    await house.settle()
    job, transport = await house.job(1), Edits()
    delivery = Delivery(cast("Transport", transport), pace_s=0.1)
    delivery.waiting(job, 3)
    await asyncio.sleep(0.01)
    assert transport.sent == [], "its answer told a place a moment ago"
    delivery.waiting(job, 2)
    await _until(lambda: transport.sent == [job_message.waiting(job, 2)])
    delivery.drop(job)

    patient = Delivery(cast("Transport", transport), pace_s=60)
    patient.waiting(job, 1)
    await asyncio.sleep(0.01)
    step = Snapshot(1, 40, 60.0, None)
    patient.progress(job, step, lambda: None)
    await _until(lambda: transport.sent[1:] == [job_message.progress(job, step)])
    patient.drop(job)


async def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "it was not sent"
        await asyncio.sleep(0.01)

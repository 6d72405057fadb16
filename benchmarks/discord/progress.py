"""What the bot does with a step that its worker reports."""

import asyncio
import time
from datetime import UTC, datetime
from typing import cast

from bot.core.jobs.presenter import Snapshot
from bot.db.records import Job, Kind, Origin, Status
from bot.ui.delivery.delivery import Delivery
from bot.ui.delivery.transport import Transport
from generation.request import GenerationRequest, Sampler

EVENTS = 2000


class Nowhere:
    """A transport whose edits take forever, so that nothing but the reports is measured."""

    def bucket(self, job: Job, _line: object) -> int:
        """Name what Discord counts together."""
        return job.id

    async def edit(self, *_: object) -> None:
        """Never return."""
        await asyncio.Event().wait()


def progress_event_us() -> float:
    """Return the CPU time of a step that is reported while another edit is on its way (µs)."""
    return asyncio.run(_report())


async def _report() -> float:
    delivery = Delivery(cast("Transport", Nowhere()))
    job = _job()
    delivery.progress(job, Snapshot(1, EVENTS, 1.0, None), _look)
    await asyncio.sleep(0)  # the first edit begins
    begun = time.process_time()
    for step in range(EVENTS):
        delivery.progress(job, Snapshot(step, EVENTS, 1.0, None), _look)
    spent = time.process_time() - begun
    delivery.drop(job)
    return 1e6 * spent / EVENTS


def _look() -> None:
    """Ask for nothing."""


def _job() -> Job:
    origin = Origin(
        interaction_id=1,
        token="a token",  # noqa: S106 - it opens nothing
        person_id=2,
        person_name="mia",
        channel_id=3,
        guild_id=4,
        asked_at=datetime.now(UTC),
    )
    request = GenerationRequest(
        prompt="a red apple on a wooden table",
        checkpoint="embedded",
        width=512,
        height=512,
        num_images=4,
        num_inference_steps=25,
        guidance_scale=7.5,
        sampler=Sampler.DPMPP_2M_KARRAS,
        seed=0,
    )
    return Job(
        id=1,
        kind=Kind.IMAGINE,
        status=Status.RUNNING,
        origin=origin,
        request=request,
        fair_start=0.0,
        message_id=5,
    )

"""The way of one job from its turn in the queue to its posted pictures."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from bot.services.checking import refusal, verdict
from bot.store.jobs import JobStore
from bot.store.pictures import PictureStore
from bot.store.records import Job, Kind, Status, StoredPicture, Verdict
from bot.texts import say, speaking
from generation.errors import GenerationError, InvalidRequest
from generation.executor import Executor
from generation.journal import JOB
from generation.request import (
    Failed,
    Finished,
    GenerationRequest,
    Loading,
    Picture,
    Progress,
    Request,
    Started,
    UpscaleRequest,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a running job is, from its first step on."""

    step: int
    of: int
    seconds_left: float
    preview: bytes | None


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be posted of a drawn job: the ``pictures`` that may be shown, with their PNG.

    ``held_back`` are those that the rules of the place refuse. ``parent`` is the job that it was
    made from, if it was.
    """

    job: Job
    pictures: list[tuple[StoredPicture, bytes]]
    held_back: list[StoredPicture]
    parent: Job | None


class DeliveryFailed(Exception):
    """Discord could not be told; the text says why, for the job's record."""


class Refused(DeliveryFailed):
    """Discord does not allow it; a line without pictures may still pass."""


class MessageGone(DeliveryFailed):
    """The message was deleted, or the channel around it."""


class Unreachable(DeliveryFailed):
    """Its person alone may see it, its token is dead, and they take no direct messages."""


class TokenDied(DeliveryFailed):
    """The interaction's token answers no more."""


class Presenter(Protocol):
    """Shows a job where it was asked for, in one message.

    ``on_gone`` hears of a message that turns out to be deleted while its job still runs;
    ``on_moved`` of a direct message in place of one that cannot be reached: its channel, its id.
    """

    on_gone: Callable[[Job], Awaitable[None]]
    on_moved: Callable[[Job, int, int], Awaitable[None]]

    def waiting(self, job: Job, place: int) -> None:
        """Show its place in the queue, soon; a newer state may overtake it."""

    def loading(self, job: Job, checkpoint: str) -> None:
        """Show that the checkpoint is being loaded, soon; a newer state may overtake it."""

    def progress(self, job: Job, snapshot: Snapshot) -> None:
        """Show how far it is, soon; a newer state may overtake it."""

    async def done(self, result: Result) -> None:
        """Post the pictures; raises DeliveryFailed. Doing it twice changes nothing."""

    async def failed(self, job: Job, error: Exception) -> None:
        """Say in one line why there are no pictures; raises DeliveryFailed."""

    async def cancelled(self, job: Job) -> None:
        """Say that it was cancelled; raises DeliveryFailed."""

    def drop(self, job: Job) -> None:
        """Show nothing more of a job whose message is gone."""

    def can_answer(self, job: Job) -> bool:
        """Tell whether the interaction can still be asked about its answer."""

    async def find_answer(self, job: Job) -> int | None:
        """Return the id of the first answer, or None where it never arrived.

        Raises TokenDied where nobody can ask any more, DeliveryFailed where Discord is silent.
        """

    async def repost(self, job: Job) -> int:
        """Post the one message that stands in for an answer whose fate cannot be known.

        Raises DeliveryFailed.
        """


class Runner:
    """Takes one job at its turn, draws it, keeps its pictures, posts them, closes its row."""

    def __init__(
        self, *, jobs: JobStore, pictures: PictureStore, executor: Executor, presenter: Presenter
    ) -> None:
        self._jobs = jobs
        self._pictures = pictures
        self._executor = executor
        self._presenter = presenter

    async def run(self, job_id: int, free: Callable[[], None]) -> None:
        """Do all of it; a cancellation takes a RUNNING row back to QUEUED.

        ``free`` is called when the job needs the device no more.
        """
        JOB.set(job_id)
        job = await self._jobs.get(job_id)
        if job is None or job.status not in (Status.QUEUED, Status.RUNNING):
            return
        if job.status is Status.QUEUED and not await self._jobs.running(job_id):
            return
        try:
            await self._develop(job, free)
        except asyncio.CancelledError:
            # A person's cancel has closed the row before; only a stop of the bot finds it RUNNING.
            await self._jobs.requeued(job_id)
            raise
        except Exception as error:
            log.exception("job %d broke", job_id)
            await self._fail(job, error)

    async def _develop(self, job: Job, free: Callable[[], None]) -> None:
        pictures = await self._pictures.of_job(job.id)
        if len(pictures) < job.request.num_images:
            error = await self._draw(job)
            free()
            if error is not None:
                await self._fail(job, error)
                return
            job = await self._jobs.get(job.id) or job
        try:
            await self._presenter.done(await self._load(job))
        except MessageGone as error:
            await self._jobs.ended(job.id, Status.CANCELLED, str(error))
        except Unreachable as error:
            log.info("job %d: kept in the history only: %s", job.id, error)
            await self._jobs.ended(job.id, Status.DONE, f"not posted: {error}")
        except DeliveryFailed as error:
            log.warning("job %d: drawn but not posted: %s", job.id, error)
            await self._fail(job, error)
        else:
            await self._jobs.ended(job.id, Status.DONE)

    async def _draw(self, job: Job) -> GenerationError | None:
        """Draw and keep the pictures; return the error that ended it, if one did."""
        try:
            small = await self._request(job)
            upscales = job.kind is Kind.UPSCALE
            request = await self._upscale_request(job, small) if upscales else small
            async with aclosing(self._run(job, request)) as drawn:
                async for picture in drawn:
                    await self._keep(job, picture)
        except GenerationError as error:
            return error
        return None

    async def _keep(self, job: Job, drawn: Picture) -> None:
        """Write a picture down with what its check led to."""
        led_to = verdict(job, drawn.nsfw)
        index, seed, png, nsfw = drawn.index, drawn.seed, drawn.png, drawn.nsfw
        if led_to is Verdict.REFUSED and not job.keep_refused:
            kept = await self._pictures.drop(
                job_id=job.id, index=index, seed=seed, png=png, nsfw=nsfw
            )
        else:
            kept = await self._pictures.save(
                job_id=job.id, index=index, seed=seed, png=png, nsfw=nsfw, verdict=led_to
            )
        if led_to is Verdict.REFUSED:
            await self._jobs.flag(job.id, refusal(kept))

    async def _request(self, job: Job) -> GenerationRequest:
        """Return what is to be drawn, with the picture that it starts from."""
        if job.source_sha256 is None:
            return job.request
        image = await self._pictures.read_source(job.source_sha256)
        if image is None:
            with speaking(job.origin.locale):
                raise InvalidRequest("image", say("bound-still-stored"))
        return replace(job.request, image=image)

    async def _upscale_request(self, job: Job, small: GenerationRequest) -> UpscaleRequest:
        """Return what is to be enlarged: the parent's picture, drawn again where it was pruned.

        What nobody drew is the picture that was uploaded.
        """
        width, height = small.width, small.height
        png = small.image if job.uploaded else None
        if job.parent_id is not None:
            for picture in await self._pictures.of_job(job.parent_id):
                if picture.index == job.parent_index:
                    stored = await self._pictures.read(picture)
                    if stored is not None:
                        png, width, height = stored, picture.width, picture.height
        if png is None:
            async with aclosing(self._run(job, small)) as drawn:
                pictures = [picture async for picture in drawn]
            png = pictures[0].png
        factor = job.size[0] // width
        return UpscaleRequest(image=png, width=width, height=height, factor=factor, seed=small.seed)

    async def _run(self, job: Job, request: Request) -> AsyncGenerator[Picture, None]:
        """Yield what the executor draws; raises the GenerationError that ends it."""
        started = time.monotonic()
        spent: float | None = None
        try:
            async with aclosing(self._executor.run(request)) as events:
                async for event in events:
                    match event:
                        case Loading(checkpoint):
                            self._presenter.loading(job, checkpoint)
                        case Started(cut):
                            started = time.monotonic()
                            if cut:
                                await self._jobs.shortened(job.id, cut)
                        case Progress(step, of, preview):
                            pace = (time.monotonic() - started) / step
                            self._presenter.progress(
                                job, Snapshot(step, of, pace * (of - step), preview)
                            )
                        case Picture():
                            yield event
                        case Finished(device_seconds):
                            spent = device_seconds
                        case Failed(error, device_seconds):
                            spent = device_seconds
                            raise error
        finally:
            # What was cancelled has used the device, too, and only the clock knows how long.
            if spent is None:
                spent = time.monotonic() - started
            await self._jobs.spent(job.id, spent)

    async def _load(self, job: Job) -> Result:
        loaded, held_back = [], []
        for picture in await self._pictures.of_job(job.id):
            if picture.verdict is Verdict.REFUSED:
                held_back.append(picture)
                continue
            png = await self._pictures.read(picture)
            if png is None:
                raise DeliveryFailed(f"the file of picture {picture.index + 1} is missing")
            loaded.append((picture, png))
        parent = None if job.parent_id is None else await self._jobs.get(job.parent_id)
        return Result(job, loaded, held_back, parent)

    async def _fail(self, job: Job, error: Exception) -> None:
        unposted = isinstance(error, DeliveryFailed)
        why = f"not posted: {error}" if unposted else str(error) or type(error).__name__
        if not await self._jobs.ended(job.id, Status.FAILED, why):
            return
        if unposted and not isinstance(error, Refused):
            return  # there is nobody to say it to
        try:
            await self._presenter.failed(job, error)
        except DeliveryFailed as unshown:
            log.warning("job %d: its failure could not be shown: %s", job.id, unshown)

"""Runs one job, from its turn in the queue to its posted pictures."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress

from bot.core.jobs.job_store import JobStore
from bot.core.jobs.presenter import (
    DeliveryFailed,
    MessageGone,
    Presenter,
    Result,
    Snapshot,
    Unreachable,
)
from bot.core.jobs.watch import Watch
from bot.core.pictures.output_check import refusal, verdict
from bot.core.pictures.picture_store import PictureStore
from bot.db.errors import StoreError, StoreUnwritable
from bot.db.patience import impatient, patient
from bot.db.records import InputRole, Job, Kind, Status, StoredPicture, Verdict
from bot.texts import say, speaking
from generation.errors import GenerationError, InvalidRequest, WorkerDied
from generation.log_context import JOB, SHARD
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
from generation.worker.executor import Executor

log = logging.getLogger(__name__)

REFUSED = Verdict.REFUSED
# What a person calls the picture that cannot be found.
INPUT_FIELDS = {
    InputRole.MASK: "mask",
    InputRole.CONTROL: "control_image",
    InputRole.REFERENCE: "reference",
}
# Limit on the recorded reason why a job ended.
WHY_LENGTH = 300
# Bytes of generated but unwritten pictures above which no job is started.
MOST_UNWRITTEN_BYTES = 256 * 2**20


@dataclass(slots=True)
class Drawn:
    """A job's output, kept in memory until it is on disk.

    ``cut`` are the prompt words beyond the limit, ``seconds`` the device time.
    """

    pictures: list[Picture] = field(default_factory=list)
    cut: str = ""
    seconds: float = 0.0


class Runner:
    """Runs one job: generates, stores and posts its pictures, and closes its row."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        pictures: PictureStore,
        executor: Executor,
        presenter: Presenter,
        watch: Watch,
    ) -> None:
        self._jobs = jobs
        self._pictures = pictures
        self._executor = executor
        self._presenter = presenter
        self._watch = watch
        self._unwritten_bytes = 0

    @property
    def laden(self) -> bool:
        """Whether too much is waiting for the disk for another job to start."""
        return self._unwritten_bytes >= MOST_UNWRITTEN_BYTES

    async def run(self, job_id: int, free: Callable[[], None]) -> None:
        """Run a job to its end; a cancelled task puts a RUNNING row back to QUEUED.

        ``free`` is called once the job no longer needs the device. Writes are retried until they
        succeed. Raises only if the row cannot be read; then `fail` is to be called.
        """
        JOB.set(job_id)
        SHARD.set(None)  # that of whoever made room is none of its business
        with patient():
            job = await self._jobs.get(job_id)
        if job is None or job.status not in (Status.QUEUED, Status.RUNNING):
            return
        drawn = Drawn()
        try:
            with self._waiting(job, drawn):
                if job.status is Status.QUEUED and not await self._jobs.running(job_id):
                    return
            await self._develop(job, drawn, free)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or not task.cancelling():  # no shutdown, but a failure inside
                log.exception("job %d broke", job_id)
                await self.fail(job, error, drawn)
                return
            # A person's cancel has already closed the row; only a shutdown finds it RUNNING.
            await self._put_back(job, drawn)
            raise
        except Exception as error:
            log.exception("job %d broke", job_id)
            await self.fail(job, error, drawn)

    async def _develop(self, job: Job, drawn: Drawn, free: Callable[[], None]) -> None:
        with self._waiting(job, drawn):
            earlier = not self._jobs.is_of_this_run(job.id)
            if earlier and await self._is_kept(job):
                pictures = await self._load(job)
            else:
                error = await self._draw(job, drawn)
                with self._bearing(drawn):
                    free()
                    if error is not None:
                        await self.fail(job, error, drawn)
                        return
                    pictures = await self._write_down(job, drawn)
            job = await self._jobs.get(job.id) or job
            parent = None if job.parent_id is None else await self._jobs.get(job.parent_id)
        free()
        shown = [(picture, png) for picture, png in pictures if picture.verdict is not REFUSED]
        held_back = [picture for picture, _ in pictures if picture.verdict is REFUSED]
        await self._post(Result(job, shown, held_back, parent))

    async def _is_kept(self, job: Job) -> bool:
        """Tell whether all its pictures are stored; one that is not to be kept needs no file."""
        pictures = await self._pictures.of_job(job.id)
        if len(pictures) < job.request.num_images:
            return False
        for picture in pictures:
            dropped = picture.verdict is REFUSED and not job.keep_refused
            if not dropped and not await self._pictures.has(picture):
                log.warning("job %d: the file of picture %d is gone", job.id, picture.index + 1)
                return False
        return True

    async def _post(self, result: Result) -> None:
        job, status, note = result.job, Status.DONE, None
        try:
            await self._presenter.done(result)
        except MessageGone as error:
            status, note = Status.CANCELLED, str(error)
        except Unreachable as error:
            log.info("job %d: kept in the history only: %s", job.id, error)
            note = f"not posted: {error}"
        except DeliveryFailed as error:
            log.warning("job %d: drawn but not posted: %s", job.id, error)
            await self.fail(job, error)
            return
        try:
            with patient():
                await self._jobs.ended(job.id, status, note)
        except StoreError as unwritten:  # it is posted; the next start repeats that in place
            log.error("job %d: its end is not written: %s", job.id, unwritten)  # noqa: TRY400

    @contextmanager
    def _waiting(self, job: Job, drawn: Drawn) -> Iterator[None]:
        """Wait for the disk in this context, and show it if that takes long."""
        with patient(lambda: self._presenter.stalled(job, len(drawn.pictures))):
            yield

    @contextmanager
    def _bearing(self, drawn: Drawn) -> Iterator[None]:
        """Count what is kept in memory until it is written or dropped."""
        held = sum(len(picture.png) for picture in drawn.pictures)
        self._unwritten_bytes += held
        try:
            yield
        finally:
            self._unwritten_bytes -= held

    async def _write_down(self, job: Job, drawn: Drawn) -> list[tuple[StoredPicture, bytes]]:
        """Write the output, and return it; the disk may take all of it at once."""
        verdicts = [verdict(job, picture.nsfw) for picture in drawn.pictures]
        kept = [job.keep_refused or one is not REFUSED for one in verdicts]
        saving = [
            self._pictures.save_file(job.id, picture, led_to, keep=keep)
            for picture, led_to, keep in zip(drawn.pictures, verdicts, kept, strict=True)
        ]
        saved = await asyncio.gather(*saving, return_exceptions=True)
        stored = [_or_raise(one) for one in saved]
        flags = [refusal(one) for one in stored if one.verdict is REFUSED]
        pictures = [(one, was.png) for one, was in zip(stored, drawn.pictures, strict=True)]
        keep = partial(self._pictures.keep, list(compress(pictures, kept)))
        await self._jobs.drawn(job.id, drawn.seconds, stored, keep, cut=drawn.cut, flags=flags)
        drawn.seconds = 0.0
        drawn.pictures.clear()
        return pictures

    async def _spend(self, job: Job, drawn: Drawn) -> None:
        if drawn.seconds:
            await self._jobs.drawn(job.id, drawn.seconds)
            drawn.seconds = 0.0

    async def _put_back(self, job: Job, drawn: Drawn) -> None:
        """Requeue a job for the next start, which also recovers a RUNNING one."""
        with impatient():
            try:
                await self._spend(job, drawn)
                await self._jobs.requeued(job.id)
            except StoreError as error:
                log.warning("job %d: that it waits again is not written: %s", job.id, error)

    async def _draw(self, job: Job, drawn: Drawn) -> GenerationError | None:
        """Generate the pictures; return the error that ended it, if any."""
        try:
            small = await self._request(job)
            upscales = job.kind is Kind.UPSCALE
            request = await self._upscale_request(job, small, drawn) if upscales else small
            async with aclosing(self._run(job, request, drawn)) as pictures:
                drawn.pictures = [picture async for picture in pictures]
        except GenerationError as error:
            return error
        if len(drawn.pictures) < job.request.num_images:
            return WorkerDied("it ended with fewer pictures than were asked for")
        return None

    async def _request(self, job: Job) -> GenerationRequest:
        """Return the request to run, with the pictures that it starts from and needs."""
        request = job.request
        if job.source_sha256 is not None:
            image = await self._needed(job, "image", job.source_sha256)
            request = replace(request, image=image)
        if not job.inputs:
            return request
        found: dict[InputRole, list[bytes]] = {role: [] for role in InputRole}
        for one in job.inputs:
            found[one.role].append(await self._needed(job, INPUT_FIELDS[one.role], one.sha256))
        return replace(
            request,
            mask=next(iter(found[InputRole.MASK]), None),
            control_images=tuple(found[InputRole.CONTROL]),
            reference_images=tuple(found[InputRole.REFERENCE]),
        )

    async def _needed(self, job: Job, field: str, sha256: str) -> bytes:
        png = await self._pictures.read_source(sha256)
        if png is None:
            with speaking(job.origin.locale):
                raise InvalidRequest(field, say("bound-still-stored"))
        return png

    async def _upscale_request(
        self, job: Job, small: GenerationRequest, spent: Drawn
    ) -> UpscaleRequest:
        """Return the upscale to run, of the parent's picture, regenerated if it was pruned.

        Without a parent it is a picture that was uploaded, not generated.
        """
        width, height = small.result_size
        png = small.image if job.uploaded else None
        if job.parent_id is not None:
            for picture in await self._pictures.of_job(job.parent_id):
                if picture.index == job.parent_index:
                    stored = await self._pictures.read(picture)
                    if stored is not None:
                        png, width, height = stored, picture.width, picture.height
        if png is None:
            async with aclosing(self._run(job, small, spent)) as drawn:
                pictures = [picture async for picture in drawn]
            png = pictures[0].png
        factor = job.size[0] // width
        return UpscaleRequest(image=png, width=width, height=height, factor=factor, seed=small.seed)

    async def _run(self, job: Job, request: Request, drawn: Drawn) -> AsyncGenerator[Picture, None]:
        """Yield the executor's events; raises the GenerationError that ends the job.

        Nothing is written meanwhile: a slow disk must not hold the device.
        """
        started = time.monotonic()
        spent: float | None = None
        try:
            async with aclosing(self._executor.run(request)) as events:
                async for event in events:
                    match event:
                        case Loading(checkpoint, share):
                            self._presenter.loading(job, checkpoint, share)
                        case Started(cut):
                            started = time.monotonic()
                            drawn.cut = drawn.cut or cut
                        case Progress(step, of, preview, seconds):
                            pace = (seconds or time.monotonic() - started) / step
                            shown = Snapshot(step, of, pace * (of - step), preview)
                            look = partial(self._executor.look, request)
                            self._presenter.progress(job, shown, look)
                        case Picture():
                            yield event
                        case Finished(device_seconds):
                            spent = device_seconds
                        case Failed(error, device_seconds):
                            spent = device_seconds
                            raise error
        finally:
            # A cancelled job has used the device too, and only the clock knows how long.
            drawn.seconds += time.monotonic() - started if spent is None else spent

    async def _load(self, job: Job) -> list[tuple[StoredPicture, bytes]]:
        """Return the pictures that an earlier run stored; those held back without their files."""
        loaded = []
        for picture in await self._pictures.of_job(job.id):
            held_back = picture.verdict is REFUSED
            png = b"" if held_back else await self._pictures.read(picture)
            if png is None:
                raise StoreUnwritable(f"the file of picture {picture.index + 1} does not stay")
            loaded.append((picture, png))
        return loaded

    async def fail(self, job: Job, error: BaseException, drawn: Drawn | None = None) -> None:
        """Close the row and say why there are no pictures: in its message, or to its person."""
        self._watch.job_failed(error)
        drawn = drawn or Drawn()
        drawn.pictures.clear()
        unposted = isinstance(error, DeliveryFailed)
        why = f"not posted: {error}" if unposted else str(error) or type(error).__name__
        # Otherwise there is nobody to tell.
        audible = not isinstance(error, MessageGone | Unreachable)
        close, written = self._jobs.closed if audible else self._jobs.ended, True
        try:
            with self._waiting(job, drawn):
                await self._spend(job, drawn)
                if not await close(job.id, Status.FAILED, shortened(why)):
                    return
        except StoreError as unwritten:  # the next start recovers it
            log.error("job %d: that it failed is not written: %s", job.id, unwritten)  # noqa: TRY400
            written = False
        if audible:
            await self._show_failed(job, error)
            if written:
                with patient():
                    await self._jobs.told(job.id)

    async def _show_failed(self, job: Job, error: BaseException) -> None:
        try:
            await self._presenter.failed(job, error)
        except DeliveryFailed as unshown:
            log.warning("job %d: its failure could not be shown: %s", job.id, unshown)
        except Exception:
            log.exception("job %d: its failure could not be shown", job.id)


def _or_raise(outcome: StoredPicture | BaseException) -> StoredPicture:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def shortened(why: str) -> str:
    """Return the reason a job ended as one line for its row, whatever it quotes."""
    return " ".join(why[: 20 * WHY_LENGTH].split())[:WHY_LENGTH]

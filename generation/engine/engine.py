"""The synchronous engine on one device: add, cancel, step."""

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial

import torch

from generation.catalog import Catalog
from generation.conditions.adapters.adapter_pool import AdapterPool
from generation.conditions.steering import SteeringPool
from generation.engine import safety
from generation.engine.active_requests import (
    BetweenPasses,
    Drawing,
    UpscaleTask,
    checkpoint_of,
    finished,
    memory_guard,
    out_of_memory,
    source_of,
    step_guard,
    warm_up_request,
)
from generation.engine.batcher import Batcher, Bucket
from generation.engine.device import pick_device
from generation.engine.forward import Forward
from generation.engine.postprocess import Postprocess
from generation.engine.row_profiling import Profiles
from generation.engine.sample import Sample
from generation.errors import Cancelled, GenerationError, NotChecked, OutOfMemory
from generation.families.pipeline import Pipeline
from generation.loading.memory import free_bytes, release, used_and_total
from generation.loading.model_cache import ModelCache
from generation.log_context import JOB, about
from generation.options import DETERMINISTIC_ROWS, EngineOptions
from generation.request import (
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Loading,
    Progress,
    Request,
    Started,
    UpscaleRequest,
)
from generation.source_image import decode
from generation.upscaler.tiles import Upscaler
from generation.worker.tally import Tally

WARM_UP = 0  # the key of the warm-up request; all others are at least 1
ADMITTING_S = 0.1  # a tick, or one request: those that are drawn wait meanwhile

Events = list[tuple[int, Event]]


class Engine:
    """Runs many requests together: each tick is one forward pass for all samples of one bucket.

    ``on_event`` is called immediately for what cannot wait for the end of the tick: that a
    request's checkpoint is being loaded, which may take minutes. ``alive`` is called within a tick
    that takes much longer than a step, at least once for as long as a step takes.
    """

    def __init__(
        self,
        catalog: Catalog,
        device: torch.device | None = None,
        on_event: Callable[[int, Loading], None] = lambda _key, _event: None,
        options: EngineOptions | None = None,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self.device = device or pick_device()
        self._catalog = catalog
        self._on_event = on_event
        self._options = options or EngineOptions()
        self._adapters = AdapterPool(catalog, self.device)
        self._steering = SteeringPool(catalog, self.device)
        self.cache = ModelCache(catalog, self.device, self._options, self._steering.drop_idle)
        self._profiles = Profiles(self.device, self._options.profiles, alive)
        self._fixed_rows = DETERMINISTIC_ROWS if self._options.deterministic else self._options.rows
        self._forward = Forward(
            self._make_room, (DETERMINISTIC_ROWS,) if self._options.deterministic else ()
        )
        self._batcher = Batcher()
        self.tally = Tally(partial(used_and_total, self.device))
        self._upscaler = Upscaler(self.device)
        self._postprocess = Postprocess()
        self._waiting: dict[int, Request] = {}
        self._aboard: dict[int, Drawing | UpscaleTask] = {}
        self._jobs: dict[int, int | None] = {}  # their names in the log
        self._undecoded: deque[Sample] = deque()
        self._unenlarged: deque[UpscaleTask | BetweenPasses] = deque()  # the next one first
        self._cancelled: Events = []
        self.rows = self._fixed_rows or 1  # of the default checkpoint's forward, once warmed up

    @property
    def idle(self) -> bool:
        """Whether the next tick has nothing to do."""
        return not (self._waiting or self._aboard or self._cancelled)

    def add(self, key: int, request: Request) -> None:
        """Queue a request under the caller's key, from 1 up; it ends in Finished or Failed."""
        known = {*self._waiting, *self._aboard}
        self._jobs = {one: job for one, job in self._jobs.items() if one in known}
        self._jobs[key] = JOB.get()
        self._waiting[key] = request

    def cancel(self, key: int) -> None:
        """Drop a request wherever it is; the next tick reports Failed(Cancelled), its last event.

        Unknown and finished keys are ignored.
        """
        if key in self._waiting:
            del self._waiting[key]
            self._cancelled.append((key, Failed(Cancelled("cancelled"))))
        elif key in self._aboard:
            self._cancelled.append(self._fail(key, Cancelled("cancelled")))

    @torch.inference_mode()
    def look(self, key: int) -> Progress | None:
        """Return how far a request is, with a preview, if that is further than at the last one.

        None, also for unknown keys: then its next step brings one, as its first does unasked.
        """
        aboard = self._aboard.get(key)
        return aboard.look() if isinstance(aboard, Drawing) else None

    @torch.inference_mode()
    def step(self) -> Events:
        """Run one tick: a few admissions, one forward pass, one decode or upscaled tile.

        Return its events. A request that cannot be generated ends in Failed. Any other error of the
        device is raised, after which the engine must not be used.
        """
        events, self._cancelled = self._cancelled, []
        events += self._admit_some()
        events += self._board()
        if (bucket := self._batcher.pick()) is not None:
            events += self._denoise(bucket)
        if self._undecoded:
            with about(self._jobs.get(self._undecoded[0].key)):
                events += self._decode(self._undecoded[0])
        elif self._unenlarged:
            with about(self._jobs.get(self._unenlarged[0].key)):
                events += self._enlarge(self._unenlarged[0])
        return events + self._finish()

    def _admit_some(self) -> Events:
        """Admit those that wait, the first first, until that has taken ``ADMITTING_S``.

        One that cannot be admitted yet lets others pass only while its checkpoint is loading.
        """
        self.cache.stop_loading_all_but(map(checkpoint_of, self._waiting.values()))
        until, events = time.monotonic() + ADMITTING_S, Events()
        for key, request in list(self._waiting.items()):
            with about(self._jobs.get(key)):
                found = self._admit(key, request)
            events += found
            passes = bool(found) or self.cache.is_loading(checkpoint_of(request))
            if not passes or time.monotonic() >= until:
                break
        return events

    def _admit(self, key: int, request: Request) -> Events:
        """Admit a request, if it is valid and there is memory for it."""
        started: Started | None
        try:
            with memory_guard(request):
                if isinstance(request, UpscaleRequest):
                    started = self._prepare_enlarging(key, request)
                else:
                    started = self._prepare_drawing(key, request)
        except GenerationError as error:
            if isinstance(error, OutOfMemory) and self._make_room(checkpoint_of(request)):
                return []  # the next tick tries again
            del self._waiting[key]
            return [(key, Failed(error))]
        if started is None:
            return []  # until active requests finish and their checkpoints can be unloaded
        del self._waiting[key]
        return [(key, started)]

    def _prepare_enlarging(self, key: int, request: UpscaleRequest) -> Started:
        picture = decode(request.image, request.width, request.height, ("RGB", "RGBA"))
        alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
        work = self._upscaler.start(picture.convert("RGB"), request.factor)
        enlarging = UpscaleTask(key, request, work, alpha)
        self._aboard[key] = enlarging
        self._unenlarged.append(enlarging)
        return Started()

    def _prepare_drawing(self, key: int, request: GenerationRequest) -> Started | None:
        """Load what the request needs, and encode its prompts; None: no room yet."""
        checkpoint = self._catalog[request.checkpoint]
        source = source_of(request, self._adapters.samplers(checkpoint, request))
        pipeline = self.cache.take(
            request.checkpoint,
            lambda name, share: self._on_event(key, Loading(name, share)),
            in_use=self._in_use,
        )
        if pipeline is None or (lease := self._adapters.take(pipeline, request)) is None:
            return None
        if (steerings := self._steering.take(pipeline, request)) is None:
            return None
        drawing = Drawing(key, request, pipeline, source, lease, steerings)
        self._aboard[key] = drawing
        return Started(drawing.cut)

    def _board(self) -> Events:
        """Let samples join their buckets in the order of their requests, as rows are free.

        Of a request, those in their second pass come first.
        """
        full: set[Bucket] = set()
        failed: Events = []
        for drawing in self._drawings:
            try:
                for one in reversed(drawing.passes):
                    while one.waiting and one.bucket not in full:
                        if self._has_room(drawing, one.bucket):
                            with step_guard(one.request):
                                self._batcher.join(drawing.next_sample(one))
                        else:
                            full.add(one.bucket)
            except GenerationError as error:
                failed.append(self._fail(drawing.key, error))
        return failed

    def _has_room(self, drawing: Drawing, bucket: Bucket) -> bool:
        """Whether another of its pictures can join: beside others, only as long as it pays."""
        rows = self._batcher.rows(bucket) + drawing.rows
        if rows == drawing.rows:
            return True
        paying, fitting = self._row_limits(drawing.pipeline, bucket)
        alone = all(sample.key == drawing.key for sample in self._batcher.of(bucket))
        return rows <= (fitting if alone else paying)

    def _row_limits(self, pipeline: Pipeline, bucket: Bucket) -> tuple[int, int]:
        """Return how many rows are worth batching, and how many fit the device."""
        paying = fitting = self._fixed_rows
        if not self._fixed_rows:
            profile = self._profiles.of(pipeline, bucket)
            paying, fitting = profile.knee, profile.fitting(free_bytes(self.device))
        fitting = min(fitting, self._forward.limit(bucket))
        return min(paying, fitting), fitting

    def _denoise(self, bucket: Bucket) -> Events:
        """Take one step of every sample in the bucket with one forward pass."""
        samples = list(self._batcher.of(bucket))
        keys = {sample.key for sample in samples}
        drawings = [drawing for drawing in self._drawings if drawing.key in keys]
        pipeline = drawings[0].pipeline
        begun = time.monotonic()
        outputs: list[torch.Tensor] = []
        with contextlib.suppress(OutOfMemory):
            outputs = self._forward.predict(pipeline, samples)
        failed: dict[int, GenerationError] = {}
        for sample, output in zip(samples, outputs, strict=bool(outputs)):
            try:
                with step_guard(sample.request):
                    sample.advance(output)
            except GenerationError as error:
                failed[sample.key] = error
            if sample.done:
                self._batcher.leave(sample)
                self._undecoded.append(sample)
        pipeline.wait()
        seconds = time.monotonic() - begun
        self._batcher.spend(bucket, seconds)
        rows = Counter(sample.key for sample in samples for _ in range(sample.rows))
        paying = self._fixed_rows or self._profiles.knee(bucket) or self.rows
        self.tally.add(seconds, rows.total(), paying)
        for drawing in drawings:
            drawing.device_seconds += seconds * rows[drawing.key] / rows.total()
        if not outputs:
            failed = {one.key: out_of_memory(one.request) for one in drawings}
        events: Events = [self._fail(key, error) for key, error in failed.items()]
        for drawing in drawings:
            if drawing.key not in failed and (progress := drawing.progress()) is not None:
                events.append((drawing.key, progress))
        return events

    def _decode(self, sample: Sample) -> Events:
        """Decode a picture's final latents."""
        drawing = next(one for one in self._drawings if one.key == sample.key)
        begun = time.monotonic()
        try:
            with memory_guard(drawing.request):
                pixels = drawing.pipeline.decode(sample.latents, tiled=sample.request.tiling)
                between = drawing.enlarging(sample, pixels, self._upscaler)
        except OutOfMemory as error:
            if self._make_room() or drawing.pipeline.spare_memory(sample.latents):
                return []  # the next tick tries again
            return [self._fail(sample.key, error)]
        finally:
            seconds = time.monotonic() - begun
            drawing.device_seconds += seconds
            self._batcher.spend(sample.bucket, seconds)
        self._undecoded.remove(sample)
        if between is not None:
            self._unenlarged.append(between)
            return []
        describe = partial(drawing.describe, sample.seed) if self._options.metadata else None
        checks = self._options.safety
        score = partial(safety.score, checker=drawing.pipeline.checker) if checks else None
        whole = partial(finished, pixels, drawing.pasted_on(sample), sample.request.feather)
        key, index, seed = sample.key, sample.index, sample.seed
        self._postprocess.add(key, index, seed, whole, describe=describe, score=score)
        return []

    def _enlarge(self, enlarging: UpscaleTask | BetweenPasses) -> Events:
        """Upscale one tile; the next may be another request's."""
        key, begun = enlarging.key, time.monotonic()
        try:
            with memory_guard(enlarging.request):
                enlarging.step()
        except OutOfMemory as error:
            return [] if self._make_room() else [self._fail(key, error)]
        finally:
            enlarging.device_seconds += time.monotonic() - begun
        self._unenlarged.rotate(-1)
        if enlarging.done:
            self._unenlarged.remove(enlarging)
        if isinstance(enlarging, BetweenPasses):
            return []
        if enlarging.done:
            describe = enlarging.describe if self._options.metadata else None
            score = safety.score if self._options.safety else None
            seed = enlarging.request.seed
            self._postprocess.add(key, 0, seed, enlarging.pixels, describe=describe, score=score)
        return [(key, enlarging.progress())]

    def _finish(self) -> Events:
        """Return pictures whose files are ready, and which requests have ended."""
        events: Events = []
        resting = not (self._waiting or self._batcher or self._undecoded or self._unenlarged)
        for key, picture in self._postprocess.take(resting=resting):
            if isinstance(picture, NotChecked):
                events.append(self._fail(key, picture))
                continue
            aboard = self._aboard[key]
            aboard.pictures_told += 1
            events.append((key, picture))
            if aboard.pictures_told == aboard.request.num_images:
                del self._aboard[key]
                events.append((key, Finished(aboard.device_seconds)))
        return events

    def _fail(self, key: int, error: GenerationError) -> tuple[int, Failed]:
        """Remove a request, wherever its pictures are."""
        aboard = self._aboard.pop(key)
        if isinstance(aboard, Drawing):
            for sample in aboard.samples:
                if not sample.done:
                    self._batcher.leave(sample)
        self._undecoded = deque(one for one in self._undecoded if one.key != key)
        self._unenlarged = deque(one for one in self._unenlarged if one.key != key)
        self._postprocess.drop(key)
        return key, Failed(error, aboard.device_seconds)

    @property
    def _drawings(self) -> list[Drawing]:
        return [aboard for aboard in self._aboard.values() if isinstance(aboard, Drawing)]

    @property
    def _in_use(self) -> set[str]:
        return {drawing.request.checkpoint for drawing in self._drawings}

    def _make_room(self, *wanted: str) -> bool:
        """Free memory on the device; return whether anything that was loaded was unloaded."""
        dropped = self._adapters.drop_idle()
        dropped |= self._steering.drop_idle()
        dropped |= self.cache.drop_all_but(self._in_use.union(wanted))
        if not dropped and self.device.type != "cpu":
            release(self.device)
        return dropped

    def warm_up(self) -> GenerationError | None:
        """Load the default checkpoint, generate once, and measure how many rows pay.

        Return the error if the checkpoint cannot be loaded: others may still work.
        """
        try:
            checkpoint = self._catalog[self._catalog.default]
        except GenerationError as error:
            return error
        request = warm_up_request(checkpoint)
        self.add(WARM_UP, request)
        while not self.idle:
            for _, event in self.step():
                if isinstance(event, Failed):
                    return event.error
        if (pipeline := self.cache.take(checkpoint.name, lambda _name, _share: None)) is not None:
            shape = tuple(pipeline.latents(request.width, request.height).shape[1:])
            self.rows, _ = self._row_limits(pipeline, Bucket(checkpoint.name, shape))
        return None

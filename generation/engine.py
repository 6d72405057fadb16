"""The synchronous core on one device: add, cancel, step."""

import contextlib
import io
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from PIL import Image

from generation.batcher import Batcher, Bucket
from generation.catalog import Catalog
from generation.errors import Cancelled, GenerationError, InvalidRequest, OutOfMemory
from generation.forward import Forward
from generation.memory import free_bytes, is_out_of_memory, release
from generation.options import DETERMINISTIC_ROWS, EngineOptions
from generation.pipeline import DrawLatents, Pipeline, Prompts, pick_device
from generation.preview import draw_preview
from generation.profile import Profiles
from generation.request import (
    Aspect,
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Loading,
    Picture,
    Progress,
    Started,
)
from generation.sample import Sample
from generation.shelf import Shelf
from generation.source_image import decode

PREVIEW_EVERY_S = 1.5  # as often as a message may be edited
WARM_UP = 0  # the key of the request that warms up; nobody else's is below 1

Events = list[tuple[int, Event]]


@dataclass(slots=True, eq=False)
class _Aboard:
    """A request whose checkpoint is loaded and whose prompts are read.

    ``samples`` are its pictures that have joined, in order; the others wait for free rows.
    """

    key: int
    request: GenerationRequest
    bucket: Bucket
    pipeline: Pipeline
    prompts: Prompts
    start: DrawLatents | None
    samples: list[Sample] = field(default_factory=list)
    decoded: int = 0
    step_told: int = 0
    preview_due: float = 0.0
    device_seconds: float = 0.0

    @property
    def rows(self) -> int:
        """How many rows each of its pictures takes."""
        return 2 if self.request.guided else 1

    @property
    def step(self) -> int:
        """How many steps its pictures have taken, on the average."""
        return sum(sample.step for sample in self.samples) // self.request.num_images


class Engine:
    """Draws many requests together: each tick is one forward for everybody in one bucket.

    ``on_event`` is called at once with what cannot wait for the end of the tick: that a request's
    checkpoint is being loaded, which may take minutes.
    """

    def __init__(
        self,
        catalog: Catalog,
        device: torch.device | None = None,
        on_event: Callable[[int, Loading], None] = lambda _key, _event: None,
        options: EngineOptions | None = None,
    ) -> None:
        self.device = device or pick_device()
        self._catalog = catalog
        self._on_event = on_event
        self._options = options or EngineOptions()
        self._shelf = Shelf(catalog, self.device, self._options.compile)
        self._profiles = Profiles(self.device, self._options.profiles)
        self._fixed_rows = self._options.rows
        if self._options.deterministic:
            self._fixed_rows = DETERMINISTIC_ROWS
        self._forward = Forward(
            self._make_room, (DETERMINISTIC_ROWS,) if self._options.deterministic else ()
        )
        self._batcher = Batcher()
        self._waiting: dict[int, GenerationRequest] = {}
        self._aboard: dict[int, _Aboard] = {}
        self._undecoded: deque[Sample] = deque()
        self._cancelled: Events = []
        self.rows = self._fixed_rows or 1  # of the default checkpoint's forward, once it is warm

    @property
    def idle(self) -> bool:
        """Whether the next tick has nothing to do."""
        return not (self._aboard or self._waiting or self._cancelled)

    def add(self, key: int, request: GenerationRequest) -> None:
        """Queue a request under a key of the caller's, from 1 up; it ends in Finished or Failed."""
        self._waiting[key] = request

    def cancel(self, key: int) -> None:
        """Drop a request wherever it is; the next tick says Failed(Cancelled) and no more of it.

        A key that is unknown, or finished already, is no error.
        """
        if key in self._aboard:
            self._cancelled.append(self._fail(key, Cancelled("cancelled")))
        elif self._waiting.pop(key, None) is not None:
            self._cancelled.append((key, Failed(Cancelled("cancelled"))))

    @torch.inference_mode()
    def step(self) -> Events:
        """Run one tick: one request let in, at most one forward and one decode; say what happened.

        A request that cannot be drawn ends in Failed. Any other error of the device is raised,
        and the engine is not to be used after it.
        """
        events, self._cancelled = self._cancelled, []
        events += self._admit()
        self._board()
        bucket = self._batcher.pick()
        if bucket is not None:
            events += self._denoise(bucket)
        if self._undecoded:
            events += self._decode(self._undecoded[0])
        return events

    def _admit(self) -> Events:
        """Let the first that waits in: load its checkpoint if need be, and read its prompts."""
        if not self._waiting:
            return []
        key, request = next(iter(self._waiting.items()))
        try:
            with _memory_guard(request):
                picture = self._check(request)
                pipeline = self._shelf.take(
                    request.checkpoint,
                    lambda name: self._on_event(key, Loading(name)),
                    in_use=self._in_use,
                )
                if pipeline is None:
                    return []  # until those aboard have finished and their checkpoints can go
                prompts = pipeline.encode_prompts(
                    request.prompt, request.negative_prompt if request.guided else None
                )
                start = None if picture is None else pipeline.encode_picture(picture)
        except GenerationError as error:
            if isinstance(error, OutOfMemory) and self._make_room(request.checkpoint):
                return []  # the next tick tries again
            del self._waiting[key]
            return [(key, Failed(error))]
        del self._waiting[key]
        bucket = Bucket(request.checkpoint, request.width, request.height, prompts.chunks)
        self._aboard[key] = _Aboard(key, request, bucket, pipeline, prompts, start)
        return [(key, Started(prompts.cut))]

    def _check(self, request: GenerationRequest) -> Image.Image | None:
        """Return the picture to start from, if any; raise what loading cannot mend."""
        samplers = self._catalog[request.checkpoint].samplers
        if request.sampler not in samplers:
            raise InvalidRequest("sampler", "one of " + ", ".join(samplers))
        if request.strength is None:
            return None
        if request.image is None:
            raise InvalidRequest("image", "there, for strength to have a meaning")
        return decode(request.image, request.width, request.height)

    def _board(self) -> None:
        """Let samples join their buckets in the order of their requests, as rows are free."""
        full: set[Bucket] = set()
        for aboard in self._aboard.values():
            bucket = aboard.bucket
            while len(aboard.samples) < aboard.request.num_images and bucket not in full:
                if not self._has_room(aboard, bucket):
                    full.add(bucket)
                    break
                sample = Sample(
                    aboard.key,
                    bucket,
                    aboard.request,
                    len(aboard.samples),
                    aboard.prompts,
                    aboard.pipeline.scheduler_config,
                    aboard.pipeline.latent_shape(bucket.width, bucket.height),
                    aboard.start,
                )
                aboard.samples.append(sample)
                self._batcher.join(sample)

    def _has_room(self, aboard: _Aboard, bucket: Bucket) -> bool:
        """Whether one more picture of a request can join: in company, only as long as it pays."""
        rows = self._batcher.rows(bucket) + aboard.rows
        if rows <= aboard.rows:
            return True
        paying, fitting = self._row_limits(aboard.pipeline, bucket)
        alone = all(sample.key == aboard.key for sample in self._batcher.of(bucket))
        return rows <= (fitting if alone else paying)

    def _row_limits(self, pipeline: Pipeline, bucket: Bucket) -> tuple[int, int]:
        """Return how many rows a forward is worth filling with, and how many the device holds."""
        paying = fitting = self._fixed_rows
        if not self._fixed_rows:
            profile = self._profiles.of(pipeline, bucket)
            paying, fitting = profile.knee, profile.fitting(free_bytes(self.device))
        fitting = min(fitting, self._forward.limit(bucket))
        return min(paying, fitting), fitting

    def _denoise(self, bucket: Bucket) -> Events:
        """Take one step of every sample in the bucket with one forward."""
        samples = list(self._batcher.of(bucket))
        keys = list(dict.fromkeys(sample.key for sample in samples))
        pipeline = self._aboard[keys[0]].pipeline
        begun = time.monotonic()
        outputs: list[torch.Tensor] = []
        with contextlib.suppress(OutOfMemory):
            outputs = self._forward.predict(pipeline, samples)
        for sample, output in zip(samples, outputs, strict=bool(outputs)):
            sample.advance(output)
            if sample.done:
                self._batcher.leave(sample)
                self._undecoded.append(sample)
        pipeline.wait()
        seconds = time.monotonic() - begun
        self._batcher.spend(bucket, seconds)
        rows = sum(sample.rows for sample in samples)
        for sample in samples:
            self._aboard[sample.key].device_seconds += seconds * sample.rows / rows
        if not outputs:
            return [self._fail(key, _out_of_memory(self._aboard[key].request)) for key in keys]
        return [event for key in keys for event in self._progress(self._aboard[key])]

    def _progress(self, aboard: _Aboard) -> Events:
        """Say how far a request is, if it came further, with a look at it if one is due."""
        if aboard.step <= aboard.step_told:
            return []
        aboard.step_told = aboard.step
        now, preview = time.monotonic(), None
        if now >= aboard.preview_due:
            aboard.preview_due = now + PREVIEW_EVERY_S
            pipeline = aboard.pipeline
            clean = [sample.clean(pipeline.prediction_type) for sample in aboard.samples]
            preview = draw_preview(torch.cat(clean), pipeline.preview_colours)
        return [(aboard.key, Progress(aboard.step, aboard.samples[0].steps, preview))]

    def _decode(self, sample: Sample) -> Events:
        """Turn a picture's last latents into a PNG file."""
        key, aboard = sample.key, self._aboard[sample.key]
        begun = time.monotonic()
        try:
            with _memory_guard(aboard.request):
                png = _png(aboard.pipeline.decode(sample.latents))
        except OutOfMemory as error:
            return [] if self._make_room() else [self._fail(key, error)]
        finally:
            seconds = time.monotonic() - begun
            aboard.device_seconds += seconds
            self._batcher.spend(sample.bucket, seconds)
        self._undecoded.remove(sample)
        aboard.decoded += 1
        events: Events = [(key, Picture(sample.index, sample.seed, png))]
        if aboard.decoded == aboard.request.num_images:
            del self._aboard[key]
            events.append((key, Finished(aboard.device_seconds)))
        return events

    def _fail(self, key: int, error: GenerationError) -> tuple[int, Failed]:
        """Take a request's pictures out wherever they are."""
        aboard = self._aboard.pop(key)
        for sample in aboard.samples:
            if not sample.done:
                self._batcher.leave(sample)
            elif sample in self._undecoded:
                self._undecoded.remove(sample)
        return key, Failed(error, aboard.device_seconds)

    @property
    def _in_use(self) -> set[str]:
        return {aboard.request.checkpoint for aboard in self._aboard.values()}

    def _make_room(self, *wanted: str) -> bool:
        """Give back what the device can spare; return whether a checkpoint was among it."""
        dropped = self._shelf.drop_all_but(self._in_use.union(wanted))
        if not dropped and self.device.type != "cpu":
            release(self.device)
        return dropped

    def warm_up(self) -> GenerationError | None:
        """Load the default checkpoint, draw once, and measure how many rows pay.

        Return the error of a checkpoint that cannot be loaded: the others may still serve.
        """
        try:
            checkpoint = self._catalog[self._catalog.default]
        except GenerationError as error:
            return error
        width, height = checkpoint.size_for(Aspect.SQUARE)
        self.add(
            WARM_UP,
            GenerationRequest(
                prompt="warm-up",
                checkpoint=checkpoint.name,
                width=width,
                height=height,
                num_inference_steps=1,
                guidance_scale=checkpoint.guidance_scale,
                sampler=checkpoint.sampler,
                seed=0,
            ),
        )
        while not self.idle:
            for _, event in self.step():
                if isinstance(event, Failed):
                    return event.error
        pipeline = self._shelf.take(checkpoint.name, lambda _name: None)
        if pipeline is not None:
            self.rows, _ = self._row_limits(pipeline, Bucket(checkpoint.name, width, height, 1))
        return None


def _png(pixels: torch.Tensor) -> bytes:
    """Return uint8 [height, width, 3] as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG")
    return file.getvalue()


def _out_of_memory(request: GenerationRequest) -> OutOfMemory:
    return OutOfMemory(
        f"not enough memory for {request.num_images} × {request.width}×{request.height} px;"
        " fewer or smaller pictures may fit"
    )


@contextlib.contextmanager
def _memory_guard(request: GenerationRequest) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise _out_of_memory(request) from error

"""Requests that the engine is working on, and errors that end one of them."""

import contextlib
import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.catalog import Checkpoint
from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.adapter_pool import Lease
from generation.conditions.adapters.row_adapters import AdapterSet, adapter_set
from generation.conditions.inpainting import Start
from generation.conditions.steering import Steering
from generation.editing.masks import Mask, feathered, paste, read_mask, wrapped
from generation.editing.masks import enlarged as enlarged_mask
from generation.engine.batcher import Bucket
from generation.engine.preview import as_small, draw_preview
from generation.engine.sample import Sample
from generation.errors import GenerationError, InvalidRequest, OutOfMemory, StepFailed
from generation.families.pipeline import Pipeline, Prompts
from generation.loading.memory import is_out_of_memory
from generation.loading.model_hash import adapter_hash, model_hash
from generation.metadata.infotext import describe, enlarged
from generation.metadata.png import chunks, read
from generation.phrases import Phrase
from generation.request import (
    Aspect,
    GenerationRequest,
    Progress,
    Request,
    Sampler,
    UpscaleRequest,
)
from generation.source_image import decode
from generation.upscaler.tiles import Upscaler, Upscaling

log = logging.getLogger(__name__)

WRAPPED = 16  # px of the opposite edges that a picture is enlarged with; more than a net sees


@dataclass(frozen=True, slots=True)
class Source:
    """What a request draws over: a picture, and which part of it if not all."""

    picture: Image.Image
    mask: Mask | None = None


@dataclass(slots=True, eq=False)
class Pass:
    """One way through the steps; the second draws over what the first has drawn, enlarged.

    ``waiting`` are the pictures that can join as rows are free: their index, and what they begin
    with. ``sources`` are what each is pasted on, where only a part is drawn.
    """

    request: GenerationRequest
    bucket: Bucket
    prompts: Prompts
    steering: Steering
    waiting: deque[tuple[int, Start]] = field(default_factory=deque)
    sources: dict[int, "Source"] = field(default_factory=dict)

    @classmethod
    def of(
        cls, request: GenerationRequest, pipeline: Pipeline, lease: Lease, steering: Steering
    ) -> Self:
        """Return the pass with its prompts encoded, and no pictures yet."""
        prompts = pipeline.encode(request, lease.adapters)
        shape = pipeline.latents(request.width, request.height).shape[1:]
        bucket = Bucket(request.checkpoint, tuple(shape), prompts.shapes)
        return cls(request, bucket, prompts, steering)


@dataclass(slots=True, eq=False)
class Drawing:
    """A request being generated: its checkpoint is loaded and its prompts are encoded.

    ``samples`` are the pictures that have joined a pass, in order. Its ``lease`` keeps its adapters
    loaded, and ``steerings`` are what steers each pass.
    """

    key: int
    request: GenerationRequest
    pipeline: Pipeline
    source: Source | None
    lease: Lease
    steerings: Sequence[Steering]
    passes: list[Pass] = field(init=False)
    samples: list[Sample] = field(default_factory=list)
    pictures_told: int = 0
    step_told: int = 0
    step_seen: int = 0  # of the last preview
    preview_wanted: bool = True
    begun: float = field(default_factory=time.monotonic)
    device_seconds: float = 0.0
    _set: AdapterSet = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._set = adapter_set(self.lease.adapters, Part.DENOISER)
        self.passes = [
            Pass.of(one, self.pipeline, self.lease, steering)
            for one, steering in zip(self.request.passes, self.steerings, strict=True)
        ]
        picture, mask = (self.source.picture, self.source.mask) if self.source else (None, None)
        start, every = (
            self.pipeline.start(self.request, picture, mask),
            range(self.request.num_images),
        )
        self.passes[0].waiting.extend((index, start) for index in every)
        if self.source is not None and self.source.mask is not None:
            self.passes[0].sources = dict.fromkeys(every, self.source)

    @property
    def cut(self) -> str:
        """The words of its prompts beyond the text encoder's limit."""
        return self.passes[0].prompts.cut

    @property
    def rows(self) -> int:
        """How many rows of a forward pass each of its pictures takes."""
        return 1 if self.passes[0].prompts.negative is None else 2

    @property
    def step(self) -> int:
        """The average number of steps its pictures have taken, in all passes."""
        return sum(sample.step for sample in self.samples) // self.request.num_images

    @property
    def steps(self) -> int:
        """How many steps each picture takes, in all passes."""
        later = sum(one.request.forwards for one in self.passes[1:])
        return self.samples[0].steps + later

    def progress(self) -> Progress | None:
        """Return how far it is, if that is further than before, with a preview if one is wanted."""
        if self.step <= self.step_told:
            return None
        self.step_told = self.step
        if self.preview_wanted:
            return self.look()
        return Progress(self.step, self.steps, None, time.monotonic() - self.begun)

    def look(self) -> Progress | None:
        """Return how far it is, with a preview; None until that is further than at the last one."""
        self.preview_wanted = self.step_told <= self.step_seen
        if self.preview_wanted:
            return None
        self.step_seen = self.step_told
        preview = None
        with contextlib.suppress(GenerationError), step_guard(self.request):
            # Each picture's latest pass.
            begun = {sample.index: sample for sample in self.samples if sample.step}
            clean = [begun[index].clean() for index in sorted(begun)]
            preview = draw_preview(as_small(clean), self.pipeline.preview_colours)
        return Progress(self.step_told, self.steps, preview, time.monotonic() - self.begun)

    def describe(self, seed: int) -> PngInfo:
        """Return the metadata for its picture with this seed; reads each file of weights once."""
        source = self.pipeline.source
        shown = (
            None
            if source is None
            else model_hash(self.request.checkpoint, source, self.pipeline.architecture)
        )
        hashes = {name: adapter_hash(file) for name, file in self.lease.files.items()}
        known = {name: digits for name, digits in hashes.items() if digits is not None}
        said = describe(self.request, seed=seed, model_hash=shown, adapter_hashes=known)
        return chunks(said)

    def next_sample(self, of: Pass) -> Sample:
        """Return the next picture before its first step; it counts as joined from now on."""
        if not self.samples:  # until now it waited for free rows
            self.begun = time.monotonic()
        index, start = of.waiting.popleft()
        trajectory = self.pipeline.trajectory(of.request)
        sample = Sample(
            self.key,
            of.bucket,
            of.request,
            index,
            of.prompts,
            trajectory,
            start,
            self._set,
            of.steering,
        )
        self.samples.append(sample)
        return sample

    def pasted_on(self, sample: Sample) -> Source | None:
        """Return what a picture is pasted on when it has been drawn, if on anything."""
        last = self.passes[-1]
        of = last if sample.request is last.request else self.passes[0]
        return of.sources.get(sample.index)

    def enlarging(
        self, sample: Sample, pixels: torch.Tensor, upscaler: Upscaler
    ) -> "BetweenPasses | None":
        """Return the work on a picture of the first pass that the second begins with, if any."""
        hires = self.request.hires
        if hires is None or sample.request is self.passes[-1].request:
            return None
        pixels = finished(pixels, self.pasted_on(sample), self.request.feather)
        if hires.factor is None:
            return BetweenPasses(self, sample.index, pixels)
        edge = WRAPPED if self.request.tiling else 0
        work = upscaler.start(Image.fromarray(wrapped(pixels.numpy(), edge)), hires.factor)
        return BetweenPasses(self, sample.index, pixels, work, edge * hires.factor)


@dataclass(slots=True, eq=False)
class UpscaleTask:
    """A picture being enlarged; ``alpha`` is how opaque it is, None where it is so everywhere."""

    key: int
    request: UpscaleRequest
    work: Upscaling
    alpha: Image.Image | None = None
    pictures_told: int = 0
    begun: float = field(default_factory=time.monotonic)
    device_seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Whether every step is done."""
        return self.work.done

    def progress(self) -> Progress:
        """Return how far it is."""
        seconds = time.monotonic() - self.begun
        return Progress(self.work.steps_taken, self.work.steps, None, seconds)

    def step(self) -> None:
        """Upscale one tile; after an allocator's error the step can be repeated."""
        self.work.step()

    def pixels(self) -> torch.Tensor:
        """Return the larger picture: CPU uint8 [height, width, 3], or 4 with its alpha."""
        colours = self.work.pixels
        if self.alpha is None:
            return colours
        height, width = colours.shape[:2]
        larger = self.alpha.resize((width, height), Image.Resampling.LANCZOS)
        return torch.cat([colours, torch.from_numpy(np.array(larger))[..., None]], dim=-1)

    def describe(self) -> PngInfo:
        """Return the upscaled picture's metadata: the original's, and the upscale.

        If the original has none, as with an uploaded picture, neither has the upscale.
        """
        found = read(self.request.image)
        if found is None:
            return PngInfo()
        return chunks(enlarged(found, factor=self.request.factor))


@dataclass(slots=True, eq=False)
class BetweenPasses:
    """A picture of the first pass being enlarged, a tile a step; the last lets it wait for rows.

    ``pixels`` are the picture's, and ``edge`` is how many of those enlarged repeat the opposite
    side's.
    """

    drawing: Drawing
    index: int
    pixels: torch.Tensor
    work: Upscaling | None = None
    edge: int = 0
    done: bool = False

    @property
    def key(self) -> int:
        """The request's."""
        return self.drawing.key

    @property
    def request(self) -> GenerationRequest:
        """The request for the second pass."""
        return self.drawing.passes[-1].request

    @property
    def device_seconds(self) -> float:
        """The request's, so far."""
        return self.drawing.device_seconds

    @device_seconds.setter
    def device_seconds(self, seconds: float) -> None:
        self.drawing.device_seconds = seconds

    def step(self) -> None:
        """Upscale one tile, or encode the picture; can be repeated after an allocator's error."""
        if self.work is not None and not self.work.done:
            self.work.step()
            return
        request = self.request
        larger = self.pixels if self.work is None else self.work.pixels
        height, width = larger.shape[:2]
        inside = (self.edge, self.edge, width - self.edge, height - self.edge)
        picture = Image.fromarray(larger.numpy()).resize(
            (request.width, request.height), Image.Resampling.LANCZOS, box=inside
        )
        second, source, mask = self.drawing.passes[-1], self.drawing.source, None
        if source is not None and source.mask is not None:
            mask = enlarged_mask(source.mask, request.width, request.height)
            second.sources[self.index] = Source(picture, mask)
        start = self.drawing.pipeline.start(request, picture, mask)
        second.waiting.append((self.index, start))
        self.done = True


def finished(pixels: torch.Tensor, source: Source | None, feather: int | None) -> torch.Tensor:
    """Return a picture as it is sent, CPU uint8 [height, width, 3]: what stays is pasted."""
    if source is None or source.mask is None:
        return pixels
    share = feathered(source.mask, feather or 0)
    return torch.from_numpy(paste(pixels.numpy(), np.asarray(source.picture), share))


def source_of(request: GenerationRequest, samplers: tuple[Sampler, ...]) -> Source | None:
    """Return what is drawn over, if anything; raise errors that loading cannot fix."""
    if request.sampler not in samplers:
        raise InvalidRequest("sampler", Phrase("bound-one-of", names=samplers))
    if request.strength is None:
        return None
    if request.image is None:
        raise InvalidRequest("image", Phrase("bound-image-needed"))
    picture = decode(request.image, request.width, request.height)
    if request.feather is None:
        return Source(picture)
    if request.mask is None:
        raise InvalidRequest("mask", Phrase("bound-mask-needed"))
    return Source(picture, read_mask(request.mask, request.width, request.height))


def warm_up_request(checkpoint: Checkpoint) -> GenerationRequest:
    """Return a request for one picture at a checkpoint's own size, with one step."""
    width, height = checkpoint.size_for(Aspect.SQUARE)
    return GenerationRequest(
        prompt="warm-up",
        checkpoint=checkpoint.name,
        family=checkpoint.family,
        width=width,
        height=height,
        num_inference_steps=1,
        guidance_scale=checkpoint.guidance_scale,
        sampler=checkpoint.sampler,
        seed=0,
    )


def out_of_memory(request: Request) -> OutOfMemory:
    """Return the error of a request that the device cannot hold."""
    return OutOfMemory(
        f"not enough memory for {request.num_images} × {request.width}×{request.height} px;"
        " fewer or smaller pictures may fit"
    )


@contextlib.contextmanager
def memory_guard(request: Request) -> Iterator[None]:
    """Turn an allocator's error into OutOfMemory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(request) from error


@contextlib.contextmanager
def step_guard(request: GenerationRequest) -> Iterator[None]:
    """Turn an error of one picture's scheduler into StepFailed or OutOfMemory.

    Everybody aboard shares the device's own errors, which are raised as they are.
    """
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise out_of_memory(request) from error
        if isinstance(error, torch.AcceleratorError):
            raise
        log.exception("%s fails at %d steps", request.sampler, request.num_inference_steps)
        raise StepFailed(f"{request.sampler}: {error}") from error


def checkpoint_of(request: Request) -> str:
    """Return the name of the checkpoint that a request is drawn with; "" of an upscale."""
    return "" if isinstance(request, UpscaleRequest) else request.checkpoint

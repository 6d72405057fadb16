"""Requests that the engine is working on, and errors that end one of them."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.catalog import Checkpoint
from generation.conditions.adapter_keys import Part
from generation.conditions.adapter_pool import Lease
from generation.conditions.row_adapters import AdapterSet, adapter_set
from generation.engine.batcher import Bucket
from generation.engine.preview import draw_preview
from generation.engine.sample import Sample
from generation.errors import GenerationError, InvalidRequest, OutOfMemory, StepFailed
from generation.families.pipeline import DrawLatents, Pipeline, Prompts
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
from generation.upscaler.tiles import Upscaling

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Drawing:
    """A request being generated: its checkpoint is loaded and its prompts are encoded.

    ``samples`` are the pictures that have joined, in order; the others wait for free rows.
    ``empty`` are latents like theirs. Its ``lease`` keeps its adapters loaded.
    """

    key: int
    request: GenerationRequest
    bucket: Bucket
    pipeline: Pipeline
    prompts: Prompts
    empty: torch.Tensor
    start: DrawLatents | None
    lease: Lease
    samples: list[Sample] = field(default_factory=list)
    pictures_told: int = 0
    step_told: int = 0
    step_seen: int = 0  # of the last preview
    preview_wanted: bool = True
    device_seconds: float = 0.0
    _set: AdapterSet = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._set = adapter_set(self.lease.adapters, Part.DENOISER)

    @property
    def whole(self) -> bool:
        """Whether all its pictures have joined."""
        return len(self.samples) == self.request.num_images

    @property
    def rows(self) -> int:
        """How many rows of a forward pass each of its pictures takes."""
        return 1 if self.prompts.negative is None else 2

    @property
    def step(self) -> int:
        """The average number of steps its pictures have taken."""
        return sum(sample.step for sample in self.samples) // self.request.num_images

    def progress(self) -> Progress | None:
        """Return how far it is, if that is further than before, with a preview if one is wanted."""
        if self.step <= self.step_told:
            return None
        self.step_told = self.step
        if self.preview_wanted:
            return self.look()
        return Progress(self.step, self.samples[0].steps)

    def look(self) -> Progress | None:
        """Return how far it is, with a preview; None until that is further than at the last one."""
        self.preview_wanted = self.step_told <= self.step_seen
        if self.preview_wanted:
            return None
        self.step_seen = self.step_told
        preview = None
        with contextlib.suppress(GenerationError), step_guard(self.request):
            begun = [sample for sample in self.samples if sample.step]
            clean = torch.cat([sample.clean() for sample in begun])
            preview = draw_preview(clean, self.pipeline.preview_colours)
        return Progress(self.step_told, self.samples[0].steps, preview)

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

    def next_sample(self) -> Sample:
        """Return the next picture before its first step; it counts as joined from now on."""
        sample = Sample(
            self.key,
            self.bucket,
            self.request,
            len(self.samples),
            self.prompts,
            self.pipeline.trajectory(self.request),
            self.empty,
            self.start,
            self._set,
        )
        self.samples.append(sample)
        return sample


@dataclass(slots=True, eq=False)
class UpscaleTask:
    """A picture being enlarged; ``alpha`` is how opaque it is, None where it is so everywhere."""

    key: int
    request: UpscaleRequest
    work: Upscaling
    alpha: Image.Image | None = None
    pictures_told: int = 0
    device_seconds: float = 0.0

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


def source_of(request: GenerationRequest, samplers: tuple[Sampler, ...]) -> Image.Image | None:
    """Return the source picture, if any; raise errors that loading cannot fix."""
    if request.sampler not in samplers:
        raise InvalidRequest("sampler", Phrase("bound-one-of", names=samplers))
    if request.strength is None:
        return None
    if request.image is None:
        raise InvalidRequest("image", Phrase("bound-image-needed"))
    return decode(request.image, request.width, request.height)


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
    except torch.AcceleratorError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise out_of_memory(request) from error
        log.exception("%s fails at %d steps", request.sampler, request.num_inference_steps)
        raise StepFailed(f"{request.sampler}: {error}") from error


def checkpoint_of(request: Request) -> str:
    """Return the name of the checkpoint that a request is drawn with; "" of an upscale."""
    return "" if isinstance(request, UpscaleRequest) else request.checkpoint

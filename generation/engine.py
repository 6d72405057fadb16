"""The synchronous core on one device: add, cancel, step."""

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from PIL import Image

from generation.catalog import Catalog
from generation.errors import Cancelled, GenerationError, InvalidRequest, OutOfMemory
from generation.memory import is_out_of_memory
from generation.pipeline import Pipeline, pick_device
from generation.preview import draw_preview
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
    """A request in progress: its pictures' samples, those not yet decoded, and its times."""

    key: int
    request: GenerationRequest
    pipeline: Pipeline
    samples: list[Sample]
    undecoded: list[Sample]
    device_seconds: float = 0.0
    preview_due: float = 0.0


class Engine:
    """Draws requests, one at a time for now, a step of all its samples a tick.

    ``on_event`` is called at once with what cannot wait for the end of the tick: that a request's
    checkpoint is being loaded, which may take minutes.
    """

    def __init__(
        self,
        catalog: Catalog,
        device: torch.device | None = None,
        on_event: Callable[[int, Loading], None] = lambda _key, _event: None,
    ) -> None:
        self.device = device or pick_device()
        self._catalog = catalog
        self._on_event = on_event
        self._shelf = Shelf(catalog, self.device)
        self._waiting: dict[int, GenerationRequest] = {}
        self._aboard: _Aboard | None = None
        self._cancelled: Events = []

    @property
    def idle(self) -> bool:
        """Whether the next tick has nothing to do."""
        return self._aboard is None and not self._waiting and not self._cancelled

    def add(self, key: int, request: GenerationRequest) -> None:
        """Queue a request under a key of the caller's, from 1 up; it ends in Finished or Failed."""
        self._waiting[key] = request

    def cancel(self, key: int) -> None:
        """Drop a request wherever it is; the next tick says Failed(Cancelled) and no more of it.

        A key that is unknown, or finished already, is no error.
        """
        spent = 0.0
        if self._aboard is not None and self._aboard.key == key:
            spent = self._aboard.device_seconds
            self._aboard = None
        elif self._waiting.pop(key, None) is None:
            return
        self._cancelled.append((key, Failed(Cancelled("cancelled"), spent)))

    def warm_up(self) -> GenerationError | None:
        """Load the default checkpoint and draw once, so that the first person does not wait.

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
        events: Events = []
        while not self.idle:
            events += self.step()
        return next((event.error for _, event in events if isinstance(event, Failed)), None)

    def step(self) -> Events:
        """Run one tick: admit when idle, at most one forward and one decode; say what happened.

        A request that cannot be drawn ends in Failed. Any other error of the device is raised,
        and the engine is not to be used after it.
        """
        cancelled, self._cancelled = self._cancelled, []
        events = [*cancelled, *self._admit()]
        if self._aboard is None:
            return events
        aboard, begun = self._aboard, time.monotonic()
        try:
            with _memory_guard(aboard.request):
                events.extend((aboard.key, event) for event in self._tick(aboard))
        except OutOfMemory as error:
            if self._shelf.drop_others(aboard.request.checkpoint):
                return events  # every sample knows its own step: the next tick tries again
            self._aboard = None
            spent = aboard.device_seconds + time.monotonic() - begun
            return [*events, (aboard.key, Failed(error, spent))]
        finally:
            aboard.device_seconds += time.monotonic() - begun
        if not aboard.undecoded:
            self._aboard = None
            events.append((aboard.key, Finished(aboard.device_seconds)))
        return events

    def _admit(self) -> Events:
        """Take the next request aboard if none is; its checkpoint is loaded if need be."""
        if self._aboard is not None or not self._waiting:
            return []
        key = next(iter(self._waiting))
        request = self._waiting.pop(key)
        try:
            with _memory_guard(request):
                picture = self._check(request)
                pipeline = self._shelf.take(
                    request.checkpoint, lambda name: self._on_event(key, Loading(name))
                )
                samples = _samples(pipeline, request, picture)
        except GenerationError as error:
            if isinstance(error, OutOfMemory) and self._shelf.drop_others(request.checkpoint):
                self._waiting = {key: request, **self._waiting}
                return []
            return [(key, Failed(error))]
        self._aboard = _Aboard(key, request, pipeline, samples, undecoded=list(samples))
        return [(key, Started())]

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

    def _tick(self, aboard: _Aboard) -> Iterator[Event]:
        denoising = [sample for sample in aboard.samples if not sample.done]
        if denoising:
            _step_together(aboard.pipeline, denoising)
            first = aboard.samples[0]
            yield Progress(first.step, first.steps, self._preview(aboard))
        if aboard.undecoded[0].done:
            sample = aboard.undecoded[0]
            png = _png(aboard.pipeline.decode(sample.latents))
            del aboard.undecoded[0]  # after the decode, so that it can be tried again
            yield Picture(sample.index, sample.seed, png)

    def _preview(self, aboard: _Aboard) -> bytes | None:
        """Return what all its pictures look like by now, if an edit of the message is due."""
        now = time.monotonic()
        if now < aboard.preview_due:
            return None
        aboard.preview_due = now + PREVIEW_EVERY_S
        kind, colours = aboard.pipeline.prediction_type, aboard.pipeline.preview_colours
        return draw_preview(torch.cat([one.clean(kind) for one in aboard.samples]), colours)


def _samples(
    pipeline: Pipeline, request: GenerationRequest, picture: Image.Image | None
) -> list[Sample]:
    """Return a request's samples before their first step."""
    embedding = pipeline.encode_prompt(request.prompt)
    negative = pipeline.encode_prompt(request.negative_prompt) if request.guided else None
    shape = pipeline.latent_shape(request.width, request.height)
    start = None if picture is None else pipeline.encode_picture(picture)
    return [
        Sample(request, index, embedding, negative, pipeline.scheduler_config, shape, start)
        for index in range(request.num_images)
    ]


def _step_together(pipeline: Pipeline, samples: list[Sample]) -> None:
    """Take one step of every sample with one forward.

    The rows lie as StableDiffusionPipeline lays them, negative prompts first, so that the same
    kernels add in the same order: that is what makes the pixels bit-identical to its own.
    """
    guided = [sample for sample in samples if sample.negative is not None]
    inputs = {sample: sample.model_input() for sample in samples}
    rows = guided + samples
    negatives = [sample.negative for sample in guided if sample.negative is not None]
    output = pipeline.predict_noise(
        torch.cat([inputs[sample] for sample in rows]),
        torch.stack([sample.timestep.float() for sample in rows]),
        torch.cat(negatives + [sample.embedding for sample in samples]),
    ).split(1)
    without = dict(zip(guided, output[: len(guided)], strict=True))
    for sample, predicted in zip(samples, output[len(guided) :], strict=True):
        if sample in without:
            away = without[sample]
            predicted = away + sample.guidance_scale * (predicted - away)
        sample.advance(predicted)
    pipeline.wait()


def _png(pixels: torch.Tensor) -> bytes:
    """Return uint8 [height, width, 3] as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG")
    return file.getvalue()


@contextlib.contextmanager
def _memory_guard(request: GenerationRequest) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(
            f"not enough memory for {request.num_images} × {request.width}×{request.height} px;"
            " fewer or smaller pictures may fit"
        ) from error

"""The engine's own overhead: everything in a tick except the UNet's forward pass.

That is admission, stacking the rows, each sample's guidance and ``scheduler.step``, events, and
previews when they are due. Ticks alternate with bare ``unet(...)`` calls of the same shapes, so
that both run under the same conditions. The overhead is what a tick takes before and after its
forward pass, relative to the bare call's median; the ratio of the whole tick to its bare call says
the same, within the forward passes' own variance. ``pipe()`` steps a scheduler too, if only one per
request, so the schedulers' part is given separately, timed after each bare forward pass, which
leaves nothing of them in the CPU's caches. Decodes are not part of these ticks.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from benchmarks.engine.subject import Subject
from bot.ui.delivery.delivery import PACE_S
from generation.engine.engine import Engine
from generation.engine.preview import draw_preview, predict_clean
from generation.engine.samplers import build_scheduler
from generation.request import GenerationRequest, Sampler

STEPS = 100  # the most a request may have, so that nothing is decoded meanwhile
SAMPLERS = tuple(sampler for sampler in Sampler if sampler != Sampler.LCM)
RUNS = 9  # per separate timing


@dataclass(slots=True)
class Ticks:
    """Seconds, one value per tick.

    ``whole`` and the forward pass ``inside`` it, then the ``bare`` forward pass and one
    ``scheduler.step`` for each sample.
    """

    whole: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    schedulers: list[float] = field(default_factory=list)

    @property
    def overhead_s(self) -> float:
        """The median time of a tick without its forward pass."""
        beside = (whole - inside for whole, inside in zip(self.whole, self.inside, strict=True))
        return statistics.median(beside)

    @property
    def overhead_pct(self) -> float:
        """The overhead relative to the bare forward pass, in per cent."""
        return 100 * self.overhead_s / statistics.median(self.bare)

    @property
    def schedulers_pct(self) -> float:
        """The schedulers' part of the overhead, relative to the bare forward pass, in per cent."""
        return 100 * statistics.median(self.schedulers) / statistics.median(self.bare)

    @property
    def in_turn_pct(self) -> float:
        """How much longer a tick takes than its bare forward pass, in per cent."""
        apart = (whole - bare for whole, bare in zip(self.whole, self.bare, strict=True))
        return 100 * statistics.median(apart) / statistics.median(self.bare)


class Stopwatch:
    """Times a model's forward passes, and keeps the last one's arguments."""

    def __init__(self, subject: Subject) -> None:
        self._pipeline = subject.pipeline
        self._begun = 0.0
        self.seconds = 0.0
        self.called_with: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        unet = subject.pipeline.unet
        self._hooks = (
            unet.register_forward_pre_hook(self._before, with_kwargs=True),
            unet.register_forward_hook(self._after),
        )

    def _before(self, _unet: object, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
        self.called_with = positional, named
        self._begun = time.perf_counter()

    def _after(self, *_: object) -> None:
        self._pipeline.wait()
        self.seconds = time.perf_counter() - self._begun

    @torch.inference_mode()
    def again(self) -> float:
        """Repeat the last forward pass by itself; return its seconds."""
        positional, named = self.called_with
        begun = time.perf_counter()
        self._pipeline.unet(*positional, **named)
        return time.perf_counter() - begun

    def remove(self) -> None:
        """Restore the model."""
        for hook in self._hooks:
            hook.remove()


class Schedulers:
    """Noise schedulers like those of requests for one picture each."""

    def __init__(self, subject: Subject, requests: Sequence[GenerationRequest]) -> None:
        self._pipeline = subject.pipeline
        latents = torch.randn(subject.shape(1), dtype=subject.pipeline.unet.dtype)
        self._latents = latents.to(subject.device)
        self._schedulers = [
            build_scheduler(request.sampler, subject.scheduler_config) for request in requests
        ]
        for scheduler, request in zip(self._schedulers, requests, strict=True):
            scheduler.set_timesteps(request.num_inference_steps, device="cpu")

    @torch.inference_mode()
    def step(self, index: int) -> float:
        """Let each take its step ``index``; return the seconds."""
        begun = time.perf_counter()
        for scheduler in self._schedulers:
            timestep = scheduler.timesteps[index]
            scheduler.scale_model_input(self._latents, timestep)
            scheduler.step(self._latents, timestep, self._latents, return_dict=False)
        self._pipeline.wait()
        return time.perf_counter() - begun


def one_row(subject: Subject, sampler: Sampler) -> list[GenerationRequest]:
    """Return one picture without guidance."""
    return [subject.request(guidance_scale=1.0, num_inference_steps=STEPS, sampler=sampler)]


def sixteen_rows(subject: Subject) -> list[GenerationRequest]:
    """Return eight guided pictures of eight people, with different samplers."""
    return [
        subject.request(num_inference_steps=STEPS, sampler=sampler, seed=seed)
        for seed, sampler in enumerate(SAMPLERS[:8])
    ]


def measure(
    subject: Subject, engine: Engine, rounds: Sequence[list[GenerationRequest]], ticks: int
) -> Ticks:
    """Run this many ticks with each round's requests, a bare forward pass after each tick."""
    measured = Ticks()
    stopwatch = Stopwatch(subject)
    for requests in rounds:
        for key, request in enumerate(requests, 1):
            engine.add(key, request)
        for _ in requests:  # one is admitted per tick
            engine.step()
        schedulers = Schedulers(subject, requests)
        for tick in range(ticks):
            begun = time.perf_counter()
            engine.step()
            measured.whole.append(time.perf_counter() - begun)
            measured.inside.append(stopwatch.seconds)
            measured.bare.append(stopwatch.again())
            measured.schedulers.append(schedulers.step(tick))
        for key, _ in enumerate(requests, 1):
            engine.cancel(key)
        engine.step()
    stopwatch.remove()
    return measured


@torch.inference_mode()
def beside_forwards(subject: Subject) -> tuple[float, float, float]:
    """Return the seconds of one picture's scheduler step, of its decode, and of its prompts."""
    requests = sixteen_rows(subject)
    schedulers = Schedulers(subject, requests)
    steps = [schedulers.step(index) / len(requests) for index in range(RUNS)]
    latents = torch.randn(subject.shape(1), dtype=subject.pipeline.unet.dtype)
    latents = latents.to(subject.device)
    decodes, prompts = [], []
    for number in range(RUNS):
        begun = time.perf_counter()
        subject.pipeline.decode(latents)
        decoded = time.perf_counter()
        subject.pipeline.encode(
            replace(
                subject.request(f"picture {number}, a red apple on a table"),
                negative_prompt="blurred",
            )
        )
        subject.pipeline.wait()
        decodes.append(decoded - begun)
        prompts.append(time.perf_counter() - decoded)
    return statistics.median(steps), statistics.median(decodes), statistics.median(prompts)


@torch.inference_mode()
def preview_pct(subject: Subject, tick_s: float, side: int) -> float:
    """Return a preview's share of the time, in per cent; latents of ``side`` × ``side`` cells.

    A request gets one every tick, or every `PACE_S` if ticks are shorter.
    """
    shape = (1, subject.pipeline.unet.config.in_channels, side, side)
    dtype = subject.pipeline.unet.dtype
    seen, output = (torch.randn(shape).to(subject.device, dtype) for _ in range(2))
    seconds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        clean = predict_clean(seen, output, 1.0, subject.pipeline.prediction_type)
        draw_preview(clean, subject.pipeline.preview_colours)
        seconds.append(time.perf_counter() - begun)
    return 100 * statistics.median(seconds) / max(tick_s, PACE_S)

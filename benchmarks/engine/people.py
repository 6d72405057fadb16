"""Several people at once: the engine against sequential ``pipe(prompt)`` calls.

All send requests at the same moment, for two pictures each, with different samplers, steps and
guidance. Sequentially, the second person also waits for everything the first one does. The engine's
times include the PNG files and the previews, which ``pipe()`` does not make.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks import Figures
from benchmarks.engine.labels import PEOPLE
from benchmarks.engine.subject import Subject
from generation.engine.engine import Engine
from generation.engine.samplers import build_scheduler
from generation.errors import Cancelled
from generation.request import Failed, Finished, GenerationRequest, Progress, Sampler

OnStep = Callable[[object, int, object, dict[str, Any]], dict[str, Any]]

PICTURES = 2  # per person
REPEATS = 2  # the faster one counts: other programs only ever slow one down
WISHES = (  # sampler, steps, guidance
    (Sampler.DPMPP_2M_KARRAS, 20, 7.5),
    (Sampler.EULER_A, 25, 7.0),
    (Sampler.DDIM, 18, 5.0),
    (Sampler.UNIPC, 10, 9.0),
    (Sampler.EULER, 22, 1.0),
    (Sampler.DPMPP_2M_SDE_KARRAS, 15, 6.0),
    (Sampler.PNDM, 24, 7.5),
    (Sampler.DPMPP_2M, 12, 4.0),
)


@dataclass(slots=True)
class Times:
    """Seconds from the moment of the requests, a value for each person."""

    first_step: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)


def requests_of(subject: Subject, people: int, repeat: int = 0) -> list[GenerationRequest]:
    """Return their requests; each repeat's prompts are new, because encoded prompts are cached."""
    return [
        subject.request(
            prompt=f"picture {repeat} for person {person}, a red apple on a table",
            num_images=PICTURES,
            sampler=sampler,
            num_inference_steps=steps,
            guidance_scale=guidance,
            seed=100 * person,
        )
        for person, (sampler, steps, guidance) in enumerate(WISHES[:people])
    ]


def ratios(subject: Subject, engine: Engine, people: tuple[int, ...] = PEOPLE) -> Figures:
    """Measure both ways in turn; every figure is the engine's over the other's."""
    figures: Figures = {}
    one_at_a_time(subject, requests_of(subject, 1, -1))  # one-time setup
    for number in people:
        ours, theirs = [], []
        for repeat in range(REPEATS):
            requests = requests_of(subject, number, 10 * number + repeat)
            ours.append(together(engine, requests))
            theirs.append(one_at_a_time(subject, requests))
        mine = min(ours, key=lambda times: max(times.done))
        other = min(theirs, key=lambda times: max(times.done))
        figures |= {
            f"throughput_ratio_{number}": round(max(other.done) / max(mine.done), 2),
            f"mean_latency_ratio_{number}": round(sum(mine.done) / sum(other.done), 3),
            f"first_step_ratio_{number}": round(sum(mine.first_step) / sum(other.first_step), 3),
        }
    return figures


def together(engine: Engine, requests: list[GenerationRequest]) -> Times:
    """Give the engine all requests at once and step until it is idle."""
    firsts: dict[int, float] = {}
    ends: dict[int, float] = {}
    begun = time.perf_counter()
    for key, request in enumerate(requests, 1):
        engine.add(key, request)
    while not engine.idle:
        events = engine.step()
        now = time.perf_counter() - begun
        for key, event in events:
            match event:
                case Progress():
                    firsts.setdefault(key, now)
                case Finished():
                    ends[key] = now
                case Failed(error=error):
                    raise error
    return Times(list(firsts.values()), list(ends.values()))


def one_at_a_time(subject: Subject, requests: list[GenerationRequest]) -> Times:
    """Call diffusers' pipeline for one request after another."""
    times = Times()
    begun = time.perf_counter()

    def note(_pipe: object, step: int, _timestep: object, given: dict[str, Any]) -> dict[str, Any]:
        if step == 0:
            subject.pipeline.wait()
            times.first_step.append(time.perf_counter() - begun)
        return given

    for request in requests:
        draw(subject, request, note)
        times.done.append(time.perf_counter() - begun)
    return times


def draw(
    subject: Subject,
    request: GenerationRequest,
    on_step: OnStep | None = None,
    output_type: str = "pil",
) -> Any:  # noqa: ANN401 - pictures or latents, as diffusers' output_type says
    """Generate with ``pipe(prompt)``, as most bots do: all pictures of one request together."""
    subject.pipe.scheduler = build_scheduler(request.sampler, subject.scheduler_config)
    generators = [
        torch.Generator("cpu").manual_seed(request.seed + index)
        for index in range(request.num_images)
    ]
    return subject.pipe(
        request.prompt,
        negative_prompt=request.negative_prompt,
        num_images_per_prompt=request.num_images,
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        width=request.width,
        height=request.height,
        generator=generators,
        callback_on_step_end=on_step,
        output_type=output_type,
    ).images


def cancel_ticks(subject: Subject, engine: Engine) -> int:
    """Cancel one of several requests; return how many ticks pass until it has ended."""
    for key, request in enumerate(requests_of(subject, 3), 1):
        engine.add(key, request)
    told: set[int] = set()
    while told != {1, 2, 3}:
        told |= {key for key, event in engine.step() if isinstance(event, Progress)}
    engine.cancel(2)
    ticks = 0
    ended = False
    while not ended:
        ticks += 1
        ended = any(
            key == 2 and isinstance(event, Failed) and isinstance(event.error, Cancelled)
            for key, event in engine.step()
        )
    while not engine.idle:
        assert all(key != 2 for key, _ in engine.step())
    return ticks

"""The CUDA measurements: Stable Diffusion 1.5's size, fp16, 512 px, eager and compiled."""

import io
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from unittest import mock

import numpy as np
import torch
from PIL import Image

from benchmarks import Figures
from benchmarks.engine import overhead, people, sd15, simulation
from benchmarks.engine.cpu import PREVIEW_SIDE, overheads, profiled
from benchmarks.engine.labels import COMPILED, PEOPLE, ROWS
from benchmarks.engine.subject import Subject
from generation.engine.engine import Engine
from generation.families import compiled
from generation.families.pipeline import Row
from generation.options import Compile, EngineOptions
from generation.request import GenerationRequest, Picture

SIZE = 512  # pixels
MATMUL_SIDE = 8192
RUNS = 10  # per timing; the median counts


def run(device: torch.device) -> Figures:
    """Measure everything on the device; compiling takes minutes."""
    subject = Subject("SD 1.5's size", sd15.build(device, torch.float16), SIZE, device)
    return measure(subject, matmul_tflops(device, torch.float16, MATMUL_SIDE))


def measure(
    subject: Subject,
    matmul: float,
    rows: Sequence[int] = ROWS,
    numbers: tuple[int, ...] = PEOPLE,
) -> Figures:
    """Return the figures, first eager, then compiled; ``matmul`` is the device's TFLOP/s."""
    engine, costs = profiled(subject)
    figures: Figures = {
        "matmul_tflops": round(matmul, 1),
        **people.ratios(subject, engine, numbers),
        "cancel_ticks": people.cancel_ticks(subject, engine),
        **_overheads(subject, engine),
        **simulation.ratios(costs, engine.rows),
        **parity(subject, engine, people.requests_of(subject, max(numbers))),
        **speeds("eager", subject, matmul, rows, engine.rows),
    }
    figures["knee_rows"] = figures["eager_knee_rows"]
    subject.pipeline.compile(Compile.DEFAULT, subject.size, subject.size)
    engine = subject.engine(EngineOptions())
    few = [count for count in rows if count in compiled.ROWS]
    figures |= speeds("compiled", subject, matmul, few, min(engine.rows, compiled.ROWS[-1]))
    with compiled_pipe(subject):
        ratios = people.ratios(subject, engine, numbers)
    return figures | {COMPILED + figure: value for figure, value in ratios.items()}


def matmul_tflops(device: torch.device, dtype: torch.dtype, side: int) -> float:
    """Return the rate of multiplying two square matrices, in TFLOP/s."""
    left, right = (torch.randn((side, side)).to(device, dtype) for _ in range(2))

    def multiply() -> None:
        torch.matmul(left, right)
        _wait(device)

    return 2 * side**3 / _seconds(multiply) / 1e12


def speeds(mode: str, subject: Subject, matmul: float, rows: Sequence[int], knee: int) -> Figures:
    """Return the rate of bare forward passes by row count, and at the knee."""
    figures: Figures = {}
    for count in rows:
        rate = count * sd15.TFLOP_PER_ROW / forward_seconds(subject, count)
        figures[f"{mode}_tflops_{count}"] = round(rate, 1)
        figures[f"{mode}_matmul_pct_{count}"] = round(100 * rate / matmul, 1)
    rate = knee * sd15.TFLOP_PER_ROW / forward_seconds(subject, knee)
    figures[f"{mode}_knee_rows"] = knee
    figures[f"{mode}_knee_matmul_pct"] = round(100 * rate / matmul, 1)
    return figures


def forward_seconds(subject: Subject, rows: int) -> float:
    """Return the median time of one forward pass with this many rows."""
    pipeline = subject.pipeline
    row = pipeline.empty_row(subject.size, subject.size)
    noise = torch.randn(subject.shape(rows)).to(subject.device, pipeline.latents_dtype)
    stacked = [Row(one, torch.tensor(500.0), row.conditioning) for one in noise.split(1)]

    def forward() -> None:
        pipeline.predict(stacked)
        pipeline.wait()

    return _seconds(forward)


def parity(subject: Subject, engine: Engine, requests: list[GenerationRequest]) -> Figures:
    """Compare pictures alone with diffusers' latents, decoded the same way, and in company."""
    alone = [drawn for request in requests for drawn in pictures(engine, [request])]
    mixed = pictures(engine, requests)
    reference = [
        subject.pipeline.decode(latents[None]).numpy()
        for request in requests
        for latents in people.draw(subject, request, output_type="latent")
    ]
    figures: Figures = {}
    for name, ours, theirs in (("alone", alone, reference), ("mixed", mixed, alone)):
        apart = np.abs(np.stack(ours).astype(int) - np.stack(theirs))
        figures[f"parity_{name}_differing_pct"] = round(100 * float((apart > 0).mean()), 4)
        figures[f"parity_{name}_largest"] = int(apart.max())
    return figures


def pictures(engine: Engine, requests: list[GenerationRequest]) -> list[np.ndarray]:
    """Generate requests together; return uint8 [height, width, 3], by request and picture."""
    for key, request in enumerate(requests, 1):
        engine.add(key, request)
    drawn: dict[tuple[int, int], np.ndarray] = {}
    while not engine.idle:
        for key, event in engine.step():
            if isinstance(event, Picture):
                drawn[key, event.index] = np.asarray(Image.open(io.BytesIO(event.png)))
    return [drawn[place] for place in sorted(drawn)]


@contextmanager
def compiled_pipe(subject: Subject) -> Iterator[None]:
    """Let ``pipe()`` use the engine's compiled UNet for its forward passes."""

    def forward(
        latents: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        **_: object,
    ) -> tuple[torch.Tensor]:
        prompts = encoder_hidden_states.split(1)
        rows = [
            Row(one, timestep, {"prompt": prompt})
            for one, prompt in zip(latents.split(1), prompts, strict=True)
        ]
        return (torch.cat(list(subject.pipeline.predict(rows))),)

    with mock.patch.object(subject.pipe.unet, "forward", forward):
        yield


def _overheads(subject: Subject, engine: Engine) -> Figures:
    """The device's one checkpoint already has Stable Diffusion 1.5's size."""
    figures = overheads(subject, engine)
    preview = overhead.preview_pct(subject, forward_seconds(subject, 1), PREVIEW_SIDE)
    return figures | {
        "overhead_sd15_pct": figures["overhead_1row_pct"],
        "in_turn_sd15_pct": figures["in_turn_1row_pct"],
        "preview_sd15_pct": round(preview, 3),
    }


def _seconds(work: Callable[[], None]) -> float:
    work()
    seconds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)

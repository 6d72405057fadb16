"""The CPU measurements, cheap enough for two cores."""

import statistics
import tempfile
from pathlib import Path

import torch

from benchmarks import Figures
from benchmarks.engine import overhead, people, sd15, simulation, small_checkpoint
from benchmarks.engine.labels import ON_EMBEDDED
from benchmarks.engine.subject import Subject
from generation.catalog import EMBEDDED
from generation.engine.engine import Engine
from generation.engine.row_profile import LADDER, read_profiles
from generation.loading.model_loader import find_files, load_parts
from generation.options import EngineOptions
from generation.request import Sampler

CPU = torch.device("cpu")
SD15_SIZE = 256  # pixels
SD15_TICKS = 6
TICKS = 60  # per round
PREVIEW_SIDE = 64  # cells of the latents at 512 px


def run() -> Figures:
    """Measure the small checkpoint, the embedded one and one of Stable Diffusion 1.5's size."""
    subject = Subject("Small", small_checkpoint.build(), small_checkpoint.SIZE, CPU)
    engine, costs = profiled(subject)
    figures: Figures = {"knee_rows": engine.rows, **people.ratios(subject, engine)}
    figures["cancel_ticks"] = people.cancel_ticks(subject, engine)
    figures |= embedded()
    figures |= overheads(subject, engine)
    figures |= at_sd15_size()
    return figures | simulation.ratios(costs, engine.rows)


def profiled(subject: Subject) -> tuple[Engine, simulation.Costs]:
    """Return an engine with measured row counts, and the composition of its ticks."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "profiles.json"
        engine = subject.engine(EngineOptions(profiles=file))
        (profile,) = read_profiles(file).values()
    scheduler, decode, prompt = overhead.beside_forwards(subject)
    rows = LADDER[: len(profile.seconds)]
    return engine, simulation.Costs(rows, profile.seconds, scheduler, decode, prompt)


def embedded() -> Figures:
    """Return the embedded checkpoint's ratios."""
    parts = load_parts(find_files(EMBEDDED), torch.float32)
    subject = Subject(EMBEDDED.name, parts, EMBEDDED.size, CPU)
    ratios = people.ratios(subject, subject.engine(EngineOptions()))
    return {ON_EMBEDDED + figure: value for figure, value in ratios.items()}


def overheads(subject: Subject, engine: Engine) -> Figures:
    """Return the overhead at one row, with three samplers in turn, and at sixteen."""
    samplers = (Sampler.DPMPP_2M_KARRAS, Sampler.EULER_A, Sampler.DDIM)
    rounds = [overhead.one_row(subject, sampler) for sampler in samplers]
    figures: Figures = {}
    for name, ticks in (
        ("1row", overhead.measure(subject, engine, rounds, TICKS)),
        ("16rows", overhead.measure(subject, engine, [overhead.sixteen_rows(subject)], TICKS)),
    ):
        figures |= {
            f"overhead_{name}_pct": round(ticks.overhead_pct, 2),
            f"schedulers_{name}_pct": round(ticks.schedulers_pct, 2),
            f"in_turn_{name}_pct": round(ticks.in_turn_pct, 2),
        }
    return figures


def at_sd15_size() -> Figures:
    """Return the overhead, and a preview's, relative to forward passes of the large UNet."""
    subject = Subject("SD 1.5's size", sd15.build(CPU, torch.float32), SD15_SIZE, CPU)
    engine = subject.engine(EngineOptions(rows=2))
    rounds = [overhead.one_row(subject, Sampler.DPMPP_2M_KARRAS)]
    ticks = overhead.measure(subject, engine, rounds, SD15_TICKS)
    tick_s = statistics.median(ticks.whole)
    return {
        "overhead_sd15_pct": round(ticks.overhead_pct, 3),
        "in_turn_sd15_pct": round(ticks.in_turn_pct, 2),
        "preview_sd15_pct": round(overhead.preview_pct(subject, tick_s, PREVIEW_SIDE), 3),
    }

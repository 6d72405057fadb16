"""The engine's benchmark, with a tiny checkpoint; what it finds is no concern here."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.engine import cuda, overhead, people
from benchmarks.engine.labels import LABELS
from benchmarks.engine.subject import Subject
from generation.catalog import Checkpoint
from generation.families.pipeline import Row
from generation.loading.model_loader import find_files, load_parts
from generation.options import Compile
from generation.request import Sampler
from tests.generation.conftest import CPU, PLAIN, TINY, save_tiny


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder: Path = save_tiny(tmp_path_factory.mktemp("checkpoint") / "tiny")
    parts = load_parts(find_files(Checkpoint(name=TINY, source=folder)), torch.float32)
    return Subject(TINY, parts, 32, CPU)


def test_both_ways_draw_the_same_for_everybody(subject: Subject):
    engine = subject.engine(PLAIN)
    requests = people.requests_of(subject, 2)
    ours, theirs = people.together(engine, requests), people.one_at_a_time(subject, requests)
    for times in (ours, theirs):
        assert len(times.first_step) == len(times.done) == 2
        assert all(np.array(times.first_step) < np.array(times.done))
    figures = cuda.parity(subject, engine, requests)
    assert figures["parity_alone_largest"] == 0
    assert figures["parity_mixed_largest"] <= 1
    assert set(figures) <= set(LABELS)


def test_a_cancel_is_counted_in_ticks(subject: Subject):
    assert people.cancel_ticks(subject, subject.engine(PLAIN)) == 1


def test_the_overhead_is_what_a_tick_takes_beside_its_forward(subject: Subject):
    engine = subject.engine(PLAIN)
    rounds = [overhead.one_row(subject, Sampler.EULER), overhead.sixteen_rows(subject)]
    ticks = overhead.measure(subject, engine, rounds, 2)
    assert len(ticks.whole) == len(ticks.inside) == len(ticks.bare) == len(ticks.schedulers) == 4
    assert all(0 < inside < whole for whole, inside in zip(ticks.whole, ticks.inside, strict=True))
    assert engine.idle
    assert all(seconds > 0 for seconds in overhead.beside_forwards(subject))
    assert overhead.preview_pct(subject, 0.0, 8) > 0


def test_the_device_s_figures_have_labels(subject: Subject, monkeypatch: pytest.MonkeyPatch):
    matmul = cuda.matmul_tflops(CPU, torch.float32, 64)
    figures = cuda.speeds("eager", subject, matmul, (1, 2), 2)
    monkeypatch.setattr(torch, "compile", lambda forward, **_: forward)
    subject.pipeline.compile(Compile.DEFAULT, 32, 32)
    (request,) = people.requests_of(subject, 1)
    calls: list[int] = []
    predict = subject.pipeline.predict

    def count(rows: Sequence[Row]) -> Sequence[torch.Tensor]:
        calls.append(len(rows))
        return predict(rows)

    monkeypatch.setattr(subject.pipeline, "predict", count)
    with cuda.compiled_pipe(subject):
        people.draw(subject, request)
    assert set(calls) == {4}, "diffusers' pipeline runs what was compiled"
    assert set(figures) <= set(LABELS)

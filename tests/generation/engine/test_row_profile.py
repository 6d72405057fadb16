"""How many rows pay."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from generation.catalog import Catalog
from generation.engine.batcher import Bucket
from generation.engine.engine import Engine
from generation.engine.row_profile import LADDER, Profile, read_profiles, write_profiles
from generation.engine.row_profiling import Profiles
from generation.families.pipeline import Pipeline
from generation.loading.memory import peak_bytes
from generation.loading.model_loader import load
from generation.options import EngineOptions
from tests.generation.conftest import CPU, TINY, MakeRequest

BUCKET = Bucket(TINY, (4, 8, 8))
USUAL = [0.01 + 0.004 * rows for rows in LADDER]  # seconds of a forward
WRONG = json.dumps({"x": {"seconds": [1, "a"], "row_bytes": 0, "decode_bytes": 0}})


@pytest.mark.parametrize(
    ("seconds", "knee"),
    [
        ([1.0], 1),
        ([1.0, 2.0], 1),
        ([1.0, 1.0, 2.0], 2),
        ([1.0, 1.1, 1.4, 2.5, 3.7], 8),
        ([1.0, 2.5, 1.4, 2.5, 3.7], 8),
        ([1.0] * len(LADDER), LADDER[-1]),
    ],
)
def test_the_knee_is_where_more_rows_stop_paying(seconds: list[float], knee: int):
    assert Profile(seconds, 0, 0).knee == knee


def test_workers_that_measure_at_once_lose_nothing_of_each_other(tmp_path: Path):
    file = tmp_path / "profiles.json"
    places = [f"device {number} | Tiny" for number in range(24)]

    def measured(place: str) -> None:
        write_profiles(file, {place: Profile([1.0], 0, 0)})
        assert place in read_profiles(file), "never torn, nor overwritten"

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(measured, places))
    assert read_profiles(file).keys() == set(places)


def test_one_decode_stays_free():
    profile = Profile([1.0], row_bytes=100, decode_bytes=450)
    assert profile.fitting(1000) == 5
    assert profile.fitting(460) == 1
    assert profile.fitting(10**9) == LADDER[-1]
    assert profile.fitting(0) == LADDER[-1], "nobody tells"


def test_a_size_is_measured_once_and_kept(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("generation.engine.row_profiling.LADDER", (1, 2))
    file = tmp_path / "profiles.json"
    pipeline = load(catalog[TINY], CPU)
    rows: list[int] = []
    pipeline.unet.register_forward_pre_hook(lambda _unet, inputs: rows.append(len(inputs[0])))
    alive: list[int] = []
    first = Profiles(CPU, file, lambda: alive.append(len(rows))).of(pipeline, BUCKET)
    measured = len(rows)
    assert alive == list(range(1, measured + 1)), "after each forward, as they may take long"
    assert {*rows} == {1, 2}
    assert all(seconds > 0 for seconds in first.seconds)
    assert Profiles(CPU, file).of(pipeline, BUCKET) == first
    assert len(rows) == measured
    (place,) = read_profiles(file)
    assert "cpu" in place
    assert "Tiny, 1.1 M parameters | 32×32 px" in place
    Profiles(CPU, file).of(pipeline, Bucket(TINY, (4, 8, 10)))
    assert len(read_profiles(file)) == 2
    for damage in ("{", "[]", json.dumps({"x": {"seconds": 1}}), json.dumps({"x": 1}), WRONG):
        file.write_text(damage)
        assert Profiles(CPU, file).of(pipeline, BUCKET).seconds
        assert list(read_profiles(file)) == [place]


def test_neither_a_slow_first_run_nor_one_bad_row_count_hides_what_pays(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
):
    pipeline = load(catalog[TINY], CPU)
    measured = clocked(pipeline, monkeypatch, {**dict(zip(LADDER, USUAL, strict=True)), 16: 0.1})
    assert Profiles(CPU).of(pipeline, BUCKET).knee == 24
    assert measured == {*LADDER}


def test_measuring_ends_early_where_it_takes_long(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
):
    pipeline = load(catalog[TINY], CPU)
    measured = clocked(pipeline, monkeypatch, {rows: 1.0 * rows for rows in LADDER})
    assert Profiles(CPU).of(pipeline, BUCKET).knee == 1
    assert measured == {1, 2, 4}


def clocked(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, seconds: Mapping[int, float]
) -> set[int]:
    """Let the pipeline's forwards take so long, the first of a row count half as long again.

    Returns the row counts that it was asked for.
    """
    now, known = [0.0], set[int]()

    def forward(_unet: object, inputs: tuple[torch.Tensor, ...]) -> None:
        rows = len(inputs[0])
        now[0] += seconds[rows] * (1.0 if rows in known else 1.5)
        known.add(rows)

    pipeline.unet.register_forward_pre_hook(forward)
    monkeypatch.setattr("generation.engine.row_profiling.time.perf_counter", lambda: now[0])
    return known


def test_more_rows_than_the_device_holds_end_the_measuring(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("generation.engine.row_profile.WORTHWHILE", 0.0)
    pipeline = load(catalog[TINY], CPU)

    def full(_unet: object, inputs: tuple[torch.Tensor, ...]) -> None:
        if len(inputs[0]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    pipeline.unet.register_forward_pre_hook(full)
    assert Profiles(CPU).of(pipeline, BUCKET).knee == 2


def test_the_engine_knows_after_warming_up(
    catalog: Catalog, tmp_path: Path, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        Profiles, "of", lambda *_: Profile([1.0, 1.0, 1.0, 9.0], row_bytes=0, decode_bytes=0)
    )
    engine = Engine(catalog, CPU, options=EngineOptions(profiles=tmp_path / "profiles.json"))
    assert engine.warm_up() is None
    assert engine.rows == 4
    rows: list[int] = []
    engine.cache._pipelines[TINY].unet.register_forward_pre_hook(
        lambda _unet, inputs: rows.append(len(inputs[0]))
    )
    for key in (1, 2, 3):
        engine.add(key, make_request())
    while not engine.idle:
        engine.step()
    assert max(rows) == 4


def test_the_peak_of_memory_is_what_the_work_took():
    taken = peak_bytes(CPU, lambda: torch.ones(2**24))
    assert taken == 0 or 2**25 < taken < 2**28

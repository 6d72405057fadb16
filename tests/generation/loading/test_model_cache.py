"""Which checkpoints stay loaded."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from generation.catalog import Catalog, Checkpoint
from generation.engine.device import pick_dtype
from generation.engine.engine import Engine
from generation.loading import model_cache as cache_module
from generation.loading.memory import _left_in_group, free_bytes
from generation.loading.model_cache import RESERVE, ModelCache
from generation.loading.model_loader import find_files, load
from generation.request import Failed, Finished, Loading, Progress, Started
from tests.generation.conftest import CPU, PLAIN, MakeRequest, draw_source, pixels, run
from tests.generation.loading import layouts

NAMES = ("A", "B", "C")


@pytest.fixture
def catalog(tiny_folder: Path) -> Catalog:
    return Catalog({name: Checkpoint(name=name, source=tiny_folder) for name in NAMES}, "A")


@pytest.fixture
def weights(catalog: Catalog) -> int:
    """What one of the checkpoints takes, in bytes."""
    return find_files(catalog["A"]).values * torch.float32.itemsize


class Memory:
    """A device that holds so many checkpoints beside the reserve."""

    def __init__(self, cache: ModelCache, holds: int, weights: int) -> None:
        self.cache, self.holds, self.weights = cache, holds, weights

    def free(self, _: torch.device) -> int:
        return RESERVE + (self.holds - len(self.cache.names)) * self.weights


def test_weights_are_counted_without_loading_them(catalog: Catalog, weights: int):
    pipeline = load(catalog["A"], CPU)
    parts = (pipeline.text_encoder, pipeline.unet, pipeline.vae)
    assert weights == sum(value.nbytes for part in parts for value in part.parameters())


def test_as_many_as_fit_are_kept_and_the_least_recently_used_goes(
    catalog: Catalog, weights: int, monkeypatch: pytest.MonkeyPatch
):
    cache = ModelCache(catalog, CPU)
    monkeypatch.setattr(cache_module, "free_bytes", Memory(cache, 2, weights).free)
    told: list[tuple[str, float]] = []
    for name in "AABAC":
        cache.take(name, lambda *event: told.append(event))
    assert [name for name, share in told if not share] == ["A", "B", "C"]
    assert cache.names == ("A", "C")
    cache.take("B", lambda *_: None)
    assert cache.names == ("C", "B")


def test_another_file_under_a_name_is_loaded_anew(catalog: Catalog):
    cache = ModelCache(catalog, CPU)
    loaded: list[str] = []

    def tell(name: str, share: float) -> None:
        loaded.extend([] if share else [name])

    first = cache.take("A", tell)

    def become(**changes: object) -> None:
        changed = {**catalog.checkpoints, "A": replace(catalog["A"], **changes)}
        catalog.become(replace(catalog, checkpoints=changed))

    become(roles=(7,), age_restricted=True)  # who may draw with it, the weights do not say
    assert cache.take("A", tell) is first
    become(changed=(1, 1))
    assert cache.take("A", tell, in_use=["A"]) is first, "what is begun is ended with it"
    assert cache.take("A", tell) is not first
    become(prediction_type="v_prediction")
    cache.take("A", tell)
    assert loaded == ["A", "A", "A"]
    catalog.become(Catalog({"B": catalog["B"]}, "B"))
    cache.take("B", tell)
    assert "A" in cache.names, "one that is gone leaves when its room is needed"


def test_one_that_does_not_fit_is_still_tried_alone(
    catalog: Catalog, weights: int, monkeypatch: pytest.MonkeyPatch
):
    cache = ModelCache(catalog, CPU)
    monkeypatch.setattr(cache_module, "free_bytes", lambda _: 0)
    for name in NAMES:
        cache.take(name, lambda *_: None)
        assert cache.names == (name,)


def test_out_of_memory_while_loading_makes_room_and_tries_again(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
):
    cache = ModelCache(catalog, CPU)
    real = cache_module.load_gradually

    def load_or_run_out(*arguments: object) -> Iterator[int]:
        if len(cache.names) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return (yield from real(*arguments))

    monkeypatch.setattr(cache_module, "load_gradually", load_or_run_out)
    for name in NAMES:
        cache.take(name, lambda *_: None)
    assert cache.names == ("B", "C")

    def never(*_: object) -> Iterator[int]:
        yield 1
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(cache_module, "load_gradually", never)
    with pytest.raises(torch.OutOfMemoryError):
        cache.take("A", lambda *_: None)
    assert cache.names == ()


@pytest.mark.parametrize("part", ["text_encoder", "unet", "vae"])
def test_out_of_memory_under_a_request_takes_the_others_memory_first(
    catalog: Catalog, make_request: MakeRequest, part: str
):
    engine = Engine(catalog, CPU, options=PLAIN)
    undisturbed = pixels(run(engine, make_request(checkpoint="B")))
    run(engine, make_request(checkpoint="A", prompt="a cat"))
    model = getattr(engine.cache._pipelines["A"], part)

    def short(*_: object) -> None:
        if len(engine.cache.names) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    hooked = model.decoder if part == "vae" else model
    hooked.register_forward_pre_hook(short)
    events = run(engine, make_request(checkpoint="A"))
    assert isinstance(events[-1], Finished)
    assert engine.cache.names == ("A",)
    assert (pixels(events) == undisturbed).all()


def test_loading_is_announced_under_the_request_that_waits_for_it(
    catalog: Catalog, make_request: MakeRequest
):
    announced: list[tuple[int, Loading]] = []
    engine = Engine(catalog, CPU, options=PLAIN, on_event=lambda *event: announced.append(event))
    assert engine.warm_up() is None
    for key, name in enumerate("ABAB", start=1):
        assert isinstance(run(engine, make_request(checkpoint=name), key)[-1], Finished)
    failed = run(engine, make_request(checkpoint="D"), 5)[-1]
    assert isinstance(failed, Failed)
    first = [event for event in announced if not event[1].share]
    assert first == [(0, Loading("A")), (2, Loading("B"))]
    for key, name in ((0, "A"), (2, "B")):
        shares = [event.share for of, event in announced if of == key]
        assert all(event.checkpoint == name for of, event in announced if of == key)
        assert shares == sorted(shares)
        assert 0.9 < shares[-1] <= 1


@pytest.fixture
def slow(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine with B as a single file, of which a tick reads one tensor beside others."""
    monkeypatch.setattr(cache_module, "SLICE_S", 0.0)
    folder = catalog["B"].source
    assert isinstance(folder, Path)
    weights = layouts.whole("sd1", layouts.read_folder(folder))
    file = layouts.save(weights, tmp_path / "b.safetensors")
    single = replace(catalog["B"], source=file, config=folder)
    checkpoints = {**catalog.checkpoints, "B": single}
    told: list[tuple[int, Loading]] = []
    engine = Engine(
        Catalog(checkpoints, "A"), CPU, options=PLAIN, on_event=lambda *event: told.append(event)
    )
    engine.told = told
    return engine


def test_who_is_drawn_goes_on_while_another_checkpoint_loads(
    slow: Engine, catalog: Catalog, make_request: MakeRequest
):
    alone = Engine(catalog, CPU, options=PLAIN)
    expected = {name: pixels(run(alone, make_request(checkpoint=name))) for name in "AB"}
    run(slow, make_request(checkpoint="A", num_inference_steps=1), 1)
    slow.add(2, make_request(checkpoint="A", num_inference_steps=100))
    slow.step()
    slow.add(3, make_request(checkpoint="B"))
    events: dict[int, list] = {2: [], 3: [], 4: []}
    order = []
    while not slow.idle:
        if len(order) == 40:
            slow.add(4, make_request(checkpoint="A"))  # behind one that waits for B
        for key, event in slow.step():
            events[key].append(event)
            order.append((key, type(event)))
    shares = [event.share for key, event in slow.told if key == 3]
    assert len(shares) > 5
    assert order.index((4, Finished)) < order.index((3, Started))
    assert order[:40].count((2, Progress)) >= 38
    assert np.array_equal(pixels(events[3]), expected["B"])
    assert np.array_equal(pixels(events[4]), expected["A"])


def test_what_nobody_waits_for_is_not_loaded_further(slow: Engine, make_request: MakeRequest):
    run(slow, make_request(checkpoint="A", num_inference_steps=1), 1)
    slow.add(2, make_request(checkpoint="A", num_inference_steps=100))
    slow.step()
    slow.add(3, make_request(checkpoint="B"))
    for _ in range(5):
        slow.step()
    assert slow.cache.is_loading("B")
    slow.cancel(3)
    slow.step()
    assert not slow.cache.is_loading("B")
    slow.cancel(2)
    while not slow.idle:
        slow.step()
    assert slow.cache.names == ("A",)
    assert isinstance(run(slow, make_request(checkpoint="B"), 4)[-1], Finished)


def test_a_file_that_turns_out_bad_on_the_way_fails_its_request_only(
    slow: Engine, make_request: MakeRequest
):
    run(slow, make_request(checkpoint="A", num_inference_steps=1), 1)
    file = slow._catalog["B"].source
    weights = load_file(file)
    del weights["model.diffusion_model.out.2.bias"]
    layouts.save(weights, file)
    slow.add(2, make_request(checkpoint="A", num_inference_steps=100))
    slow.step()
    slow.add(3, make_request(checkpoint="B"))
    ended = {}
    while not slow.idle:
        ended |= dict(slow.step())
    assert isinstance(ended[2], Finished)
    assert isinstance(ended[3], Failed)
    assert "missing" in str(ended[3].error)


def test_a_folder_with_half_precision_weights_alone(
    tiny_folder: Path, tmp_path: Path, make_request: MakeRequest
):
    half = shutil.copytree(tiny_folder, tmp_path / "half")
    for part in ("unet", "vae", "text_encoder"):
        (weights,) = (half / part).glob("*.safetensors")
        weights.rename(weights.with_name(f"{weights.stem}.fp16.safetensors"))
    catalog = Catalog({"Half": Checkpoint(name="Half", source=half)}, "Half")
    engine = Engine(catalog, CPU, options=PLAIN)
    assert isinstance(run(engine, make_request(checkpoint="Half"))[-1], Finished)


def test_types_by_device(catalog: Catalog, monkeypatch: pytest.MonkeyPatch):
    files = find_files(catalog["A"])
    assert pick_dtype(CPU, files, torch.float16) == torch.float32
    assert pick_dtype(torch.device("mps"), files, torch.float16) == torch.float32
    assert pick_dtype(torch.device("cuda"), files, torch.float16) == torch.float16


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_draws_much_the_same(
    catalog: Catalog, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
):
    engine = Engine(catalog, CPU, options=PLAIN)
    full = pixels(run(engine, make_request(checkpoint="A")))
    monkeypatch.setattr(cache_module, "pick_dtype", lambda *_: dtype)
    events = run(engine, make_request(checkpoint="B"))
    pipeline = engine.cache._pipelines["B"]
    assert pipeline.unet.dtype == pipeline.vae.dtype == dtype
    assert abs(pixels(events).astype(int) - full).mean() < 40


@pytest.mark.parametrize("part", ["decoder", "encoder"])
def test_a_vae_that_overflows_in_fp16_runs_in_fp32_from_then_on(
    catalog: Catalog, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch, part: str
):
    engine = Engine(catalog, CPU, options=PLAIN)
    monkeypatch.setattr(cache_module, "pick_dtype", lambda *_: torch.float16)
    run(engine, make_request(checkpoint="A", num_inference_steps=1))
    pipeline = engine.cache._pipelines["A"]
    request = make_request(checkpoint="A", strength=0.5, image=draw_source(32, 32))
    getattr(pipeline.vae, part).register_forward_hook(
        lambda _part, _inputs, values: values * torch.inf if values.dtype == torch.float16 else None
    )
    assert pixels(run(engine, request)).std() > 1
    assert pipeline.vae.dtype == torch.float32


def test_free_memory_is_what_the_system_and_the_container_leave(tmp_path: Path):
    assert free_bytes(CPU) > 0
    assert _left_in_group(tmp_path) > 2**60
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 100\n")
    for limit, left in (("1000\n", 400), ("500\n", 0), ("max\n", 2**63)):
        (tmp_path / "memory.max").write_text(limit)
        assert _left_in_group(tmp_path) == left

"""Whole pictures with adapters of every kind, against checkpoints that they are merged into."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn

from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import Adapter
from generation.conditions.adapters import adapter_pool
from generation.conditions.adapters.adapter_keys import Part
from generation.engine.engine import Engine
from generation.families.pipeline import Pipeline
from generation.options import EngineOptions
from generation.prompts.adapters import AdapterUse
from generation.request import Event, Failed, Finished, GenerationRequest
from tests.generation.conditions.lora_files import (
    CONVOLUTION,
    LINEAR,
    Make,
    kohya,
    kohya_xl,
    write_adapter,
)
from tests.generation.conftest import CPU, PLAIN, MakeRequest, assert_alike, pixels, run
from tests.generation.families.tiny import save_tiny_xl

NAME = "Ink. 墨 v1.5"
FAMILIES = ("sd1", "sdxl")


@dataclass
class World:
    """A tiny checkpoint of each family, once as it is and once to merge adapters into."""

    folder: Path
    checkpoints: dict[str, Checkpoint]

    def engine(self, names: tuple[str, ...] = (NAME,), **options: object) -> Engine:
        adapters = {
            name: Adapter(name=name, path=self.folder / f"{number}.safetensors")
            for number, name in enumerate(names)
        }
        catalog = Catalog(self.checkpoints, "sd1", adapters=adapters)
        return Engine(catalog, CPU, options=EngineOptions(rows=16, **options) if options else PLAIN)


@pytest.fixture(scope="module")
def world(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("adapters")
    sources = {"sd1": tiny_folder, "sdxl": save_tiny_xl(folder / "xl")}
    return World(
        folder,
        {
            family: Checkpoint(name=family, source=source, family=family, size=64)
            for family, source in sources.items()
        },
    )


@pytest.fixture(scope="module")
def engines(world: World) -> tuple[Engine, Engine]:
    return world.engine(), world.engine()


@pytest.fixture
def ask(make_request: MakeRequest) -> MakeRequest:
    def make(family: str, *uses: AdapterUse, **changes: object) -> GenerationRequest:
        size = {"width": 64, "height": 64}
        plain = {**size, "num_inference_steps": 2, "negative_prompt": "a boat", **changes}
        return make_request(checkpoint=family, family=family, adapters=uses, **plain)

    return make


def pipeline_of(engine: Engine, family: str) -> Pipeline:
    while (found := engine.cache.take(family, lambda *_: None)) is None:
        time.sleep(0.01)  # it is loading
    return found


def models_of(pipeline: Pipeline, *parts: Part) -> dict[str, nn.Module]:
    return {part.value: pipeline.adapted[part] for part in parts if part in pipeline.adapted}


class Merged:
    """An engine whose checkpoint has adapters merged into it, until it is left."""

    def __init__(self, engine: Engine, family: str) -> None:
        self.engine, self.family = engine, family
        self.pipeline = pipeline_of(engine, family)

    def __enter__(self) -> Pipeline:
        self.before = {
            part: copy.deepcopy(model.state_dict()) for part, model in self.pipeline.adapted.items()
        }
        return self.pipeline

    def __exit__(self, *_: object) -> None:
        for part, model in self.pipeline.adapted.items():
            model.load_state_dict(self.before[part])
        forget_prompts(self.pipeline)


def forget_prompts(pipeline: Pipeline) -> None:
    for encoder in pipeline._encoders:
        encoder._cache.clear()
        encoder._bytes_used = 0


def linear(_name: str, layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear) and layer.weight.numel() % 64 == 0


def convolution(_name: str, layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3) and len(layer.weight) > 4


TEXTS = (Part.TEXT_ENCODER, Part.TEXT_ENCODER_2)
CASES = [
    *(((Part.DENOISER,), linear, make, f"{name}, linear") for name, make in LINEAR.items()),
    *(((Part.DENOISER,), convolution, make, f"{name}, conv") for name, make in CONVOLUTION.items()),
    *((TEXTS, linear, make, f"{name}, text") for name, make in LINEAR.items()),
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("parts", "chosen", "make"), [case[:3] for case in CASES], ids=[case[3] for case in CASES]
)
def test_a_picture_is_as_if_the_adapter_were_merged(
    world: World,
    engines: tuple[Engine, Engine],
    ask: MakeRequest,
    family: str,
    parts: tuple[Part, ...],
    chosen: Callable[[str, nn.Module], bool],
    make: Make,
):
    engine, other = engines
    weight = 0.6
    with Merged(other, family) as pipeline:
        count = write_adapter(
            world.folder / "0.safetensors",
            models_of(pipeline, *parts),
            chosen,
            make,
            kohya if family == "sd1" else kohya_xl,
            weight=weight,
            seed=CASES.index(next(one for one in CASES if one[:3] == (parts, chosen, make))),
        )
        assert count > 4
        forget_prompts(pipeline)
        wanted = pixels(run(other, ask(family)))
    use = AdapterUse(NAME, 0.0, weight) if parts == TEXTS else AdapterUse(NAME, weight, 0.0)
    drawn = pixels(run(engine, ask(family, use)))
    assert_alike(drawn, wanted)
    plain = pixels(run(engine, ask(family)))
    assert np.array_equal(plain, pixels(run(other, ask(family)))), "the next is without"
    assert not np.array_equal(plain, drawn), "it does something"


def test_eight_people_with_eight_sets_get_what_they_get_alone(world: World, ask: MakeRequest):
    """With joins, leaves and cancels; one has none, and one has several."""
    people, names = eight_people(world, ask)
    alone_engine, engine = world.engine(names), world.engine(names)
    alone = {key: pixels(run(alone_engine, one, key)) for key, one in people.items()}
    drawn, most = together(engine, people)
    assert most >= 12, "they did share forwards"
    for key in people:
        assert_alike(drawn[key], alone[key])
    differ = {alone[key].tobytes() for key in people}
    assert len(differ) == len(people)


def test_deterministic_pictures_depend_on_nobody_s_adapters(world: World, ask: MakeRequest):
    people, names = eight_people(world, ask)
    engine = world.engine(names, deterministic=True)
    alone = {key: pixels(run(engine, one, key)) for key, one in people.items()}
    for seed in (0, 1):
        drawn, _ = together(engine, people, seed)
        for key in people:
            assert np.array_equal(drawn[key], alone[key]), key


def eight_people(
    world: World, ask: MakeRequest
) -> tuple[dict[int, GenerationRequest], tuple[str, ...]]:
    names = tuple(f"Style {number}" for number in range(8))
    unet, encoder = (
        pipeline_of(world.engine(), "sd1").adapted[part]
        for part in (Part.DENOISER, Part.TEXT_ENCODER)
    )
    for number, make in enumerate([*LINEAR.values()][:8]):
        models = {"denoiser": copy.deepcopy(unet), "text_encoder": copy.deepcopy(encoder)}
        file = world.folder / f"{number}.safetensors"
        write_adapter(file, models, linear, make, kohya, seed=number)
    sets = [
        (),
        *([AdapterUse(names[number], 0.7, 0.4)] for number in range(6)),
        [AdapterUse(name, 0.2, -0.2) for name in names],
    ]
    requests = (
        ask("sd1", *uses, num_inference_steps=12 + number % 3, seed=number)
        for number, uses in enumerate(sets)
    )
    return dict(enumerate(requests, start=1)), names


def together(
    engine: Engine, people: dict[int, GenerationRequest], seed: int = 0
) -> tuple[dict[int, np.ndarray], int]:
    """Let them arrive at random ticks, with strangers who are cancelled; return the most rows."""
    rng = np.random.default_rng(seed)
    events: dict[int, list[Event]] = {key: [] for key in people}
    waiting, strangers, most = list(rng.permutation(list(people))), [], 0
    while waiting or not engine.idle:
        while waiting and rng.random() < 0.8:
            key = int(waiting.pop())
            engine.add(key, people[key])
            if rng.random() < 0.4:
                strangers.append(100 + key)
                engine.add(strangers[-1], people[1 + key % len(people)])
        if strangers and rng.random() < 0.5:
            engine.cancel(strangers.pop(0))
        for key, event in engine.step():
            events.get(key, []).append(event)
        most = max(most, len(engine._batcher) and engine._batcher.rows(engine._batcher.pick()))
    return {key: pixels(told) for key, told in events.items()}, most


def resident() -> int:
    import psutil

    return psutil.Process().memory_info().rss


@pytest.fixture
def hundred(world: World) -> Iterator[tuple[str, ...]]:
    """A hundred LoRAs of 1 MiB each."""
    names = tuple(f"One of many {number}" for number in range(100))
    pipeline = pipeline_of(world.engine(), "sd1")
    rng = torch.Generator().manual_seed(0)

    def large(base: torch.Tensor, _: torch.Generator) -> tuple[dict[str, torch.Tensor], object]:
        down = torch.randn((128, base.shape[1]), generator=rng) / 100
        up = torch.randn((base.shape[0], 128), generator=rng) / 100
        return {"lora_down.weight": down, "lora_up.weight": up}, base

    for number in range(len(names)):
        write_adapter(
            world.folder / f"{number}.safetensors",
            models_of(pipeline, Part.DENOISER),
            linear,
            large,
            kohya,
        )
    yield names
    for number in range(len(names)):
        (world.folder / f"{number}.safetensors").unlink()


def test_a_hundred_loras_leave_memory_where_it_was(
    world: World, ask: MakeRequest, hundred: tuple[str, ...]
):
    engine = world.engine(hundred)
    size = (world.folder / "0.safetensors").stat().st_size
    engine._adapters.most_bytes = 4 * size
    after: list[int] = []
    for key, name in enumerate(hundred, start=1):
        told = run(engine, ask("sd1", AdapterUse(name), num_inference_steps=1), key)
        assert isinstance(told[-1], Finished)
        assert engine._adapters.bytes <= engine._adapters.most_bytes
        after.append(resident())
    assert len(engine._adapters) in (3, 4)
    assert pipeline_of(engine, "sd1").row_adapters._plans == {}
    assert after[-1] - after[10] < 10 * size, "far less than the ninety that came since"


def test_none_aboard_is_dropped_and_who_finds_no_room_waits(
    world: World, ask: MakeRequest, hundred: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    engine = world.engine(hundred)
    size = (world.folder / "0.safetensors").stat().st_size
    engine._adapters.most_bytes = 2 * size
    loads = mock.Mock(wraps=adapter_pool.load_adapter)
    monkeypatch.setattr(adapter_pool, "load_adapter", loads)
    for key in (1, 2, 3):
        engine.add(key, ask("sd1", AdapterUse(hundred[key]), num_inference_steps=4))
    ended: list[int] = []
    while not engine.idle:
        ended += [key for key, event in engine.step() if isinstance(event, Finished)]
        kept = set(engine._adapters._kept.values())
        assert all(loaded in kept for loaded in engine._adapters.in_use)
        assert engine._adapters.bytes <= 2 * size
    assert sorted(ended) == [1, 2, 3]
    assert loads.call_count <= 5, "who waits is not loaded at every tick"


def test_more_than_fits_even_alone_is_refused(
    world: World, ask: MakeRequest, hundred: tuple[str, ...]
):
    engine = world.engine(hundred)
    engine._adapters.most_bytes = 2 * (world.folder / "0.safetensors").stat().st_size
    uses = [AdapterUse(name) for name in hundred[:3]]
    failed = run(engine, ask("sd1", *uses))[-1]
    assert isinstance(failed, Failed)
    assert str(failed.error).startswith("adapters must be LoRAs that together take at most")


def test_an_unknown_one_is_told_and_draws_nothing(engines: tuple[Engine, Engine], ask: MakeRequest):
    (failed,) = run(engines[0], ask("sd1", AdapterUse("Oil")))
    assert isinstance(failed, Failed)
    assert str(failed.error) == '"Oil": not among the LoRAs here'

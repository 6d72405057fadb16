"""Whole pictures with control nets, against diffusers' own pipelines, alone and in company."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from diffusers import UNet2DConditionModel
from PIL import Image

from generation.catalog import Catalog, Checkpoint
from generation.catalog.controls import ControlModel
from generation.conditions.steering import steering_pool
from generation.controls import Control
from generation.engine.engine import Engine
from generation.hires import Hires
from generation.options import EngineOptions
from generation.preprocess import control_picture
from generation.request import Failed, Finished, GenerationRequest, Sampler
from tests.generation.conditions.steering_files import (
    draw_colours,
    draw_lines,
    png,
    save_net,
    save_union,
)
from tests.generation.conditions.steering_reference import draw
from tests.generation.conftest import (
    CPU,
    PLAIN,
    MakeRequest,
    assert_alike,
    draw_source,
    pixels,
    run,
)
from tests.generation.families.tiny import save_tiny_xl

FAMILIES = ("sd1", "sdxl")
BOTH = (Control("edges", 0.8), Control("lines", 1.3))


@dataclass
class World:
    """A tiny checkpoint of each family with nets of its own, by names that start with it."""

    folders: dict[str, Path]
    controls: dict[str, ControlModel]

    def catalog(self) -> Catalog:
        checkpoints = {
            family: Checkpoint(name=family, source=folder, family=family, size=64)
            for family, folder in self.folders.items()
        }
        return Catalog(checkpoints, "sd1", controls=self.controls)

    def engine(self, **options: object) -> Engine:
        chosen = EngineOptions(rows=16, **options) if options else PLAIN
        return Engine(self.catalog(), CPU, options=chosen)

    def nets(self, request: GenerationRequest) -> list[ControlModel]:
        return [self.controls[one.name] for one in request.controls]


@pytest.fixture(scope="module")
def world(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("nets")
    folders = {"sd1": tiny_folder, "sdxl": save_tiny_xl(folder / "xl")}
    made = []
    for number, (family, checkpoint) in enumerate(folders.items()):
        unet = UNet2DConditionModel.from_pretrained(checkpoint / "unet")
        for seed, name in enumerate(("edges", "lines", "tile")):
            made.append(save_net(folder / f"{family} {name}", unet, family, 10 * number + seed))
        pooled = {"global_pool_conditions": True}
        made.append(save_net(folder / f"{family} shuffle", unet, family, 5, **pooled))
        made.append(save_net(folder / f"{family} again", unet, family, 10 * number))
    xl = UNet2DConditionModel.from_pretrained(folders["sdxl"] / "unet")
    made += save_union(folder / "sdxl union", xl, "sdxl", 7)
    return World(folders, {one.name: one for one in made})


@pytest.fixture(scope="module")
def engine(world: World) -> Engine:
    return world.engine()


@pytest.fixture
def ask(make_request: MakeRequest) -> MakeRequest:
    def make(family: str, *controls: Control, **changes: object) -> GenerationRequest:
        size = {"width": 64, "height": 64, "num_inference_steps": 3}
        named = tuple(one._replace(name=f"{family} {one.name}") for one in controls)
        pictures = tuple(png(draw_lines(seed)) for seed in range(len(named)))
        plain = {**size, "negative_prompt": "a boat", "control_images": pictures, **changes}
        return make_request(checkpoint=family, family=family, controls=named, **plain)

    return make


CASES = {
    "one net": ((Control("edges"),), {}),
    "two pictures": ((Control("edges", 0.6),), {"num_images": 2}),
    "several nets": (BOTH, {}),
    "the same net twice": ((Control("edges", 0.5), Control("edges", 0.7)), {}),
    "a share of the steps": (
        (Control("edges", 0.9, 0.0, 0.5), Control("lines", 0.9, 0.25, 1.0)),
        {"num_inference_steps": 8},
    ),
    "a sampler of second order": (
        (Control("edges", 1.0, 0.2, 0.7),),
        {"sampler": Sampler.HEUN, "num_inference_steps": 5},
    ),
    "without guidance": ((Control("edges"),), {"guidance_scale": 1.0}),
    "from a picture": (
        BOTH,
        {"image": draw_source(64, 64), "strength": 0.6, "num_inference_steps": 6},
    ),
    "from a picture, one net": (
        (Control("edges", 0.8, 0.0, 0.6),),
        {"image": draw_source(64, 64), "strength": 0.8, "num_inference_steps": 6},
    ),
    "a look as a whole": ((Control("shuffle"),), {}),
    "edges that continue": (BOTH, {"tiling": True}),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("controls", "changes"), CASES.values(), ids=CASES)
def test_alone_it_is_diffusers_own_picture(
    world: World,
    engine: Engine,
    ask: MakeRequest,
    family: str,
    controls: tuple[Control, ...],
    changes: dict[str, object],
):
    request = ask(family, *controls, **changes)
    drawn = pixels(run(engine, request))
    plain = pixels(run(engine, ask(family, **changes)))
    assert (drawn != plain).mean() > 0.2, "it does something"
    assert_alike(drawn, draw(world.folders[family], request, world.nets(request)), share=0.02)


@pytest.mark.parametrize("modes", [(3,), (0, 4)], ids=("one", "two"))
@pytest.mark.parametrize("source", [None, draw_source(64, 64)], ids=("text", "picture"))
def test_a_union_net_is_told_what_it_reads(
    world: World, engine: Engine, ask: MakeRequest, modes: tuple[int, ...], source: bytes | None
):
    controls = [Control(f"union {mode}", 0.7 + mode / 10) for mode in modes]
    begun = {} if source is None else {"image": source, "strength": 0.7}
    request = ask("sdxl", *controls, num_inference_steps=4, **begun)
    drawn = pixels(run(engine, request))
    assert_alike(drawn, draw(world.folders["sdxl"], request, world.nets(request)), share=0.02)
    other = ask("sdxl", *(Control("union 5", one.weight) for one in controls), **begun)
    assert not np.array_equal(drawn, pixels(run(engine, other)))


def test_who_has_no_net_has_the_plain_pictures(world: World, engine: Engine, ask: MakeRequest):
    plain = ask("sd1")
    assert_alike(pixels(run(engine, plain)), draw(world.folders["sd1"], plain), share=0.02)


def company(ask: MakeRequest, family: str) -> dict[int, GenerationRequest]:
    sets = [
        (),
        (Control("edges"),),
        BOTH,
        (Control("lines", 0.5, 0.3, 0.8),),
        (Control("shuffle"), Control("edges", 0.4)),
        (*BOTH[::-1], Control("tile")),
    ]
    if family == "sdxl":
        sets.append((Control("union 1"), Control("union 3", 0.5), Control("edges")))
        sets.append((Control("union 2"),))
    return {
        key: ask(family, *controls, seed=key, num_inference_steps=6 + key % 3)
        for key, controls in enumerate(sets, start=1)
    }


def together(
    engine: Engine, people: dict[int, GenerationRequest], least: int = 4
) -> dict[int, np.ndarray]:
    """They come one after another, so that others are further on; some leave early."""
    told = {key: [] for key in people}
    waiting = dict(people)
    most = 0
    while waiting or not engine.idle:
        if waiting:
            key = next(iter(waiting))
            engine.add(key, waiting.pop(key))
        for key, event in engine.step():
            told[key].append(event)
        most = max(most, len(engine._batcher))
    assert most >= least, "they did share forwards"
    return {key: pixels(events) for key, events in told.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_in_company_everybody_gets_what_they_get_alone(
    world: World, engine: Engine, ask: MakeRequest, family: str
):
    people = company(ask, family)
    alone = {key: pixels(run(engine, one, key)) for key, one in people.items()}
    assert len({one.tobytes() for one in alone.values()}) == len(people)
    for key, drawn in together(world.engine(), people).items():
        assert_alike(drawn, alone[key])


@pytest.mark.parametrize("family", FAMILIES)
def test_deterministic_pictures_depend_on_nobody_s_nets(
    world: World, ask: MakeRequest, family: str
):
    people = company(ask, family)
    engine = world.engine(deterministic=True)
    alone = {key: pixels(run(engine, one, key)) for key, one in people.items()}
    for key, drawn in together(engine, people).items():
        assert np.array_equal(drawn, alone[key]), key


def test_none_aboard_is_dropped_and_who_finds_no_room_waits(world: World, ask: MakeRequest):
    engine = world.engine()
    run(engine, ask("sd1", Control("edges")))
    pool = engine._steering.kept
    size = pool.bytes
    pool.most_bytes = 2 * size
    for key, name in enumerate(("edges", "lines", "tile", "again"), start=1):
        engine.add(key, ask("sd1", Control(name), seed=key))
    ended = []
    while not engine.idle:
        ended += [key for key, event in engine.step() if isinstance(event, Finished)]
        assert pool.bytes <= 2 * size
        assert all(one in set(pool._kept.values()) for one in pool.in_use)
    assert sorted(ended) == [1, 2, 3, 4]
    assert not pool.in_use
    assert pool.drop_idle()
    assert pool.bytes == 0


def test_more_than_fits_even_alone_is_refused(world: World, ask: MakeRequest):
    engine = world.engine()
    engine._steering.kept.most_bytes = 1000
    (failed,) = run(engine, ask("sd1", Control("edges")))
    assert isinstance(failed, Failed)
    assert str(failed.error).startswith("control must be control nets that together take at most")


def test_what_cannot_be_is_one_line(world: World, engine: Engine, ask: MakeRequest):
    def refused(request: GenerationRequest) -> str:
        (failed,) = run(engine, request)
        assert isinstance(failed, Failed)
        return str(failed.error)

    alien = replace(ask("sd1", Control("edges")), controls=(Control("sdxl edges"),))
    assert refused(alien) == (
        '"sdxl edges": sdxl edges was made for Stable Diffusion XL, not for Stable Diffusion 1'
    )
    assert "the most similar names are sd1 edges" in refused(ask("sd1", Control("egdes")))
    assert refused(ask("sd1", Control("edges"), control_images=())) == (
        "control_image must be one picture for each: 1"
    )
    broken = refused(ask("sd1", Control("edges"), control_images=(b"GIF89a",)))
    assert broken == "control_image must be a complete PNG of at most 2048 px on each side"


def test_a_file_that_is_cut_short_is_told(world: World, ask: MakeRequest, tmp_path: Path):
    whole = world.controls["sd1 edges"].path.read_bytes()
    file = tmp_path / "short.safetensors"
    file.write_bytes(whole[: len(whole) // 2])
    model = ControlModel(name="sd1 short", path=file, family="sd1")
    catalog = world.catalog()
    catalog.controls = {**catalog.controls, "sd1 short": model}
    (failed,) = run(Engine(catalog, CPU, options=PLAIN), ask("sd1", Control("short")))
    assert isinstance(failed, Failed)
    assert "bytes are missing" in str(failed.error)


def test_a_net_for_another_width_is_told(world: World, ask: MakeRequest):
    model = world.controls["sdxl edges"]
    catalog = world.catalog()
    wrong = ControlModel(name="sd1 wrong", path=model.path, family="sd1")
    catalog.controls = {**catalog.controls, "sd1 wrong": wrong}
    (failed,) = run(Engine(catalog, CPU, options=PLAIN), ask("sd1", Control("wrong")))
    assert isinstance(failed, Failed)
    assert "does not fit this checkpoint: cross_attention_dim is 64 instead of 32" in str(
        failed.error
    )


def test_a_picture_is_preprocessed_for_its_net(engine: Engine, ask: MakeRequest):
    photograph = draw_colours(3, 64, 64)
    made = control_picture("canny", photograph, None)
    edges, given = Control("edges", preprocess="canny"), Control("edges")
    drawn = pixels(run(engine, ask("sd1", edges, control_images=(png(photograph),))))
    wanted = pixels(run(engine, ask("sd1", given, control_images=(png(made),))))
    plain = pixels(run(engine, ask("sd1", given, control_images=(png(photograph),))))
    assert np.array_equal(drawn, wanted)
    assert not np.array_equal(drawn, plain)


def test_what_is_transparent_is_to_be_made_up(engine: Engine, ask: MakeRequest):
    whole = draw_colours(3, 64, 64)
    mask = Image.new("L", whole.size)
    mask.paste(255, (0, 0, 32, 64))
    opened = control_picture("inpaint", whole, mask)
    values = steering_pool._pixels(opened, 64, 64)
    assert (values[..., :32] == -1).all()
    assert (values[..., 32:] >= 0).all()
    masked = {
        "control_images": (png(whole),),
        "image": png(whole),
        "mask": png(mask),
        "feather": 4,
        "strength": 0.9,
    }
    controls = Control("edges", preprocess="inpaint"), Control("edges")
    pictures = [pixels(run(engine, ask("sd1", one, **masked))) for one in controls]
    assert not np.array_equal(*pictures), "it reads the mask"


def test_a_second_pass_reads_the_picture_in_its_own_size(
    world: World, engine: Engine, ask: MakeRequest
):
    """As diffusers' own picture, from the first one that is enlarged."""
    hires = {"hires": Hires(1.5, 0.6), "width": 64, "height": 64}
    drawn = pixels(run(engine, ask("sd1", Control("edges", 0.8), **hires)))
    assert drawn.shape[1:3] == (96, 96)
    plain = pixels(run(engine, ask("sd1", **hires)))
    assert (drawn != plain).mean() > 0.2

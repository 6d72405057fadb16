"""Whole pictures with IP-Adapters, against diffusers' own pipelines, alone and in company."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from diffusers import UNet2DConditionModel

from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import Adapter
from generation.catalog.controls import ControlModel, ReferenceModel
from generation.controls import Control, Reference
from generation.engine.engine import Engine
from generation.options import EngineOptions
from generation.prompts.adapters import AdapterUse
from generation.request import Failed, GenerationRequest
from tests.generation.conditions.lora_files import LINEAR, kohya, write_adapter
from tests.generation.conditions.steering_files import (
    draw_colours,
    draw_lines,
    png,
    save_encoder,
    save_net,
    save_reference,
)
from tests.generation.conditions.steering_reference import draw
from tests.generation.conditions.test_adapter_pictures import linear
from tests.generation.conditions.test_control_pictures import together
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
FORMS = ("base", "plus", "full")


@dataclass
class World:
    """A tiny checkpoint of each family with IP-Adapters of its own, by names that start with it."""

    folders: dict[str, Path]
    references: dict[str, ReferenceModel]
    controls: dict[str, ControlModel]
    adapters: dict[str, Adapter]

    def engine(self, **options: object) -> Engine:
        checkpoints = {
            family: Checkpoint(name=family, source=folder, family=family, size=64)
            for family, folder in self.folders.items()
        }
        catalog = Catalog(
            checkpoints,
            "sd1",
            adapters=self.adapters,
            controls=self.controls,
            references=self.references,
        )
        chosen = EngineOptions(rows=16, **options) if options else PLAIN
        return Engine(catalog, CPU, options=chosen)

    def wanted(self, request: GenerationRequest) -> np.ndarray:
        return draw(
            self.folders[request.family],
            request,
            [self.controls[one.name] for one in request.controls],
            [self.references[one.name] for one in request.references],
        )


@pytest.fixture(scope="module")
def world(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("references")
    folders = {"sd1": tiny_folder, "sdxl": save_tiny_xl(folder / "xl")}
    encoder = save_encoder(folder / "encoder")
    references, controls = [], []
    for number, (family, checkpoint) in enumerate(folders.items()):
        unet = UNet2DConditionModel.from_pretrained(checkpoint / "unet")
        for seed, form in enumerate(FORMS, start=10 * number):
            file = folder / "adapters" / f"{family} {form}.safetensors"
            references.append(save_reference(file, unet, family, encoder, seed, form))
        controls.append(save_net(folder / f"{family} edges", unet, family, number))
    unet = UNet2DConditionModel.from_pretrained(folders["sd1"] / "unet")
    lora = Adapter(name="Ink", path=folder / "ink.safetensors")
    write_adapter(lora.path, {"denoiser": unet}, linear, next(iter(LINEAR.values())), kohya)
    return World(
        folders,
        {one.name: one for one in references},
        {one.name: one for one in controls},
        {"Ink": lora},
    )


@pytest.fixture(scope="module")
def engine(world: World) -> Engine:
    return world.engine()


@pytest.fixture
def ask(make_request: MakeRequest) -> MakeRequest:
    def make(family: str, *references: Reference, **changes: object) -> GenerationRequest:
        named = tuple(one._replace(name=f"{family} {one.name}") for one in references)
        pictures = tuple(png(draw_colours(seed)) for seed in range(len(named)))
        plain = {
            "width": 64,
            "height": 64,
            "num_inference_steps": 3,
            "negative_prompt": "a boat",
            "reference_images": pictures,
            **changes,
        }
        return make_request(checkpoint=family, family=family, references=named, **plain)

    return make


CASES = {
    **{form: ((Reference(form, 0.8),), {"num_images": 2}) for form in FORMS},
    "several": ((Reference("base", 0.7), Reference("plus", 0.5)), {}),
    "without guidance": ((Reference("base"),), {"guidance_scale": 1.0}),
    "from a picture": ((Reference("plus"),), {"image": draw_source(64, 64), "strength": 0.7}),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("references", "changes"), CASES.values(), ids=CASES)
def test_alone_it_is_diffusers_own_picture(
    world: World,
    engine: Engine,
    ask: MakeRequest,
    family: str,
    references: tuple[Reference, ...],
    changes: dict[str, object],
):
    request = ask(family, *references, **changes)
    drawn = pixels(run(engine, request))
    plain = pixels(run(engine, ask(family, **changes)))
    assert (drawn != plain).mean() > 0.05, "it does something"
    assert_alike(drawn, world.wanted(request), share=0.02)


def test_a_style_is_taken_from_one_block_of_sdxl(world: World, engine: Engine, ask: MakeRequest):
    style = ask("sdxl", Reference("base", 1.5, "style"))
    drawn = pixels(run(engine, style))
    assert_alike(drawn, world.wanted(style), share=0.02)
    subject = ask("sdxl", Reference("base", 1.5))
    plain = pixels(run(engine, ask("sdxl")))
    others = (pixels(run(engine, subject)), plain)
    assert not any(np.array_equal(drawn, other) for other in others)
    plainer = ask("sd1", Reference("base", 1.5, "style"))
    assert not np.array_equal(pixels(run(engine, plainer)), pixels(run(engine, ask("sd1"))))


def test_with_a_net_it_is_diffusers_own_picture(world: World, engine: Engine, ask: MakeRequest):
    request = ask(
        "sd1",
        Reference("base", 0.8),
        controls=(Control("sd1 edges", 0.7),),
        control_images=(png(draw_lines(0)),),
    )
    assert_alike(pixels(run(engine, request)), world.wanted(request), share=0.02)


def company(ask: MakeRequest) -> dict[int, GenerationRequest]:
    base, plus = Reference("base", 0.8), Reference("plus", 0.6)
    net = {"controls": (Control("sd1 edges"),), "control_images": (png(draw_lines(1)),)}
    requests = [
        ask("sd1"),
        ask("sd1", base),
        ask("sd1", base._replace(weight=0.4), plus),
        ask("sd1", plus, adapters=(AdapterUse("Ink", 0.9, 0.0),)),
        ask("sd1", base._replace(kind="style"), **net),
        ask("sd1", adapters=(AdapterUse("Ink", 0.5, 0.0),)),
    ]
    return dict(enumerate(requests, start=1))


def test_in_company_everybody_gets_what_they_get_alone(
    world: World, engine: Engine, ask: MakeRequest
):
    people = company(ask)
    alone = {key: pixels(run(engine, one, key)) for key, one in people.items()}
    assert len({one.tobytes() for one in alone.values()}) == len(people)
    for key, drawn in together(world.engine(), people, 2).items():
        assert_alike(drawn, alone[key])


def test_deterministic_pictures_depend_on_nobody_s_references(world: World, ask: MakeRequest):
    people = company(ask)
    engine = world.engine(deterministic=True)
    alone = {key: pixels(run(engine, one, key)) for key, one in people.items()}
    for key, drawn in together(engine, people, 2).items():
        assert np.array_equal(drawn, alone[key]), key


def test_what_a_file_lacks_is_told(world: World, ask: MakeRequest):
    engine = world.engine()
    wrong = ReferenceModel(
        name="sd1 wrong",
        path=world.references["sdxl base"].path,
        family="sd1",
        encoder=world.references["sd1 base"].encoder,
    )
    engine._catalog.references = {**world.references, "sd1 wrong": wrong}
    (failed,) = run(engine, ask("sd1", Reference("wrong")))
    assert isinstance(failed, Failed)
    assert "its ip_adapter.1.to_k_ip.weight is " in str(failed.error)
    net = ReferenceModel(
        name="sd1 net",
        path=world.controls["sd1 edges"].path,
        family="sd1",
        encoder=world.references["sd1 base"].encoder,
    )
    engine._catalog.references = {**world.references, "sd1 net": net}
    (failed,) = run(engine, ask("sd1", Reference("net")))
    assert isinstance(failed, Failed)
    assert "lacks ip_adapter.1.to_k_ip.weight" in str(failed.error)

"""Every picture's score, and what becomes of one that cannot be scored."""

import importlib.util
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from generation.catalog import Catalog, Checkpoint, load_catalog
from generation.engine import safety
from generation.engine.engine import Engine
from generation.errors import CheckpointUnavailable, NotChecked
from generation.log_context import JOB, about
from generation.options import EngineOptions
from generation.request import Event, Failed, Finished, Picture, UpscaleRequest
from tests.generation.conftest import CPU, PLAIN, TINY, MakeRequest, draw_source, run

UNCHECKED = EngineOptions(rows=16, safety=False)
NEVER, ALWAYS = 1.0, -1.0  # thresholds for a cosine
Brings = Callable[[float], Catalog]


def save_checker(folder: Path, threshold: float) -> None:
    """Save a checker as Stable Diffusion 1.5's is published, older names of weights included."""
    torch.manual_seed(0)
    tiny = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = StableDiffusionSafetyChecker(
        CLIPConfig(
            text_config={**tiny, "intermediate_size": 16},
            vision_config={**tiny, "intermediate_size": 16, "image_size": 32, "patch_size": 8},
            projection_dim=8,
        )
    )
    model.concept_embeds_weights.data.fill_(threshold)
    model.save_pretrained(folder / "safety_checker")
    file = folder / "safety_checker/model.safetensors"
    old = "vision_model.vision_model."
    weights = {key.replace("vision_model.", old): value for key, value in load_file(file).items()}
    save_file(weights, file, {"format": "pt"})
    CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(folder / "feature_extractor")


@pytest.fixture
def brings(tiny_folder: Path, tmp_path: Path) -> Brings:
    """Return the tiny checkpoint with a checker that objects to what is above a threshold."""

    def bring(threshold: float) -> Catalog:
        folder = shutil.copytree(tiny_folder, tmp_path / "tiny")
        save_checker(folder, threshold)
        return Catalog({TINY: Checkpoint(name=TINY, source=folder, size=32)}, TINY)

    return bring


def scores(events: list[Event]) -> list[float | None]:
    return [event.nsfw for event in events if isinstance(event, Picture)]


def test_every_picture_carries_open_nsfws_score(catalog: Catalog, make_request: MakeRequest):
    events = run(Engine(catalog, CPU, options=PLAIN), make_request(num_images=2))
    pictures = [event for event in events if isinstance(event, Picture)]
    assert len(pictures) == 2
    for picture in pictures:
        image = Image.open(io.BytesIO(picture.png)).convert("RGB")
        assert picture.nsfw == safety.open_nsfw().classify(image).nsfw
        assert 0 < picture.nsfw < 1


def test_an_enlarged_picture_is_scored_itself(catalog: Catalog, monkeypatch):
    seen = []
    monkeypatch.setattr(safety, "score", lambda image: seen.append(image.size) or 0.25)
    request = UpscaleRequest(image=draw_source(32, 32), width=32, height=32, factor=2, seed=1)
    events = run(Engine(catalog, CPU, options=PLAIN), request)
    assert scores(events) == [0.25]
    assert seen == [(64, 64)]


@pytest.mark.parametrize(("threshold", "objects"), [(ALWAYS, True), (NEVER, False)])
def test_a_checkpoints_own_checker_is_asked_as_well(
    brings: Brings, make_request: MakeRequest, threshold: float, objects: bool
):
    assert importlib.util.find_spec("torchvision") is None
    catalog = brings(threshold)
    events = run(Engine(catalog, CPU, options=PLAIN), make_request())
    (picture,) = (event for event in events if isinstance(event, Picture))
    image = Image.open(io.BytesIO(picture.png)).convert("RGB")
    assert picture.nsfw == (1.0 if objects else safety.open_nsfw().classify(image).nsfw)
    assert np.asarray(image).any()  # it is scored, not blacked out


def test_a_checker_tells_pictures_apart(brings: Brings):
    folder = brings(NEVER)[TINY].source
    checker = safety.load_checker(folder)
    dark, light = (Image.new("RGB", (40, 32), (level,) * 3) for level in (0, 255))
    with torch.no_grad():
        embedded = [
            torch.nn.functional.normalize(
                checker.model.visual_projection(
                    checker.model.vision_model(
                        checker.prepare(image, return_tensors="pt").pixel_values
                    )[1]
                )
            )
            for image in (dark, light)
        ]
        checker.model.concept_embeds[0] = embedded[0]
        checker.model.concept_embeds_weights[0] = (1 + float(embedded[0] @ embedded[1].T)) / 2
    assert checker.objects(dark)
    assert not checker.objects(light)


def test_a_picture_that_cannot_be_scored_is_not_handed_over(
    catalog: Catalog, make_request: MakeRequest, monkeypatch, caplog
):
    def fail(image: Image.Image, checker: object) -> float:
        raise RuntimeError("no more memory for it")

    engine = Engine(catalog, CPU, options=PLAIN)
    with monkeypatch.context() as patch:
        patch.setattr(safety, "score", fail)
        events = run(engine, make_request(num_images=2))
    assert not [event for event in events if isinstance(event, Picture | Finished)]
    (failed,) = (event for event in events if isinstance(event, Failed))
    assert isinstance(failed.error, NotChecked)
    assert "no more memory for it" in caplog.text
    assert isinstance(run(engine, make_request(), key=2)[-1], Finished)


def test_what_is_said_of_a_picture_in_the_log_names_its_job(
    catalog: Catalog, make_request: MakeRequest, monkeypatch
):
    said = []
    monkeypatch.setattr(safety, "score", lambda *_, **__: said.append(JOB.get()) or 0.0)
    engine = Engine(catalog, CPU, options=PLAIN)
    for key, job in ((1, 12), (2, None), (3, 14)):
        with about(job):
            engine.add(key, make_request(num_inference_steps=key))
    while not engine.idle:
        engine.step()
    assert said == [12, None, 14]


@pytest.mark.parametrize("said", [float("nan"), -0.1, 1.1])
def test_what_is_no_probability_is_no_score(monkeypatch, said: float):
    class Odd:
        def classify(self, _image: object) -> object:
            return type("Said", (), {"nsfw": said})

    monkeypatch.setattr(safety, "open_nsfw", Odd)
    with pytest.raises(ValueError, match="open_nsfw says"):
        safety.score(Image.new("RGB", (32, 32)))


def test_switched_off_there_is_no_score_and_no_checker(
    brings: Brings, make_request: MakeRequest, monkeypatch
):
    for asked in ("generation.engine.safety.score", "generation.loading.model_loader.load_checker"):
        monkeypatch.setattr(asked, lambda *_, **__: pytest.fail("nobody asked for that"))
    events = run(Engine(brings(ALWAYS), CPU, options=UNCHECKED), make_request())
    assert scores(events) == [None]


def test_a_checker_is_whole_or_the_checkpoint_is_refused(brings: Brings, tmp_path: Path):
    folder = brings(NEVER)[TINY].source
    load_catalog(default=str(folder))
    (folder / "feature_extractor/preprocessor_config.json").unlink()
    with pytest.raises(CheckpointUnavailable, match="lacks feature_extractor/preprocessor_config"):
        load_catalog(default=str(folder))
    shutil.rmtree(folder / "safety_checker")
    load_catalog(default=str(folder))


def test_a_pickled_checker_is_refused(brings: Brings):
    folder = brings(NEVER)[TINY].source
    weights = folder / "safety_checker/model.safetensors"
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(CheckpointUnavailable) as refused:
        load_catalog(default=str(folder))
    assert "pickled weights are refused; safetensors only (safety_checker has" in str(refused.value)


def test_a_checker_with_holes_is_refused(brings: Brings, make_request: MakeRequest):
    catalog = brings(NEVER)
    file = catalog[TINY].source / "safety_checker/model.safetensors"
    weights = load_file(file)
    del weights["concept_embeds"]
    save_file(weights, file, {"format": "pt"})
    (failed,) = run(Engine(catalog, CPU, options=PLAIN), make_request())
    assert "its safety checker lacks concept_embeds" in str(failed.error)

"""Pictures enlarged beside those being drawn."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.catalog import Catalog
from generation.engine.engine import Engine
from generation.errors import Cancelled, InvalidRequest, OutOfMemory
from generation.metadata.png import read
from generation.options import EngineOptions
from generation.request import Failed, Finished, Picture, Progress, Started, UpscaleRequest
from generation.source_image import whole
from generation.upscaler.tiles import Upscaler
from tests.generation.conftest import CPU, PLAIN, MakeRequest, draw_source, pixels, run


@pytest.fixture
def engine(catalog: Catalog) -> Engine:
    return Engine(catalog, CPU, options=PLAIN)


def request(width: int = 40, height: int = 24, factor: int = 2) -> UpscaleRequest:
    image = draw_source(width, height)
    return UpscaleRequest(image=image, width=width, height=height, factor=factor, seed=5)


@pytest.mark.parametrize("factor", [2, 4])
def test_the_pixels_are_the_upscaler_s(engine: Engine, factor: int):
    asked = request(factor=factor)
    started, *progress, picture, finished = run(engine, asked)
    assert isinstance(started, Started)
    assert progress[-1] == Progress(len(progress), len(progress))
    assert (picture.index, picture.seed) == (0, 5)
    wanted = Upscaler(CPU).upscale(Image.open(io.BytesIO(asked.image)), factor)
    assert np.array_equal(pixels([picture])[0], wanted.numpy())
    assert isinstance(finished, Finished)
    assert finished.device_seconds > 0


def test_what_is_transparent_stays_so(engine: Engine):
    asked = request()
    picture = Image.open(io.BytesIO(asked.image))
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    file = io.BytesIO()
    picture.save(file, "PNG")
    *_, drawn, finished = run(engine, replace(asked, image=file.getvalue()))
    assert isinstance(finished, Finished)
    larger = Image.open(io.BytesIO(drawn.png))
    assert (larger.mode, larger.size) == ("RGBA", (80, 48))
    wanted = picture.getchannel("A").resize(larger.size, Image.Resampling.LANCZOS)
    assert np.array_equal(np.array(larger.getchannel("A")), np.array(wanted))
    colours = Upscaler(CPU).upscale(Image.open(io.BytesIO(asked.image)), 2)
    assert np.array_equal(np.array(larger.convert("RGB")), colours.numpy())


def test_tiles_take_turns_beside_forwards(engine: Engine, make_request: MakeRequest):
    engine._upscaler = Upscaler(CPU, tile=8)
    engine.add(1, make_request(num_inference_steps=8))
    engine.add(2, request())
    engine.add(3, request())
    told = []
    while not engine.idle:
        events = engine.step()
        progress = [key for key, event in events if isinstance(event, Progress)]
        assert progress.count(2) + progress.count(3) <= 1, "one tile a tick"
        told += events
    tiles = [key for key, event in told if isinstance(event, Progress) and key > 1]
    assert tiles[1:7] == [3, 2, 3, 2, 3, 2] or tiles[1:7] == [2, 3, 2, 3, 2, 3]
    assert {key for key, event in told if isinstance(event, Picture)} == {1, 2, 3}


def test_a_cancel_between_tiles_ends_it(engine: Engine):
    engine._upscaler = Upscaler(CPU, tile=8)
    engine.add(1, request())
    engine.step()
    engine.cancel(1)
    ((key, failed),) = engine.step()
    assert key == 1
    assert isinstance(failed.error, Cancelled)
    assert failed.device_seconds > 0
    assert engine.idle


def test_no_memory_for_a_tile_fails_that_request_only(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with monkeypatch.context() as patch:
        patch.setattr("generation.upscaler.tiles.Upscaling.step", full)
        failed = run(engine, request())[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, OutOfMemory)
    assert "1 × 40×24 px" in str(failed.error)
    assert isinstance(run(engine, request())[-1], Finished)


def test_files_say_how_pictures_were_made_and_enlarged(
    catalog: Catalog, engine: Engine, make_request: MakeRequest
):
    (drawn,) = (one for one in run(engine, make_request()) if isinstance(one, Picture))
    found = read(drawn.png)
    assert (found.prompt, found.steps, found.seed, found.width) == ("a red apple", 4, 7, 32)
    assert len(found.model_hash) == 10
    larger = UpscaleRequest(image=drawn.png, width=32, height=32, factor=2, seed=7)
    (enlarged,) = (one for one in run(engine, larger) if isinstance(one, Picture))
    assert read(enlarged.png).prompt == "a red apple"
    assert read(enlarged.png).other["Postprocess upscale by"] == "2"
    silent = Engine(catalog, CPU, options=EngineOptions(rows=16, metadata=False))
    (drawn,) = (one for one in run(silent, make_request()) if isinstance(one, Picture))
    assert read(drawn.png) is None


@pytest.mark.parametrize(("width", "height"), [(1, 1), (37, 21)])
def test_a_person_s_file_of_any_size_is_enlarged_and_says_nothing_of_theirs(
    engine: Engine, width: int, height: int
):
    theirs = PngInfo()
    theirs.add_text("parameters", "my secret\nSteps: 4, Sampler: Euler a, Seed: 1")
    file = io.BytesIO()
    Image.new("RGBA", (width, height), (200, 10, 10, 128)).save(file, "PNG", pnginfo=theirs)
    png, *size = whole(file.getvalue())
    asked = UpscaleRequest(image=png, width=size[0], height=size[1], factor=4, seed=0)
    (picture,) = (one for one in run(engine, asked) if isinstance(one, Picture))
    assert Image.open(io.BytesIO(picture.png)).size == (4 * width, 4 * height)
    assert Image.open(io.BytesIO(picture.png)).info == {}


def test_what_cannot_be_enlarged_is_refused_by_name(engine: Engine):
    with pytest.raises(InvalidRequest, match="factor must be 2 or 4"):
        request(factor=3)
    with pytest.raises(InvalidRequest, match="at most 16 MiB"):
        UpscaleRequest(image=bytes(17 * 2**20), width=8, height=8, factor=2, seed=0)
    wrong = UpscaleRequest(image=b"no picture", width=40, height=24, factor=2, seed=0)
    failed = run(engine, wrong)[-1]
    assert isinstance(failed.error, InvalidRequest)
    assert request(factor=4).cost() == pytest.approx(5 * request().cost())

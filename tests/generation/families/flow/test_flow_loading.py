"""Folders of the flow families: what they are, what may be missing, and whose settings count."""

import io
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generation.catalog import Catalog, Checkpoint
from generation.catalog.defaults import settings_in, settings_of_source
from generation.engine.engine import Engine
from generation.errors import CheckpointUnavailable, InvalidRequest
from generation.library.diffusers_folder import inspect_folder
from generation.loading.model_loader import load
from generation.request import Failed, Progress, Sampler
from tests.generation.conftest import CPU, PLAIN, MakeRequest, run
from tests.generation.families.conftest import CHECKPOINTS, DEV, SCHNELL, SD3, SD3_LARGE, Z_IMAGE

Edit = Callable[[Path], None]


def copied(folder: Path, place: Path, file: str, **values: object) -> Path:
    """Return a copy of a folder with other values in one of its JSON files."""
    copy = shutil.copytree(folder, place / "copy")
    table = json.loads((copy / file).read_text("utf-8"))
    (copy / file).write_text(json.dumps(table | values), "utf-8")
    return copy


def test_families_that_share_a_pipeline_are_told_by_their_denoiser(
    folders: dict[str, Path], tmp_path: Path
):
    told = {name: inspect_folder(folder) for name, folder in folders.items()}
    assert {name: file.problem for name, file in told.items()} == dict.fromkeys(told)
    wanted = {DEV: "flux", SCHNELL: "flux-schnell", Z_IMAGE: "z-image", SD3: "sd3"}
    assert {name: settings_in(told[name])["family"] for name in wanted} == wanted
    assert {name: settings_of_source(folders[name])["family"] for name in wanted} == wanted
    large = copied(folders[SD3_LARGE], tmp_path, "transformer/config.json", num_layers=38)
    assert settings_of_source(large)["family"] == "sd3-large"


@pytest.mark.parametrize("gone", ["text_encoder_3", "tokenizer_3"])
def test_t5_is_missing_as_a_whole_or_not_at_all(
    folders: dict[str, Path], tmp_path: Path, gone: str
):
    copy = shutil.copytree(folders[SD3], tmp_path / "copy")
    shutil.rmtree(copy / gone)
    with pytest.raises(CheckpointUnavailable, match=gone):
        load(Checkpoint(name="Half", source=copy, family="sd3"), CPU)
    assert gone in str(inspect_folder(copy).problem)


@pytest.mark.parametrize("name", [SD3, DEV, Z_IMAGE])
def test_a_shift_in_the_catalog_counts_at_every_size(
    folders: dict[str, Path], make_request: MakeRequest, name: str
):
    family = CHECKPOINTS[name][0]
    checkpoint = Checkpoint(name=name, source=folders[name], family=family, shift=6.0)
    pipeline = load(checkpoint, CPU)
    firsts = set()
    for side in (32, 256):
        request = make_request(
            family=family, sampler=Sampler.EULER, num_inference_steps=2, width=side, height=side
        )
        sigmas = pipeline.trajectory(request).scheduler.sigmas
        firsts.add(round(float(sigmas[1]), 5))
    level = 0.5 if name != SD3 else None
    assert len(firsts) == 1
    if level is not None:
        assert firsts == {round(6 * level / (1 + 5 * level), 5)}


@pytest.mark.parametrize("shift", [0.0, -1.0, 101.0, math.nan, True])
def test_a_shift_has_bounds_and_a_family(shift: float):
    with pytest.raises(InvalidRequest, match=r"shift must be 0\.1 to 100"):
        Checkpoint(name="A", source="a/b", family="flux", shift=shift)
    with pytest.raises(InvalidRequest, match="left out: Stable Diffusion 1 has none"):
        Checkpoint(name="A", source="a/b", shift=3.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shift": "three"},
        {"shift": None},
        {"num_train_timesteps": 0},
        {"use_dynamic_shifting": True, "max_image_seq_len": 256},
        {"use_dynamic_shifting": True, "base_shift": "x"},
        {"use_dynamic_shifting": True, "max_shift": 1e9},
        {"time_shift_type": "cubic"},
    ],
)
def test_a_scheduler_that_nobody_can_follow_fails_its_own_request_only(
    folders: dict[str, Path], tmp_path: Path, make_request: MakeRequest, wrong: dict[str, object]
):
    bad = copied(folders[SD3], tmp_path, "scheduler/scheduler_config.json", **wrong)
    catalog = Catalog(
        {
            "Bad": Checkpoint(name="Bad", source=bad, family="sd3"),
            SD3: Checkpoint(name=SD3, source=folders[SD3], family="sd3"),
        },
        SD3,
    )
    engine = Engine(catalog, CPU, options=PLAIN)
    settings = {"family": "sd3", "sampler": Sampler.EULER}
    *_, failed = run(engine, make_request(checkpoint="Bad", **settings))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, CheckpointUnavailable)
    assert "scheduler's configuration does not suit" in str(failed.error)
    *_, finished = run(engine, make_request(checkpoint=SD3, **settings))
    assert not isinstance(finished, Failed)


@pytest.mark.parametrize("name", [SD3, DEV, Z_IMAGE])
def test_a_preview_shows_every_picture_in_the_family_s_colours(
    engine: Engine, make_request: MakeRequest, name: str
):
    request = make_request(
        checkpoint=name, family=CHECKPOINTS[name][0], sampler=Sampler.EULER, num_images=3
    )
    first = next(event for event in run(engine, request) if isinstance(event, Progress))
    assert first.preview is not None
    grid = np.asarray(Image.open(io.BytesIO(first.preview)), np.float32)
    assert grid.shape == (256, 256, 3)
    # The mean of latents with a mean of about 0 is the colours' bias.
    bias = engine.cache._pipelines[name].preview_colours.bias
    drawn = grid[:128, :128].mean((0, 1)) / 127.5 - 1
    assert np.allclose(drawn, bias, atol=0.15)

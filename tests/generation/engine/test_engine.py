import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from PIL import Image

from generation.catalog import Catalog, Checkpoint
from generation.embedded import CHECKPOINT
from generation.engine.engine import Engine
from generation.errors import Cancelled, CheckpointUnavailable, InvalidRequest, OutOfMemory
from generation.families.stable_diffusion import StableDiffusion
from generation.options import EngineOptions
from generation.request import (
    Failed,
    Finished,
    Progress,
    Sampler,
    Started,
)
from tests.generation.conftest import (
    CPU,
    PLAIN,
    TINY,
    MakeRequest,
    draw_source,
    pixels,
    run,
    save_tiny,
)


@pytest.fixture
def engine(catalog: Catalog) -> Engine:
    return Engine(catalog, CPU, options=PLAIN)


def test_events_come_in_order(engine: Engine, make_request: MakeRequest):
    started, *progress, first, second, finished = run(engine, make_request(num_images=2))
    assert isinstance(started, Started)
    assert [(event.step, event.of) for event in progress] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [(first.index, first.seed), (second.index, second.seed)] == [(0, 7), (1, 8)]
    assert isinstance(finished, Finished)
    assert finished.device_seconds > 0


def test_a_tick_runs_at_most_one_forward_and_one_decode(
    engine: Engine, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    calls = []
    for name in ("predict", "decode"):
        real = getattr(StableDiffusion, name)
        monkeypatch.setattr(
            StableDiffusion,
            name,
            lambda *args, real=real, name=name, **more: calls.append(name) or real(*args, **more),
        )
    engine.add(1, make_request(num_images=3))
    ticks = []
    while not engine.idle:
        engine.step()
        ticks += [tuple(calls)] if calls else []  # none while the last file is written
        calls.clear()
    forward, decode = ("predict",), ("decode",)
    assert ticks == [forward, forward, forward, (*forward, *decode), decode, decode]


def test_a_cancel_takes_effect_within_one_tick(
    engine: Engine, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("generation.engine.engine.ADMITTING_S", 0.0)  # the second waits a tick
    engine.add(1, make_request())
    engine.add(2, make_request())
    engine.add(3, make_request())
    engine.step()
    engine.cancel(1)
    engine.cancel(2)
    engine.cancel(99)
    (first, one), (second, other), *rest = engine.step()
    assert (first, second) == (1, 2)
    assert isinstance(one.error, Cancelled)
    assert isinstance(other.error, Cancelled)
    assert one.device_seconds > other.device_seconds == 0
    assert {key for key, _ in rest} == {3}
    engine.cancel(3)
    assert [key for key, _ in engine.step()] == [3]
    assert engine.idle
    assert engine.step() == []


def test_cancelling_between_decodes_sends_no_more_pictures(
    engine: Engine, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    decodes: list[object] = []
    real = StableDiffusion.decode
    monkeypatch.setattr(
        StableDiffusion, "decode", lambda *args, **more: decodes.append(1) or real(*args, **more)
    )
    engine.add(1, make_request(num_images=3))
    while not decodes:
        engine.step()
    engine.cancel(1)
    ((_, failed),) = engine.step()
    assert isinstance(failed.error, Cancelled)
    assert engine.idle
    assert len(decodes) == 1


def test_the_first_step_brings_a_preview_and_the_next_one_waits_until_somebody_looks(
    engine: Engine, make_request: MakeRequest
):
    assert engine.look(1) is None  # of nothing yet
    engine.add(1, make_request(num_images=3, width=64, height=32))
    progress: list[Progress] = []
    while not engine.idle:
        progress += [event for _, event in engine.step() if isinstance(event, Progress)]
        if len(progress) == 1:
            assert engine.look(1) is None, "nothing has changed since the first"
        if len(progress) == 3 and progress[-1].step == 3:
            seen = engine.look(1)
            assert seen.step == 3
            assert seen.preview is not None
            assert engine.look(1) is None or engine.idle
    assert [event.preview is not None for event in progress] == [True, True, False, True]
    preview = Image.open(io.BytesIO(progress[0].preview))
    assert (preview.format, preview.size) == ("WEBP", (512, 256))


@pytest.mark.parametrize("where", ["unet", "vae"])
@pytest.mark.parametrize("kind", ["accelerator", "allocator"])
def test_out_of_memory_fails_the_request_only(
    engine: Engine, make_request: MakeRequest, where: str, kind: str
):
    def accelerator(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def allocator(*_: object) -> None:
        torch.empty(2**50)

    assert engine.warm_up() is None
    part = getattr(engine.cache._pipelines[TINY], where)
    part = part.decoder if where == "vae" else part
    hook = part.register_forward_pre_hook(
        {"accelerator": accelerator, "allocator": allocator}[kind]
    )
    failed = run(engine, make_request())[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, OutOfMemory)
    assert "1 × 32×32 px" in str(failed.error)
    assert failed.device_seconds > 0
    hook.remove()
    assert isinstance(run(engine, make_request())[-1], Finished)


def test_any_other_error_of_the_device_is_raised(engine: Engine, make_request: MakeRequest):
    def fault(*_: object) -> None:
        raise RuntimeError("an illegal memory access was encountered")

    assert engine.warm_up() is None
    engine.cache._pipelines[TINY].unet.register_forward_pre_hook(fault)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        run(engine, make_request())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sampler": Sampler.LCM}, "sampler must be one of DDIM, Euler"),
        ({"strength": 0.5}, "image must be given"),
        ({"strength": 0.5, "image": b"no picture"}, "image must be an RGB PNG of 32×32 px"),
        ({"strength": 0.5, "image": draw_source(40, 32)}, "image must be an RGB PNG of 32×32 px"),
    ],
)
def test_what_the_checkpoint_or_the_picture_forbids_is_refused_before_loading(
    tiny_folder: Path, make_request: MakeRequest, changes: dict, said: str
):
    plain = Checkpoint(name=TINY, source=tiny_folder, size=32)
    engine = Engine(Catalog({TINY: plain}, TINY), CPU, options=PLAIN)
    (failed,) = run(engine, make_request(**changes))
    assert isinstance(failed.error, InvalidRequest)
    assert said in str(failed.error)
    assert engine.cache.names == ()


def test_a_preview_of_a_picture_from_a_picture_shows_it(engine: Engine, make_request: MakeRequest):
    request = make_request(strength=0.5, image=draw_source(32, 32), num_inference_steps=6)
    first = next(event for event in run(engine, request) if isinstance(event, Progress))
    assert (first.step, first.of) == (1, 3)
    assert Image.open(io.BytesIO(first.preview)).size == (128, 128)


def test_a_negative_prompt_and_a_prompt_change_the_picture(
    engine: Engine, make_request: MakeRequest
):
    drawn = [
        pixels(run(engine, make_request(**changes)))
        for changes in ({}, {"negative_prompt": "boats"}, {"prompt": "a cat"}, {"seed": 8})
    ]
    assert len({picture.tobytes() for picture in drawn}) == 4


def test_a_prompt_longer_than_the_encoder_reads_is_cut(engine: Engine, make_request: MakeRequest):
    assert isinstance(run(engine, make_request(prompt="apple " * 160))[-1], Finished)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("unet/config.json", {"cross_attention_dim": 48}, "cross_attention|size|shape"),
        ("unet/config.json", {"in_channels": 9}, "9 channels|size|shape"),
        ("scheduler/scheduler_config.json", {"prediction_type": "sample"}, "predicts sample"),
        ("preview.json", {"bias": [0.0]}, "preview.json"),
        ("preview.json", {"matrix": None}, "Broken"),
    ],
)
def test_a_folder_that_does_not_fit_together_fails_its_request_in_one_line(
    tiny_folder: Path,
    tmp_path: Path,
    make_request: MakeRequest,
    file: str,
    change: dict,
    said: str,
):
    folder = tmp_path / "broken"
    shutil.copytree(tiny_folder, folder)
    config = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(config | change))
    broken = Checkpoint(name="Broken", source=folder, size=32)
    engine = Engine(Catalog({"Broken": broken}, "Broken"), CPU, options=PLAIN)
    (failed,) = run(engine, make_request(checkpoint="Broken"))
    assert isinstance(failed.error, CheckpointUnavailable)
    assert "\n" not in str(failed.error)
    assert re.search(said, str(failed.error))


def test_the_embedded_checkpoint_draws(make_request: MakeRequest):
    emoji = Checkpoint(name="Emoji", source=CHECKPOINT, size=128)
    engine = Engine(Catalog({"Emoji": emoji}, "Emoji"), CPU, options=PLAIN)
    request = make_request(checkpoint="Emoji", width=128, height=128, num_inference_steps=10)
    (picture,) = pixels(run(engine, request))
    corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
    assert corners.mean() > 200, "emoji stand on white"
    assert picture.std() > 20, "and are not white themselves"


def test_a_picture_that_does_not_fit_whole_is_decoded_in_tiles(
    engine: Engine, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    request = make_request(width=96, height=96)
    whole = pixels(run(engine, request)).astype(int)
    pipeline = engine.cache._pipelines[TINY]
    assert not pipeline.vae.use_tiling
    monkeypatch.setattr(pipeline._autoencoder, "_room", 64 * 64 * 16 * 4.5 * 4)
    tiled = pixels(run(engine, request))
    assert pipeline.vae.use_tiling
    assert 0 < abs(tiled - whole).mean() < 30, "seams are blended"
    run(engine, make_request())
    assert not pipeline.vae.use_tiling


def test_a_source_is_encoded_the_same_whatever_was_decoded_before(
    engine: Engine, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    picture = run(engine, make_request(width=96, height=96))[-2].png
    request = make_request(width=96, height=96, image=picture, strength=0.5)
    before = pixels(run(engine, request))
    engine.cache._pipelines[TINY].vae.use_tiling = True  # as somebody's large picture leaves it
    assert np.array_equal(pixels(run(engine, request)), before)


def test_a_picture_of_any_shape_that_fits_is_decoded_whole(
    engine: Engine, make_request: MakeRequest
):
    run(engine, make_request(width=96, height=160))
    pipeline = engine.cache._pipelines[TINY]
    assert not pipeline.vae.use_tiling
    needed = pipeline._autoencoder._whole_bytes(1344 * 768)
    assert needed == int(1344 * 768 * 16 * 4.5 * 4)


def test_a_decode_that_runs_out_of_memory_is_done_in_tiles(
    engine: Engine, make_request: MakeRequest
):
    assert engine.warm_up() is None
    pipeline = engine.cache._pipelines[TINY]

    def full(_decoder: object, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].shape[-1] > 16:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    pipeline.vae.decoder.register_forward_pre_hook(full)
    assert isinstance(run(engine, make_request(width=96, height=96))[-1], Finished)
    assert pipeline.vae.use_tiling


def test_denoisers_can_be_stored_in_eight_bits(catalog: Catalog, make_request: MakeRequest):
    whole = pixels(run(Engine(catalog, CPU, options=PLAIN), make_request()))
    engine = Engine(catalog, CPU, options=EngineOptions(rows=16, fp8=True))
    small = pixels(run(engine, make_request()))
    assert 0 < np.abs(small.astype(int) - whole).mean() < 30
    pipeline = engine.cache._pipelines[TINY]
    norm = pipeline.unet.conv_norm_out.weight
    assert norm.dtype == torch.float32, "what is sensitive is not"
    assert pipeline.unet.mid_block.resnets[0].conv1.weight.dtype == torch.float8_e4m3fn
    assert pipeline.latents_dtype == pipeline.vae.dtype == torch.float32


def test_attention_is_torch_s_own(engine: Engine):
    assert engine.warm_up() is None
    processors = engine.cache._pipelines[TINY].unet.attn_processors.values()
    assert {type(processor) for processor in processors} == {AttnProcessor2_0}


def test_a_checkpoint_for_editing_is_refused_by_name(tmp_path: Path, make_request: MakeRequest):
    folder = save_tiny(tmp_path / "editing", unet={"in_channels": 8})
    engine = Engine(
        Catalog({"Fill": Checkpoint(name="Fill", source=folder)}, "Fill"), torch.device("cpu")
    )
    (failed,) = run(engine, make_request(checkpoint="Fill"))
    assert isinstance(failed.error, CheckpointUnavailable)
    assert "its UNet takes 8 channels" in str(failed.error)

import logging
import math
import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from generation.errors import InvalidRequest
from generation.upscaler import FACTORS, RESULT_SIDE, WEIGHTS, Medium, check_factor
from generation.upscaler.convert import HALF, name_layers, read_ncnn
from generation.upscaler.nets import Upconv7
from generation.upscaler.tiles import Upscaler

CPU = torch.device("cpu")
UPSCALER = Upscaler(CPU)
SIDES = st.integers(1, 40)


def noise(width: int, height: int) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values)


def drawing(side: int) -> Image.Image:
    """Draw what people look at: edges, a curve, thin lines, each of another colour."""
    picture = Image.new("RGB", (side * 4, side * 4), (240, 230, 210))
    draw = ImageDraw.Draw(picture)
    draw.ellipse([side // 2, side // 2, side * 3, side * 3], fill=(200, 40, 30), width=0)
    draw.polygon([(side, side * 3), (side * 3, side), (side * 4, side * 4)], fill=(30, 60, 160))
    for i in range(1, 4):
        draw.line([(0, i * side), (side * 4, i * side // 2)], fill=(20, 90, 40), width=6)
    return picture.resize((side, side), Image.Resampling.BOX)


def psnr(one: Image.Image, other: np.ndarray) -> float:
    error = np.mean((np.asarray(one, np.float64) - other) ** 2)
    return 10 * math.log10(255**2 / error)


@settings(deadline=None, max_examples=25)
@given(SIDES, SIDES, st.integers(5, 40), st.sampled_from(FACTORS))
@example(33, 1, 7, 4)
@example(1, 1, 5, 4)
def test_tiles_do_not_show_at_any_size(width: int, height: int, tile: int, factor: int):
    picture = noise(width, height)
    whole = UPSCALER.upscale(picture, factor)
    tiled = Upscaler(CPU, tile=tile).upscale(picture, factor)
    assert whole.shape == (height * factor, width * factor, 3)
    assert whole.dtype == torch.uint8
    assert (whole.int() - tiled.int()).abs().max() <= 1


@pytest.mark.parametrize("medium", Medium)
@pytest.mark.parametrize(("factor", "gain"), [(2, 3.0), (4, 1.5)])
def test_a_drawing_comes_back_closer_than_by_lanczos(medium: Medium, factor: int, gain: float):
    original = drawing(128)
    small = original.resize((128 // factor,) * 2, Image.Resampling.BICUBIC)
    lanczos = np.asarray(small.resize((128, 128), Image.Resampling.LANCZOS))
    enlarged = UPSCALER.upscale(small, factor, medium).numpy()
    assert psnr(original, enlarged) > psnr(original, lanczos) + gain


def test_each_step_is_one_tile_and_the_last_one_ends_it():
    work = Upscaler(CPU, tile=16).start(noise(40, 16), 4)
    assert work.steps == 3 + 5 * 2
    taken = 0
    while not work.done:
        work.step()
        taken += 1
        assert work.steps_taken == taken
    assert taken == work.steps
    assert work.pixels.shape == (64, 160, 3)


def test_a_step_that_found_no_memory_can_be_taken_again(monkeypatch: pytest.MonkeyPatch):
    picture = noise(20, 20)
    work = Upscaler(CPU, tile=16).start(picture, 4)
    forward, failures = Upconv7.forward, [True, False] * work.steps

    def scarce(net: Upconv7, pixels: torch.Tensor) -> torch.Tensor:
        if failures.pop(0):
            raise torch.OutOfMemoryError
        return forward(net, pixels)

    monkeypatch.setattr(Upconv7, "forward", scarce)
    for _ in range(work.steps):
        with pytest.raises(torch.OutOfMemoryError):
            work.step()
        work.step()
    monkeypatch.undo()
    assert work.done
    assert (work.pixels.int() - UPSCALER.upscale(picture, 4).int()).abs().max() <= 1


def test_without_weights_it_is_lanczos_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    small = drawing(32)
    upscaler = Upscaler(CPU, tile=12, weights=tmp_path)
    with caplog.at_level(logging.WARNING):
        twice, again = upscaler.upscale(small, 2).int(), upscaler.upscale(small, 4)
    assert len(caplog.records) == 1
    assert "photo.safetensors" in caplog.text
    assert again.shape == (128, 128, 3)
    expected = torch.from_numpy(np.array(small.resize((64, 64), Image.Resampling.LANCZOS))).int()
    inner = slice(6, -6)  # Pillow takes another view of what lies beyond the edges
    assert (twice - expected)[inner, inner].abs().max() <= 1


def test_damaged_weights_are_as_good_as_none(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    whole = (WEIGHTS / "art.safetensors").read_bytes()
    (tmp_path / "art.safetensors").write_bytes(whole[: len(whole) // 2])
    enlarged = Upscaler(CPU, weights=tmp_path).upscale(drawing(16), 2, Medium.ART)
    assert enlarged.shape == (32, 32, 3)
    assert "Lanczos" in caplog.text


@pytest.mark.parametrize("factor", [0, 1, 3, 8, -2, 2.5])
def test_other_factors_are_refused(factor: int):
    with pytest.raises(InvalidRequest, match=r"^factor must be 2 or 4$"):
        UPSCALER.start(noise(8, 8), factor)


def test_results_have_a_largest_side():
    half = RESULT_SIDE // 2
    check_factor(half, 1, 2)
    check_factor(1, half // 2, 4)
    with pytest.raises(InvalidRequest, match=r"^factor must be 2 for 2048 × 1 px: 4096 px is the"):
        check_factor(half, 1, 4)
    with pytest.raises(
        InvalidRequest, match=r"^image must be at most 2048 px on each side to be upscaled$"
    ):
        check_factor(1, half + 1, 2)


def ncnn(widths: tuple[int, ...]) -> tuple[str, bytes]:
    """Return a model in ncnn's format whose weights count up from 0 to 2047, and again."""
    lines, weights = ["7767517", "8 8", "Input in 0 1 a 0=4 1=4 2=3"], b""
    shapes = [(out, into, 3, 3) for into, out in pairwise(widths)] + [(3, widths[-1], 4, 4)]
    for shape in shapes:
        kind = "Convolution" if shape[-1] == 3 else "Deconvolution"
        count = math.prod(shape)
        lines.append(f"{kind} x 1 1 a b 0={shape[0]} 1={shape[-1]} 5=1 6={count}")
        half = (np.arange(count) % 2048).astype("<f2").tobytes()
        weights += struct.pack("<I", HALF) + half + bytes(-len(half) % 4)
        weights += np.arange(shape[0]).astype("<f4").tobytes()
    return "\n".join(lines), weights


def test_ncnn_s_layers_become_torch_s():
    convolution, doubling = read_ncnn(*ncnn((3, 5)))
    weight, bias = convolution
    assert weight.dtype == torch.float16
    assert torch.equal(weight, torch.arange(135).half().reshape(5, 3, 3, 3))
    assert torch.equal(bias, torch.arange(5.0))
    weight, bias = doubling  # torch wants (in, out), ncnn has (out, in)
    assert torch.equal(weight[:, 2], torch.arange(160, 240).half().reshape(5, 4, 4))
    assert torch.equal(bias, torch.arange(3.0))


def test_what_is_no_upconv_7_is_refused():
    param, weights = ncnn((3, 5))
    with pytest.raises(ValueError, match="4 bytes follow"):
        read_ncnn(param, weights + bytes(4))
    with pytest.raises(ValueError, match="kind Pooling"):
        read_ncnn(param.replace("Convolution", "Pooling"), weights)
    with pytest.raises(ValueError, match="only fp16"):
        read_ncnn(param, b"\x38\x4b\x0d\x00" + weights[4:])
    with pytest.raises(RuntimeError, match="size mismatch"):
        name_layers(read_ncnn(*ncnn((3, 16, 32, 64, 128, 128, 255))))


@pytest.mark.parametrize("medium", Medium)
def test_the_weights_are_small_and_whole(medium: Medium):
    file = WEIGHTS / f"{medium}.safetensors"
    assert file.stat().st_size < 1.2e6
    state = load_file(file)
    assert all(value.isfinite().all() for value in state.values())
    assert {name: value.shape for name, value in state.items()} == {
        name: value.shape for name, value in Upconv7().state_dict().items()
    }

"""What checkpoints take of a device's memory, and how they run there."""

from pathlib import Path

import pytest

from generation.library.footprint import Mode, memory_needed
from generation.loading.detect import inspect_file
from tests.generation.loading import layouts
from tests.generation.loading.full_size import full_file

GIB = 2**30


@pytest.mark.parametrize(
    ("size", "side", "weights", "whole"),
    [("sd1", 512, 2.0, 4.0), ("sdxl", 1024, 6.5, 9.4), ("flux_dev", 1024, 31.4, 34.4)],
)
def test_what_full_size_checkpoints_take(
    tmp_path: Path, size: str, side: int, weights: float, whole: float
):
    file = inspect_file(layouts.sparse(full_file(size), tmp_path / "x.safetensors"))
    found = memory_needed(file, side=side)
    assert found.weights / GIB == pytest.approx(weights, abs=0.1)
    assert found.whole / GIB == pytest.approx(whole, abs=0.1)
    assert memory_needed(file, side=side, half=False).weights == 2 * found.weights
    denoiser = 2 * file.parts["denoiser"]
    assert found.largest == denoiser
    assert found.mode(found.whole, offloads=True) is Mode.WHOLE
    assert found.mode(found.whole - 1, offloads=True) is Mode.OFFLOADED
    assert found.mode(found.whole - 1, offloads=False) is Mode.TOO_LARGE
    assert found.mode(found.offloaded - 1, offloads=True) is Mode.TOO_LARGE


def test_parts_in_other_files_count_once(tmp_path: Path):
    whole = full_file("sdxl")
    lone = {key: one for key, one in whole.items() if key.startswith("model.diffusion_model.")}
    others = {key: one for key, one in whole.items() if key not in lone}
    files = [
        inspect_file(layouts.sparse(weights, tmp_path / f"{name}.safetensors"))
        for name, weights in (("whole", whole), ("lone", lone), ("others", others))
    ]
    expected = memory_needed(files[0])
    assert memory_needed(files[1], files[2:]) == expected
    assert memory_needed(files[0], files[2:]) == expected


def test_averaged_weights_are_not_loaded(tmp_path: Path):
    plain = full_file("sd1")
    averaged = {f"model_ema.{key.replace('.', '')}": one for key, one in plain.items()}
    files = [
        inspect_file(layouts.sparse(weights, tmp_path / f"{name}.safetensors"))
        for name, weights in (("plain", plain), ("both", plain | averaged))
    ]
    assert memory_needed(files[1]) == memory_needed(files[0])

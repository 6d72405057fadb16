"""Files of full size, a header over a hole: recognised, and every tensor has its place."""

from pathlib import Path

import pytest

from generation.loading.detect import inspect_file
from generation.loading.layouts.components import (
    component_configs,
    empty_model,
    meta_weights,
    names_of_part,
)
from generation.loading.layouts.composition import COMPONENTS
from generation.loading.layouts.conversion import convert
from generation.loading.model_file import Kind
from generation.loading.safetensors_file import open_header
from tests.generation.loading import layouts
from tests.generation.loading.full_size import SIZES, full_config, full_file, full_models


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return request.param


def test_it_is_recognised(size: str, tmp_path: Path):
    path = layouts.sparse(full_file(size), tmp_path / "a friend's.safetensors")
    file = inspect_file(path)
    family, _ = SIZES[size]
    assert (file.kind, file.family, file.problem) == (Kind.CHECKPOINT, family, None)
    assert file.parts.keys() == set(COMPONENTS[family].values())
    assert file.bytes == path.stat().st_size > 2 * file.parameters
    assert path.stat().st_blocks * 512 < 1_000_000
    assert (file.precision, file.is_mixed, file.inpaints, file.edits) == (
        "fp16",
        False,
        False,
        False,
    )
    wanted = {"sd1": "epsilon", "sd2": None, "sdxl": "epsilon"}.get(family, "flow")
    assert file.prediction_type == wanted
    assert file.distillation == ("schnell" if size == "flux_schnell" else None)
    assert file.guidance_embedded == (size == "flux_dev")


def test_every_tensor_has_its_place(size: str, tmp_path: Path):
    family, _ = SIZES[size]
    tensors = open_header(layouts.sparse(full_file(size), tmp_path / "x.safetensors")).tensors
    named = {part: names_of_part(tensors, part) for part in COMPONENTS[family].values()}
    shapes = {
        part: {name: tensors[key].shape for name, key in names.items()}
        for part, names in named.items()
    }
    for name, config in component_configs(family, shapes).items():
        assert config == full_config(size, name), name
        model = empty_model(config)
        found = convert(model, config, meta_weights(tensors, named[COMPONENTS[family][name]]))
        expected = full_models(size)[name]
        idle = {key for key in found if key.endswith(("position_ids", "logit_scale"))}
        unused = {"text_projection.weight"} if family == "sd2" else set()
        tied = {"encoder.embed_tokens.weight", "lm_head.weight"}
        assert found.keys() - idle - unused == expected.keys() - tied, name
        for key in expected.keys() - tied:
            assert found[key].shape == expected[key].shape, (name, key)

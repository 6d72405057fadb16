"""Files in every layout make exactly the models that they were written from."""

from pathlib import Path

import pytest
import torch

from generation.loading.components import load_models
from generation.loading.composition import COMPONENTS
from generation.loading.model_file import Part
from tests.generation.loading import layouts
from tests.generation.loading.conftest import TINY


def all_in(file: Path, family: str) -> dict[Part, Path]:
    return dict.fromkeys(COMPONENTS[family].values(), file)


def assert_same(models, expected):
    assert models.keys() == expected.keys()
    for name, model in models.items():
        found = model.state_dict()
        assert found.keys() == expected[name].keys()
        for key, weight in expected[name].items():
            assert torch.equal(found[key], weight), (name, key)


@pytest.mark.parametrize("family", TINY)
def test_a_whole_checkpoint(tiny, tmp_path: Path, family: str):
    file = layouts.save(layouts.whole(family, tiny(family)), tmp_path / "x.safetensors")
    assert_same(load_models(family, all_in(file, family), torch.float32), tiny(family))

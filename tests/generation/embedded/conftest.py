"""What the tests of the recipe train on."""

from pathlib import Path

import pytest

from generation.embedded.recipe.pictures.dataset import Concept
from tests.generation.embedded.toys import draw_concepts


@pytest.fixture
def concepts(tmp_path: Path) -> list[Concept]:
    """Six things in six colours; two of them can be mistaken for one another by half a name."""
    return draw_concepts(
        tmp_path,
        {
            "apple": ("crimson", ()),
            "car": ("gold", ("automobile",)),
            "duck": ("green", ()),
            "clock face one": ("blue", ()),
            "clock face two": ("purple", ()),
            "hammer": ("gray", ()),
        },
    )

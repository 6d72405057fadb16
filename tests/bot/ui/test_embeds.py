"""What stands in a card."""

import pytest

from bot.ui import embeds
from generation.infotext import Parameters


@pytest.mark.parametrize("blank", [" ", "\t \u3000", "\n" * 40])
def test_what_a_file_leaves_blank_is_no_field(blank: str):
    found = Parameters(prompt=blank, negative_prompt=blank, model=blank, sampler="Euler a")
    assert [field.name for field in embeds.parameters(found, ()).fields] == ["Sampler"]

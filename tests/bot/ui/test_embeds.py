"""What stands in a card."""

import pytest

from bot.ui.pages import embeds
from generation.metadata.infotext import Parameters


@pytest.mark.parametrize("blank", [" ", "\t \u3000", "\n" * 40])
def test_no_field_is_blank(blank: str):
    found = Parameters(prompt=blank, negative_prompt=blank, model=blank, other={blank: blank})
    shown = embeds.parameters(found, (blank,))
    assert all(field.name.strip() and field.value.strip() for field in shown.fields)
    assert shown.description.strip()

"""Tiny models of every family, each made once."""

from collections.abc import Callable

import pytest

from tests.generation.loading.tiny import Models, tiny_models


@pytest.fixture(scope="session")
def tiny() -> Callable[[str], Models]:
    """Return the tiny models of a family, made once."""
    made: dict[str, Models] = {}

    def make(family: str) -> Models:
        if family not in made:
            made[family] = tiny_models(family)
        return made[family]

    return make

"""Tiny checkpoints of the flow families, one engine for all of them, and diffusers' pictures."""

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

import pytest

from generation.catalog import Catalog, Checkpoint
from generation.engine.engine import Engine
from generation.options import EngineOptions
from tests.generation.conftest import CPU, PLAIN
from tests.generation.families.flow.flow_reference import Draw, diffusers_own
from tests.generation.families.flow.flow_tiny import Save, save_flux, save_sd3, save_z_image

SD3, SD3_LARGE, SD3_DYNAMIC = "SD 3.5 medium", "SD 3.5 large without T5", "SD 3.5 shifted by size"
DEV, SCHNELL, Z_IMAGE = "Flux dev", "Flux schnell", "Z-Image"
CHECKPOINTS: Mapping[str, tuple[str, Save]] = {
    SD3: ("sd3", save_sd3),
    SD3_LARGE: ("sd3-large", partial(save_sd3, t5=False, large=True)),
    SD3_DYNAMIC: ("sd3", partial(save_sd3, use_dynamic_shifting=True)),
    DEV: ("flux", save_flux),
    SCHNELL: ("flux-schnell", partial(save_flux, dev=False)),
    Z_IMAGE: ("z-image", save_z_image),
}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("families")
    return {name: save(root / name) for name, (_, save) in CHECKPOINTS.items()}


@pytest.fixture(scope="session")
def flow_catalog(folders: dict[str, Path]) -> Catalog:
    checkpoints = {
        name: Checkpoint(name=name, source=folder, family=CHECKPOINTS[name][0], lcm=True)
        for name, folder in folders.items()
    }
    return Catalog(checkpoints, SD3)


@pytest.fixture(scope="session")
def engine(flow_catalog: Catalog) -> Engine:
    return Engine(flow_catalog, CPU, options=PLAIN)


@pytest.fixture
def deterministic(flow_catalog: Catalog) -> Engine:
    return Engine(flow_catalog, CPU, options=EngineOptions(deterministic=True))


@pytest.fixture(scope="session")
def references(folders: dict[str, Path]) -> "References":
    return References(folders)


class References:
    """Diffusers' pipelines by checkpoint, each loaded once."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.of = cache(lambda name: diffusers_own(folders[name]))

    def __getitem__(self, name: str) -> Draw:
        return self.of(name)

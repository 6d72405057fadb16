"""An engine with checkpoints of three families, ordinary ones and those for inpainting."""

from functools import cache
from pathlib import Path

import pytest
from diffusers import DDIMScheduler

from generation.catalog import Catalog, Checkpoint
from generation.engine.engine import Engine
from generation.options import EngineOptions
from tests.generation.conftest import BETAS, CPU, PLAIN, TINY, save_tiny
from tests.generation.editing.inpaint_reference import Draw, diffusers_inpaint
from tests.generation.families.tiny import save_tiny_xl

FILL, FILL_2, XL, FILL_XL = "Fill", "Fill 2", "XL", "Fill XL"
FAMILIES = {TINY: "sd1", FILL: "sd1", FILL_2: "sd2", XL: "sdxl", FILL_XL: "sdxl"}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("editing")
    nine = {"in_channels": 9}
    two = {"attention_head_dim": [2, 4], "use_linear_projection": True}
    plain = DDIMScheduler(**BETAS, clip_sample=False, set_alpha_to_one=False)
    return {
        TINY: tiny_folder,
        FILL: save_tiny(root / "fill", unet=nine),
        FILL_2: save_tiny(root / "fill 2", unet={**nine, **two}, scheduler=plain),
        XL: save_tiny_xl(root / "xl"),
        FILL_XL: save_tiny_xl(root / "fill xl", unet=nine),
    }


@pytest.fixture(scope="session")
def edited(folders: dict[str, Path]) -> Catalog:
    checkpoints = {
        name: Checkpoint(name=name, source=folder, family=FAMILIES[name], lcm=True)
        for name, folder in folders.items()
    }
    return Catalog(checkpoints, TINY)


@pytest.fixture(scope="session")
def engine(edited: Catalog) -> Engine:
    return Engine(edited, CPU, options=PLAIN)


@pytest.fixture
def deterministic(edited: Catalog) -> Engine:
    return Engine(edited, CPU, options=EngineOptions(deterministic=True))


@pytest.fixture(scope="session")
def references(folders: dict[str, Path]) -> "References":
    return References(folders)


class References:
    """Diffusers' inpainting pipelines by checkpoint, each loaded once."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.of = cache(lambda name: diffusers_inpaint(folders[name]))

    def __getitem__(self, name: str) -> Draw:
        return self.of(name)

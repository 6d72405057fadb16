"""Every family draws as diffusers' own pipelines do, alone and in any company."""

from pathlib import Path

import numpy as np
import pytest

from generation.catalog import Catalog, Checkpoint
from generation.engine.engine import Engine
from generation.request import GenerationRequest, Progress, Sampler
from tests.generation.conftest import CPU, PLAIN, MakeRequest, draw_source, pixels, run
from tests.generation.families.reference import Draw, diffusers_own
from tests.generation.families.tiny import save_tiny_xl

EPSILON = {"prediction_type": "epsilon"}
V = {"prediction_type": "v_prediction"}
V_TO_NOISE = {**V, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
PREDICTIONS = {"ε": EPSILON, "v": V, "v with zero SNR": V_TO_NOISE}
FAMILIES = ("sd1", "sdxl")
STRENGTHS = (None, 0.65, 1.0)


@pytest.fixture(scope="session")
def folders(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each family."""
    return {"sd1": tiny_folder, "sdxl": save_tiny_xl(tmp_path_factory.mktemp("tiny") / "xl")}


@pytest.fixture(scope="session")
def catalog(folders: dict[str, Path]) -> Catalog:
    """A checkpoint of each family for everything it may predict."""
    checkpoints = [
        Checkpoint(
            name=f"{family}, {prediction}",
            source=folders[family],
            family=family,
            size=64,
            lcm=True,
            prediction_type=config["prediction_type"],
            timestep_spacing=config.get("timestep_spacing"),
            zero_terminal_snr=config.get("rescale_betas_zero_snr"),
        )
        for family in FAMILIES
        for prediction, config in PREDICTIONS.items()
    ]
    return Catalog({one.name: one for one in checkpoints}, checkpoints[0].name)


@pytest.fixture(scope="session")
def engine(catalog: Catalog) -> Engine:
    return Engine(catalog, CPU, options=PLAIN)


@pytest.fixture(scope="session")
def references(folders: dict[str, Path]) -> dict[str, Draw]:
    """Diffusers' own pipeline for each checkpoint of the catalog."""
    return {
        f"{family}, {prediction}": diffusers_own(folders[family], family, **config)
        for family in FAMILIES
        for prediction, config in PREDICTIONS.items()
    }


def named(
    make_request: MakeRequest, family: str, prediction: str, **changes: object
) -> GenerationRequest:
    strength = changes.get("strength")
    plain = {
        "checkpoint": f"{family}, {prediction}",
        "family": family,
        "negative_prompt": "boats",
        "num_inference_steps": 5,
        "num_images": 2,
        "image": None if strength is None else draw_source(32, 32),
    }
    return make_request(**{**plain, **changes})


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("sampler", Sampler)
def test_alone_not_one_value_differs(
    engine: Engine,
    references: dict[str, Draw],
    make_request: MakeRequest,
    sampler: Sampler,
    strength: float | None,
    family: str,
    prediction: str,
):
    request = named(make_request, family, prediction, sampler=sampler, strength=strength)
    events = run(engine, request)
    drawn = pixels(events)
    assert np.array_equal(drawn, references[request.checkpoint](request))
    assert drawn.std() > 1, "no black picture"
    forwards = [event for event in events if isinstance(event, Progress)]
    assert len(forwards) == forwards[-1].of == request.forwards

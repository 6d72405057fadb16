"""Everything that can be sent to the bot, in a storm; `python -m benchmarks storm` sends more."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import simcord

from generation.catalog import EMBEDDED, STYLES, Catalog
from generation.styles import Style
from tests.fakes import RecordingExecutor
from tests.storm.storm import blow

# As the benchmark and `make nightly` ask for more; each round has a bot of its own.
INTERACTIONS = int(os.environ.get("STORM_INTERACTIONS", "200"))
SEED = os.environ.get("STORM_SEED", "1")
RESULTS = Path(os.environ["STORM_RESULTS"]) if "STORM_RESULTS" in os.environ else None
ROUND = 200
ROUNDS = [min(ROUND, INTERACTIONS - start) for start in range(0, INTERACTIONS, ROUND)]
SECRET = replace(EMBEDDED, name="Secret", age_restricted=True)
BARE = Style(name="Bare", prompt="bare {prompt}", age_restricted=True)


@pytest.fixture
def catalog() -> Catalog:
    """What everybody may pick, and what only age-restricted channels have."""
    checkpoints = {one.name: one for one in (EMBEDDED, SECRET)}
    styles = {one.name: one for one in (*STYLES, BARE)}
    return Catalog(checkpoints, EMBEDDED.name, styles)


@pytest.mark.parametrize(("number", "interactions"), list(enumerate(ROUNDS)))
async def test_whatever_is_sent_is_answered_once_and_what_is_valid_is_drawn(
    simcord_env: simcord.Env,
    tmp_path: Path,
    executor: RecordingExecutor,
    number: int,
    interactions: int,
):
    executor.wait = lambda waited: simcord_env.external_wait(waited, reason="the worker draws")
    seed = f"{SEED}.{number}"
    tally = await blow(simcord_env, executor, tmp_path, seed=seed, interactions=interactions)
    if RESULTS is not None:
        (RESULTS / f"{number}.json").write_text(json.dumps(asdict(tally)), "utf-8")
    assert tally.unhandled == []
    assert tally.delivered == tally.valid
    assert 4 * tally.valid >= tally.interactions

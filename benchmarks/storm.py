"""Random interactions with the bot: valid ones are generated, all others get ephemeral replies."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import Figures

LABELS = {
    "interactions": "interactions",
    "valid": "valid ones that ask for pictures",
    "delivered": "of these delivered",
    "refused": "answered with a private line that says why not",
    "kinds": "kinds of such lines",
    "unhandled": "unhandled",
}
COUNTED = [figure for figure in LABELS if figure != "kinds"]
TEST = Path(__file__).parent.parent / "tests" / "bot" / "test_storm.py"


def run(interactions: int = 10_000, seed: int = 1) -> Figures:
    """Run the suite's storm with this many interactions, and sum up its counts.

    Failures are printed; raises RuntimeError if the storm itself broke.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked = {"INTERACTIONS": interactions, "SEED": seed, "RESULTS": folder}
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-n0", "--tb=short", "--show-capture=no", str(TEST)],
            env=os.environ | {f"STORM_{name}": str(value) for name, value in asked.items()},
            cwd=TEST.parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        rounds = [json.loads(path.read_text("utf-8")) for path in Path(folder).iterdir()]
    if sum(one["interactions"] for one in rounds) < interactions:
        raise RuntimeError(f"the storm broke:\n{ended.stdout[-5000:]}{ended.stderr[-5000:]}")
    for one in rounds:
        for line in one["unhandled"]:
            print(line, file=sys.stderr)
        one["unhandled"] = len(one["unhandled"])
    figures: Figures = {figure: sum(one[figure] for one in rounds) for figure in COUNTED}
    return figures | {"kinds": len({kind for one in rounds for kind in one["why"]})}

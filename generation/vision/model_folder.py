"""Models of transformers in folders as it saves them, told from what lies there. Imports no torch.

They are used beside drawing, each in a process of its own: see `generation.vision.answering`.
"""

from pathlib import Path
from typing import Any

from generation.json_text import loads

WEIGHTS, CONFIG = "model.safetensors", "config.json"  # as transformers saves them
MOST_BYTES = 2**20  # of a configuration


def config_of(weights: Path) -> dict[str, Any]:
    """Return the configuration beside a file of weights, {} if there is none, or none to be read.

    Raises nothing.
    """
    if weights.name != WEIGHTS:
        return {}
    try:
        with weights.with_name(CONFIG).open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        found = loads(data) if len(data) <= MOST_BYTES else None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def class_in(config: dict[str, Any], classes: tuple[str, ...]) -> str | None:
    """Return the class that a configuration names if it is that one alone, and among these."""
    said = config.get("architectures")
    if not isinstance(said, list) or len(said) != 1 or said[0] not in classes:
        return None
    return str(said[0])

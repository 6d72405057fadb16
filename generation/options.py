"""How the engine is to run, as its owner sets it. Imports no torch."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MOST_ROWS = 64
DETERMINISTIC_ROWS = 8  # four guided pictures


class Compile(StrEnum):
    """What torch.compile does with the default checkpoint's UNet at its own size."""

    OFF = "off"
    DEFAULT = "default"
    MAX_AUTOTUNE = "max-autotune"


# In the data folder: how many rows a forward should have, and which states of hubs were taken.
PROFILES, REVISIONS = "profiles.json", "revisions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What an owner can choose.

    ``rows`` is how many rows a forward may have; 0 takes what is measured, which is kept in the
    file ``profiles`` if there is one. With ``deterministic`` every forward is padded to
    `DETERMINISTIC_ROWS`, so that a picture's bits depend on nobody else's. With ``metadata`` a
    picture's file says how it was made. With ``safety`` a picture is scored before it is handed
    over. The file ``revisions`` says which state of a hub's repository is used.
    """

    rows: int = 0
    deterministic: bool = False
    compile: Compile = Compile.OFF
    metadata: bool = True
    safety: bool = True
    profiles: Path | None = None
    revisions: Path | None = None

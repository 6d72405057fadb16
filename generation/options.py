"""The engine's options, as set by the bot's owner. Imports no torch."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MOST_ROWS = 64
DETERMINISTIC_ROWS = 8  # four guided pictures


class Compile(StrEnum):
    """How torch.compile is used on the default checkpoint's UNet at its own size."""

    OFF = "off"
    DEFAULT = "default"
    MAX_AUTOTUNE = "max-autotune"


# In the data folder: measured row counts, and pinned commits of hub repositories.
PROFILES, REVISIONS = "profiles.json", "revisions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """The engine's options.

    ``rows`` is how many rows a forward pass may have; 0 uses the measured number, which is stored
    in the file ``profiles`` if given. With ``deterministic`` every forward pass is padded to
    `DETERMINISTIC_ROWS`, so that a picture's bits do not depend on other requests. With ``fp8``
    denoisers are stored in 8 bits a value and computed in their own type. With
    ``metadata`` a picture's file says how it was made. With ``safety`` a picture is scored before
    it is returned. The file ``revisions`` pins commits of hub repositories.
    """

    rows: int = 0
    deterministic: bool = False
    fp8: bool = False
    compile: Compile = Compile.OFF
    metadata: bool = True
    safety: bool = True
    profiles: Path | None = None
    revisions: Path | None = None

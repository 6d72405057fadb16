"""What draws the pictures, as far as the page tells people about it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint's name and, where it knows only some words, how many things and which words.

    Without words it is taken to know them all.
    """

    name: str
    things: int = 0
    words: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Model":
        """Read what `payload` gave from a file; raises OSError, ValueError or KeyError."""
        said = json.loads(path.read_text("utf-8"))
        return cls(str(said["name"]), int(said["things"]), tuple(map(str, said["words"])))

    def payload(self) -> Json:
        """Give it as the page reads it."""
        return asdict(self)

"""Asks what of an adapter's or embedding's file can be used. Imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generation.library.headers import Child, unpacked
from generation.loading.key_rules import TITLES
from generation.loading.model_file import Kind, ModelFile
from generation.phrases import Phrase

MODULE = "generation.conditions.adapters.usable"
FILE_S = 300.0  # the first answer has to load torch
CHECKED = (Kind.LORA, Kind.EMBEDDING)


@dataclass(frozen=True, slots=True)
class Usable:
    """How many ``tensors`` a file has and how many are ``unused``, such as ``first``.

    ``family`` is the title of that whose models it fits. ``problem`` says why none of it is used.
    """

    family: str = ""
    tensors: int = 0
    unused: int = 0
    first: str = ""
    problem: Phrase | None = None


class UsableReader(Child):
    """A child process that compares files with the models that they were made for.

    ``checkpoints`` are those that there are.
    """

    def __init__(self, checkpoints: Sequence[ModelFile], file_s: float = FILE_S) -> None:
        super().__init__(MODULE, file_s)
        self._checkpoints = [(one.family, str(one.path)) for one in checkpoints]

    def read(self, path: Path, *, values: bool) -> Usable:
        """Return what can be used; with ``values`` its values are looked at, too."""
        asked = {"path": str(path), "checkpoints": self._checkpoints, "values": values}
        try:
            said = self.ask(asked)
            if "problem" in said:
                return Usable(problem=unpacked(said["problem"]))
            title = TITLES[said["family"]]
            return Usable(title, said["tensors"], said["unused"], said["first"])
        except (OSError, ValueError, KeyError, TypeError):
            self.end()
            return Usable(problem=Phrase("checkpoint-unreadable", file=str(path)))

"""SHA-256 of whole files, and what Civitai's own description beside a file says it should be."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from generation.json_text import loads
from generation.library.layout import Candidate
from generation.library.sidecars import MOST_BYTES

CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Hashed:
    """A file's SHA-256 in hex; ``known`` are those that the description beside it has."""

    sha256: str
    known: frozenset[str] = frozenset()

    @property
    def confirmed(self) -> bool:
        """Whether it is one of the known ones."""
        return self.sha256 in self.known

    @property
    def differs(self) -> str | None:
        """A line of English if it should be another."""
        if not self.known or self.confirmed:
            return None
        return f"is not the file that its .civitai.info describes: its SHA-256 is {self.sha256}"


def hash_of(path: Path, progress: Callable[[int, int | None], None]) -> str:
    """Return a file's SHA-256 in hex; ``progress`` is told how many bytes are read."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(done, None)
    return digest.hexdigest()


def compared(candidate: Candidate, sha256: str) -> Hashed:
    """Return a file's hash with those that Civitai's description beside it has."""
    name = candidate.beside.get(".civitai.info")
    if name is None:
        return Hashed(sha256)
    try:
        with (candidate.path.parent / name).open("rb") as opened:
            table = loads(opened.read(MOST_BYTES))
        hashes = [file["hashes"]["SHA256"] for file in table["files"] if "hashes" in file]
    except (OSError, ValueError, KeyError, TypeError):
        return Hashed(sha256)
    return Hashed(sha256, frozenset(str(one).lower() for one in hashes))

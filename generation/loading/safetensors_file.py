"""A safetensors file's header, checked against its length. Imports no torch.

8 bytes of size, JSON, then the tensors: https://huggingface.co/docs/safetensors/index#format.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from generation.errors import CheckpointUnavailable
from generation.json_text import loads
from generation.phrases import Phrase

HEADER_LIMIT = 100_000_000  # bytes; the format's own


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor in the header: its type ("F16", "BF16", "F32", …) and its shape."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        """How many values it holds."""
        return math.prod(self.shape)


def read_header(name: str, file: Path) -> dict[str, Tensor]:
    """Return the tensors by key; raises CheckpointUnavailable unless the file is complete."""
    try:
        with file.open("rb") as opened:
            size = int.from_bytes(opened.read(8), "little")
            if not 2 <= size <= HEADER_LIMIT:
                raise CheckpointUnavailable(
                    name, Phrase("checkpoint-no-safetensors", file=str(file))
                )
            header = opened.read(size)
        length = file.stat().st_size
    except OSError as error:
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-file", file=str(file), why=str(error.strerror))
        ) from error
    try:
        table = loads(header)
        table.pop("__metadata__", None)
        ends = [entry["data_offsets"][1] for entry in table.values()]
        tensors = {
            key: Tensor(str(entry["dtype"]), tuple(map(int, entry["shape"])))
            for key, entry in table.items()
        }
        wanted = 8 + size + max(ends, default=0)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        if len(header) < size:
            raise CheckpointUnavailable(
                name, Phrase("checkpoint-cut-short", file=str(file))
            ) from error
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-no-safetensors", file=str(file))
        ) from error
    if length != wanted:
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-length", file=str(file), length=length, wanted=wanted)
        )
    return tensors

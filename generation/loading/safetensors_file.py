"""Reads a safetensors file's header, and checks that the file is whole. Imports no torch.

8 bytes of size, JSON, then the tensors without gaps:
https://huggingface.co/docs/safetensors/index#format. The file may be anything, of anybody: time and
memory are bounded, and whatever is wrong with it is one phrase.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generation.errors import CheckpointUnavailable
from generation.phrases import Phrase

# Of the format's own 100 MB. SDXL's is 0.4 MB; a LoRA's list of its training captions, a few.
HEADER_LIMIT = 16 * 2**20  # bytes
BRACKETS = 1_000_000  # one costs Python 64 bytes; SDXL has 7,500
DIMENSIONS = 16
MOST = 2**63  # of a dimension, or of a place in a file
NAME_SHOWN = 80  # characters of a tensor's name in a message
# Bits of a value: https://docs.rs/safetensors/latest/safetensors/tensor/enum.Dtype.html
BITS = {
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}
# What people have instead of a file, and what it begins with.
IMPOSTORS = {
    b"version https://git-lfs": Phrase("content-lfs"),
    b"<!doctype": Phrase("content-page"),
    b"<html": Phrase("content-page"),
    b"pk\x03\x04": Phrase("content-pickle"),  # torch.save's archive
    b"\x80\x02": Phrase("content-pickle"),
    b"gguf": Phrase("content-gguf"),
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor in the header: its type ("F16", "BF16", "F32", …), its shape, and its place.

    ``start`` is in bytes from the beginning of the file.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int = 0

    @property
    def values(self) -> int:
        """How many values it holds."""
        return math.prod(self.shape)

    @property
    def width(self) -> int:
        """The last dimension; 0 of a single value."""
        return self.shape[-1] if self.shape else 0

    @property
    def bytes(self) -> int:
        """How many bytes of the file it takes."""
        return self.values * BITS[self.dtype] // 8


@dataclass(frozen=True, slots=True)
class Header:
    """A file's tensors by name and its metadata; ``problem`` says why it is not whole.

    A file that is cut short still has its tensors' names.
    """

    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    problem: Phrase | None = None


def read_header(name: str, file: Path) -> Mapping[str, Tensor]:
    """Return the tensors by key; raises CheckpointUnavailable unless the file is whole."""
    header = open_header(file)
    if header.problem is not None:
        raise CheckpointUnavailable(name, header.problem)
    return header.tensors


def open_header(file: Path) -> Header:
    """Return a file's header, whatever the file is; raises nothing for a bad one."""
    try:
        length = file.stat().st_size
        with file.open("rb") as opened:
            first = opened.read(8)
            size = int.from_bytes(first, "little")
            if not length:
                return Header(problem=Phrase("checkpoint-empty", file=shown(file)))
            if len(first) < 8 or size < 2 or (size > HEADER_LIMIT and size > length):
                return Header(problem=_impostor(file, first + opened.read(64)))
            if size > HEADER_LIMIT:
                most = HEADER_LIMIT // 2**20
                return Header(problem=Phrase("checkpoint-header", file=shown(file), most=most))
            text = opened.read(size)
    except OSError as error:
        why = str(error.strerror)
        return Header(problem=Phrase("checkpoint-file", file=shown(file), why=why))
    if not text.startswith(b"{"):
        return Header(problem=_impostor(file, first + text[:64]))
    if len(text) < size:
        return Header(problem=Phrase("checkpoint-cut-short", file=shown(file)))
    return _parse(file, text, length)


def shown(text: str | Path) -> str:
    """Return a name without what breaks a line, or cannot be written: files may have any."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in str(text))


def _impostor(file: Path, start: bytes) -> Phrase:
    for beginning, what in IMPOSTORS.items():
        if start.lower().startswith(beginning):
            return Phrase("checkpoint-impostor", file=shown(file), what=what)
    return Phrase("checkpoint-no-safetensors", file=shown(file))


class _TwiceError(ValueError):
    """A key that an object has twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return table


def _parse(file: Path, text: bytes, length: int) -> Header:
    if text.count(b"[") + text.count(b"{") > BRACKETS:
        return Header(problem=Phrase("checkpoint-no-safetensors", file=shown(file)))
    try:
        table = json.loads(text.decode("utf-8"), object_pairs_hook=_object)
    except _TwiceError as error:
        return Header(problem=_wrong(file, str(error)))
    except (ValueError, RecursionError):
        return Header(problem=Phrase("checkpoint-no-safetensors", file=shown(file)))
    metadata = table.pop("__metadata__", None)
    if not isinstance(metadata, dict):
        metadata = {}
    begin = 8 + len(text)
    spans, tensors = [], {}
    for key, entry in table.items():
        span = _span(entry)
        if span is None:
            return Header(problem=_wrong(file, key))
        spans.append((*span, key))
        tensors[key] = Tensor(entry["dtype"], tuple(entry["shape"]), begin + span[0])
    end = begin + max((stop for _, stop, _ in spans), default=0)
    problem = _gap(file, spans) or _length(file, length, end)
    texts = {key: one for key, one in metadata.items() if isinstance(one, str)}
    return Header(tensors, texts, problem)


def _span(entry: Any) -> tuple[int, int] | None:  # noqa: ANN401 - anything
    """Return where a tensor begins and ends among the tensors; None if that is nonsense."""
    try:
        shape, (start, stop) = entry["shape"], entry["data_offsets"]
        bits = BITS[entry["dtype"]]
    except (KeyError, TypeError, ValueError):
        return None
    if type(shape) is not list or len(shape) > DIMENSIONS:
        return None
    for side in shape:
        if type(side) is not int or not 0 <= side < MOST:
            return None
        bits *= side
    if type(start) is not int or type(stop) is not int or not 0 <= start <= stop < MOST:
        return None
    return (start, stop) if (stop - start) * 8 == bits else None


def _gap(file: Path, spans: list[tuple[int, int, str]]) -> Phrase | None:
    """Tensors lie one after another, so that none overlaps another and nothing hides between."""
    end = 0
    for start, stop, key in sorted(spans):
        if start != end:
            return _wrong(file, key)
        end = stop
    return None


def _length(file: Path, length: int, wanted: int) -> Phrase | None:
    if length < wanted:
        return Phrase("checkpoint-truncated", file=shown(file), count=wanted - length)
    if length > wanted:
        return Phrase("checkpoint-too-long", file=shown(file), count=length - wanted)
    return None


def _wrong(file: Path, key: str) -> Phrase:
    name = key if len(key) <= NAME_SHOWN else f"{key[:NAME_SHOWN]}…"
    return Phrase("checkpoint-damaged", file=shown(file), key=shown(name))

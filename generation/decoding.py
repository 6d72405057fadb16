"""Decodes people's files in a separate process: ``python -m generation.decoding``.

Requests come on standard input until it closes: a line of JSON followed by as many bytes as it
says; responses have the same format. Memory is limited to `generation.source_image.MEMORY` where
the system supports that. Imports no torch.
"""

import json
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import IO, Any, cast

from PIL import ExifTags

from generation import source_image
from generation.architectures import ARCHITECTURES
from generation.editing.brought import erased, mask_of
from generation.errors import InvalidRequest
from generation.metadata import png as pnginfo
from generation.phrases import Phrase
from generation.source_image import MEMORY
from generation.worker.hardware import limit_memory

Answer = tuple[Sequence[int], bytes]  # numbers, and the bytes they describe


def _prepare(data: bytes, width: int, height: int) -> Answer:
    png, clear = source_image.prepare(data, width, height)
    return (int(clear),), png


def _whole(data: bytes) -> Answer:
    png, width, height = source_image.whole(data)
    return (width, height), png


def _fit(data: bytes, width: int, height: int) -> Answer:
    return (), source_image.fit(data, width, height)


def _check(data: bytes) -> Answer:
    image = source_image.check(data)
    sideways = source_image.TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    width, height = image.size
    return (height, width) if sideways in source_image.SIDEWAYS else (width, height), b""


def _mask(data: bytes, width: int, height: int) -> Answer:
    mask, *size = mask_of(data, width, height)
    return size, mask


def _erased(data: bytes, width: int, height: int) -> Answer:
    return (), erased(data, width, height) or b""


def _lay(
    data: bytes, width: int, height: int, family: str, zoom: float | None, *sides: int
) -> Answer:
    # Kept out of the start of a process, which a command waits for.
    from generation.editing.framing import Framing
    from generation.editing.sides import Sides

    framing = Framing(Sides(*sides), zoom)
    picture, mask = framing.lay(data, width, height, ARCHITECTURES[family])
    return (len(picture),), picture + mask


def _read(data: bytes) -> Answer:
    found = pnginfo.read(data)
    return (), b"" if found is None else json.dumps(asdict(found)).encode()


WORK: dict[str, Callable[..., Answer]] = {
    "prepare": _prepare,
    "whole": _whole,
    "fit": _fit,
    "check": _check,
    "mask": _mask,
    "erased": _erased,
    "lay": _lay,
    "read": _read,
}


def request(work: str, numbers: Sequence[int | float | str | None], data: bytes) -> bytes:
    """Return the message that requests a piece of WORK."""
    return _message({"work": work, "numbers": list(numbers)}, data)


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Serve requests until the input ends."""
    while line := requests.readline():
        head = json.loads(line)
        data = requests.read(head["size"])
        if len(data) < head["size"]:
            return
        answers.write(_answer(head, data))
        answers.flush()


def _answer(head: dict[str, Any], data: bytes) -> bytes:
    try:
        numbers, content = WORK[head["work"]](data, *head["numbers"])
    except InvalidRequest as error:
        return _refusal(error.field, error.bound)
    except MemoryError:
        return _refusal("image", Phrase("bound-image-smaller"))
    return _message({"numbers": list(numbers)}, content)


def _refusal(field: str, bound: str) -> bytes:
    said = cast("Phrase", bound)  # as all limits here are
    return _message({"field": field, "code": said.code, "values": dict(said.values)}, b"")


def refusal(head: dict[str, Any]) -> InvalidRequest | None:
    """Return the error in a response's header, as it was raised; None if there is none."""
    if "code" not in head:
        return None
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in head["values"].items()
    }
    return InvalidRequest(head["field"], Phrase(head["code"], **values))


def _message(head: dict[str, Any], data: bytes) -> bytes:
    return json.dumps(head | {"size": len(data)}).encode() + b"\n" + data


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # about odd files; the response says what is wrong with one
    limit_memory(MEMORY)
    serve(sys.stdin.buffer, sys.stdout.buffer)

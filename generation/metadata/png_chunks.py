"""The text chunks of a PNG, before and after its pixels. Imports no torch.

PNG, third edition, 11.3.3 (tEXt, zTXt, iTXt) and 11.3.4.5 (eXIf). Checksums are not compared: a
text that somebody changed by hand is a text.
"""

import re
import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT = 2**20  # characters; as much as Pillow unpacks of a compressed chunk
MAX_CHUNKS = 100_000
EXIF = "eXIf"


class TooLong(Exception):
    """A text is longer than MAX_TEXT."""


def text_chunks(data: bytes) -> Iterator[tuple[str, str | bytes]]:
    """Yield keys and texts, and Exif as the bytes that it is; raises TooLong.

    What is broken is passed over.
    """
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in _READERS:
            yield from _READERS[kind](data[at + 8 : at + 8 + length])
        at += 12 + length


def _text(body: bytes) -> Iterator[tuple[str, str | bytes]]:
    key, _, text = body.partition(b"\0")
    yield from _named(key, _plain(text))


def _packed(body: bytes) -> Iterator[tuple[str, str | bytes]]:
    key, _, rest = body.partition(b"\0")
    yield from _named(key, _plain(_unpacked(rest[1:])))


def _international(body: bytes) -> Iterator[tuple[str, str | bytes]]:
    key, _, rest = body.partition(b"\0")
    packed, rest = rest[:1] == b"\1", rest[2:]
    text = rest.partition(b"\0")[2].partition(b"\0")[2]
    yield from _named(key, (_unpacked(text) if packed else text).decode("utf-8", "replace"))


def _exif(body: bytes) -> Iterator[tuple[str, str | bytes]]:
    yield EXIF, body


def _named(key: bytes, text: str) -> Iterator[tuple[str, str | bytes]]:
    name = key.decode("latin-1")
    if len(text) > MAX_TEXT:
        raise TooLong
    if re.fullmatch(r"raw profile type (exif|app1)", name, re.IGNORECASE):
        # ImageMagick's way: the profile's name, its length, and its bytes in hexadecimal.
        digits = "".join(text.split()[2:])
        if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", digits):
            yield EXIF, bytes.fromhex(digits)
        return
    yield name, text


def _plain(text: bytes) -> str:
    """Return a text that should be Latin-1, and is UTF-8 from programs that do not know it."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _unpacked(packed: bytes) -> bytes:
    try:
        # Four bytes are the most that a character takes.
        text = zlib.decompressobj().decompress(packed, 4 * MAX_TEXT + 1)
    except zlib.error:
        return b""
    if len(text) > 4 * MAX_TEXT:
        raise TooLong
    return text


_READERS = {b"tEXt": _text, b"zTXt": _packed, b"iTXt": _international, b"eXIf": _exif}

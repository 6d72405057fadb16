"""Where a picture's file keeps texts: as pairs of a key and a text, whatever the format.

Nothing is decoded here but text; what is packed is unpacked within a bound. Imports no torch.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import Any

from PIL import Image

from generation.json_text import loads
from generation.metadata import exif
from generation.metadata.png_chunks import MAX_TEXT, TooLong, text_chunks

XMP = "XML:com.adobe.xmp"
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")
MAX_TEXTS = 200
# XMP is RDF in XML: a property is an element, with a list of texts in it perhaps, or an attribute.
# It is searched, not parsed: entities that expand are no danger to whom expands none.
_XMP_NAMES = (
    "exif:UserComment",
    "dc:description",
    "dc:creator",
    "xmp:CreatorTool",
    "tiff:Software",
    "photoshop:Credit",
    "Iptc4xmpExt:DigitalSourceType",
)
_XMP_LENGTH = 2**20
_MARKUP = re.compile(r"<[^<>]{0,500}>")


@dataclass(frozen=True)
class Texts:
    """The texts of a file by their keys, in its order; a key may stand there more than once."""

    pairs: tuple[tuple[str, str], ...]

    def get(self, key: str) -> str:
        """Return the first text under a key, in whatever case; empty where there is none."""
        return next((text for name, text in self.pairs if name.casefold() == key.casefold()), "")

    @cached_property
    def objects(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """The texts that are JSON objects, and the objects in them that are texts again."""
        found: list[tuple[str, dict[str, Any]]] = []
        for key, text in self.pairs:
            table = json_object(text)
            if table is not None:
                found.append((key, table))
        return tuple(found)


def json_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a text is, which NULs may follow; None where it is none."""
    text = text.strip("\0 \r\n\t\ufeff")
    # What ComfyUI writes into Exif has its name in front.
    text = re.sub(r"\A(?:prompt|workflow)\s*:\s*(?=\{)", "", text, flags=re.IGNORECASE)
    if not text.startswith("{"):
        return None
    try:
        table = loads(text)
    except ValueError:
        return None
    return table if isinstance(table, dict) else None


def texts_of(image: Image.Image, data: bytes) -> Texts:
    """Return what the file of an opened picture says; raises TooLong."""
    pairs: list[tuple[str, str]] = []
    for key, text in _pairs(image, data):
        if len(text) > MAX_TEXT:
            raise TooLong
        if text.strip("\0 \r\n\t") and len(pairs) < MAX_TEXTS:
            pairs.append((key, text))
    return Texts(tuple(pairs))


def _pairs(image: Image.Image, data: bytes) -> Iterator[tuple[str, str]]:
    if image.format == "PNG":
        for key, value in text_chunks(data):
            if isinstance(value, bytes):
                yield from exif.texts(value)
            elif key == XMP:
                yield from xmp(value)
            else:
                yield key, value
        return
    if isinstance(block := image.info.get("exif"), bytes):
        yield from exif.texts(block)
    if isinstance(packet := image.info.get("xmp"), bytes | str):
        yield from xmp(packet if isinstance(packet, str) else packet.decode("utf-8", "replace"))
    comments = [body for name, body in getattr(image, "applist", ()) if name == "COM"]
    if image.format == "GIF":
        comments = list(gif_comments(data))
    for comment in comments:
        yield "Comment", exif.decoded(comment)


def xmp(packet: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of an XMP packet that may say how the picture was made."""
    packet = packet[:_XMP_LENGTH]
    for name in _XMP_NAMES:
        short = name.partition(":")[2]
        if (at := packet.find(f"<{name}>")) >= 0 and (end := packet.find(f"</{name}>", at)) >= 0:
            text = _MARKUP.sub("", packet[at + len(name) + 2 : end])
            yield short, unescape(text).strip()
        elif (at := packet.find(f'{name}="')) >= 0:
            start = at + len(name) + 2
            if (end := packet.find('"', start)) >= 0:
                yield short, unescape(packet[start:end]).strip()


def gif_comments(data: bytes) -> Iterator[bytes]:
    """Yield the comments of a GIF, before and after its pictures (GIF89a, 24)."""
    at = 13 + _table(data[10:11])
    for _ in range(MAX_TEXTS * 50):
        kind = data[at : at + 1]
        if kind == b"!":
            comment, at = data[at + 1 : at + 2] == b"\xfe", at + 2
            body, at = _blocks(data, at)
            if comment:
                yield body
        elif kind == b",":
            _, at = _blocks(data, at + 11 + _table(data[at + 9 : at + 10]))
        else:
            return


def _table(flags: bytes) -> int:
    """Return the length of the colour table that a packed byte announces."""
    return 3 * 2 ** (flags[0] % 8 + 1) if flags and flags[0] & 0x80 else 0


def _blocks(data: bytes, at: int) -> tuple[bytes, int]:
    """Return what a row of sub-blocks holds, and where it ends."""
    parts = []
    while at < len(data) and (length := data[at]):
        parts.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    return b"".join(parts), at + 1

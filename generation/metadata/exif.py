"""Exif's texts, whatever their encoding. Imports no torch."""

import codecs
import logging
import re
import struct
from collections.abc import Iterator

from PIL import ExifTags, Image

log = logging.getLogger(__name__)

# UserComment starts with eight bytes that name its encoding (Exif 2.3, 4.6.5).
UNICODE, ASCII, JIS = b"UNICODE\0", b"ASCII\0\0\0", b"JIS\0\0\0\0\0"
_PREFIX = re.compile(rb"\A(UNICODE\0|Unicode\0|unicode\0|ASCII\0\0\0|JIS\0{5}|\0{8})")
# What Pillow raises, or warns of, where Exif is not what it should be.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error, UserWarning)
MAX_BYTES = 2**21 + 8
# Windows' own tags are UTF-16.
_WINDOWS = (ExifTags.Base.XPComment, ExifTags.Base.XPTitle, ExifTags.Base.XPSubject)
_TAGS = (
    ExifTags.Base.UserComment,
    ExifTags.Base.ImageDescription,
    ExifTags.Base.MakerNote,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.Artist,
    ExifTags.Base.DocumentName,
    *_WINDOWS,
)


def texts(block: bytes) -> Iterator[tuple[str, str]]:
    """Yield the texts of an Exif block by their tags' names, from both of its directories."""
    tags = Image.Exif()
    try:
        tags.load(block)
        directories = [tags.get_ifd(ExifTags.IFD.Exif), dict(tags)]
    except BROKEN as error:  # the picture may be whole still
        log.debug("unreadable Exif: %r", error)
        return
    for tag in _TAGS:
        for directory in directories:
            value = directory.get(tag)
            if isinstance(value, tuple) and all(type(one) is int for one in value):
                value = bytes(one % 256 for one in value)
            if isinstance(value, str):
                value = value.encode("latin-1", "replace")
            if isinstance(value, bytes) and len(value) <= MAX_BYTES:
                yield tag.name, _wide(value) if tag in _WINDOWS else decoded(value)


def decoded(raw: bytes) -> str:
    """Return a text whose prefix may name its encoding, and may be wrong.

    UTF-8 is believed where it is valid, a byte order mark wherever it stands; else UTF-16 is known
    by its NULs, for texts of settings have more Latin letters than anything else.
    """
    prefix = _PREFIX.match(raw)
    named, text = (prefix[1].upper(), raw[prefix.end() :]) if prefix else (b"", raw)
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return text.decode("utf-16", "replace").strip("\0")
    text = text.removeprefix(codecs.BOM_UTF8)
    if named == JIS and b"\0" not in text.rstrip(b"\0"):
        for encoding in ("utf-8", "iso2022_jp", "shift_jis"):
            try:
                return text.rstrip(b"\0").decode(encoding)
            except UnicodeDecodeError:
                continue
    inside = text.strip(b"\0").count(0)
    if inside and (named == UNICODE or inside > len(text) // 8):
        return _wide(text)
    try:
        return text.replace(b"\0", b"").decode("utf-8")
    except UnicodeDecodeError:
        return _wide(text) if named == UNICODE else text.replace(b"\0", b"").decode("latin-1")


def _wide(text: bytes) -> str:
    """Return UTF-16 in the byte order that gives it more Latin letters."""
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return text.decode("utf-16", "replace").strip("\0")
    little = text[1::2].count(0) > text[::2].count(0)
    return text.decode("utf-16-le" if little else "utf-16-be", "replace").strip("\0")

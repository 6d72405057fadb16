"""How a picture was made, in its file: written for the ecosystem's readers, read from theirs.

A PNG holds it in a text chunk: ``parameters``, as AUTOMATIC1111's web UI writes it (`infotext`),
or ``prompt``, as ComfyUI does (`comfyui`). Such chunks stand before the pixels, which are never
decoded here. JPEG and WebP hold the former in Exif's UserComment. Imports no torch.
"""

import io
import logging
import struct

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from generation.errors import InvalidRequest
from generation.metadata import comfyui, infotext
from generation.metadata.infotext import Parameters, describe, enlarged
from generation.phrases import Phrase
from generation.source_image import FORMATS, MAX_BYTES

__all__ = ["MAX_TEXT", "Parameters", "chunks", "describe", "enlarged", "exif", "read"]

log = logging.getLogger(__name__)

CHUNK = "parameters"
COMFYUI_CHUNK = "prompt"
MAX_TEXT = 2**20  # characters; as much as Pillow unpacks of a compressed chunk
# UserComment starts with eight bytes that name its encoding (Exif 2.3, 4.6.5).
UNICODE, ASCII = b"UNICODE\0", b"ASCII\0\0\0"
PREFIX = len(UNICODE)
# What Pillow raises, or warns of, where Exif is not what it should be.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error, UserWarning)


def chunks(parameters: Parameters) -> PngInfo:
    """Return what ``Image.save(…, "PNG", pnginfo=…)`` takes: one tEXt or, beyond Latin-1, iTXt."""
    info = PngInfo()
    info.add_text(CHUNK, infotext.write(parameters))
    return info


def exif(parameters: Parameters) -> Image.Exif:
    """Return what ``Image.save(…, exif=…)`` takes for a JPEG or a WebP."""
    tags = Image.Exif()
    comment = UNICODE + infotext.write(parameters).encode("utf-16-be")
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return tags


def read(data: bytes) -> Parameters | None:
    """Return what a PNG, JPEG or WebP file says about its making; None where it says nothing.

    Raises InvalidRequest, naming ``image`` and the bound it is out of. A few milliseconds; for the
    longest texts a few tenths of a second, so call it in a thread.
    """
    if len(data) > MAX_BYTES:
        raise InvalidRequest("image", Phrase("bound-file", most=MAX_BYTES // 2**20))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            text, graph = _texts(image)
    except Exception as error:  # decoders raise whatever comes to their mind
        raise InvalidRequest("image", Phrase("bound-image-file")) from error
    for found, parse in ((text, infotext.parse), (graph, comfyui.parse)):
        if len(found) > MAX_TEXT:
            raise InvalidRequest("image", Phrase("bound-image-text", most=MAX_TEXT))
        if parameters := parse(found):
            return parameters
    return None


def _texts(image: Image.Image) -> tuple[str, str]:
    """Return the text and the graph of a file, empty where it has none."""
    if image.format != "PNG":
        return _comment(image), ""
    text, graph = image.info.get(CHUNK), image.info.get(COMFYUI_CHUNK)
    return (text if isinstance(text, str) else "", graph if isinstance(graph, str) else "")


def _comment(image: Image.Image) -> str:
    try:
        comment = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    except BROKEN as error:  # the picture may be whole still
        log.debug("unreadable Exif: %r", error)
        return ""
    if not isinstance(comment, bytes) or len(comment) > 2 * MAX_TEXT:
        return ""
    code, rest = comment[:PREFIX], comment[PREFIX:]
    if code == ASCII:
        return rest.decode("ascii", "replace").strip("\0")
    if code != UNICODE:
        return ""
    # Exif names no byte order; a text of settings has more Latin letters than anything else.
    little = rest[1::2].count(0) > rest[::2].count(0)
    return rest.decode("utf-16-le" if little else "utf-16-be", "replace")

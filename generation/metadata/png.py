"""How a picture was made, into its file, for the ecosystem's readers: `reader` reads it again.

A PNG holds it in a text chunk, ``parameters``, as AUTOMATIC1111's web UI writes it (`infotext`);
JPEG and WebP hold the same in Exif's UserComment. Imports no torch.
"""

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from generation.metadata import infotext
from generation.metadata.exif import UNICODE
from generation.metadata.infotext import Parameters, describe, enlarged
from generation.metadata.png_chunks import MAX_TEXT
from generation.metadata.reader import read

__all__ = ["MAX_TEXT", "Parameters", "chunks", "describe", "enlarged", "exif", "read"]

CHUNK = "parameters"


def chunks(parameters: Parameters) -> PngInfo:
    """Return what ``Image.save(…, "PNG", pnginfo=…)`` takes: one tEXt or, beyond ASCII, iTXt.

    tEXt is Latin-1, and so many programs put UTF-8 there that nobody can rely on either.
    """
    info = PngInfo()
    text = infotext.write(parameters)
    if text.isascii():
        info.add_text(CHUNK, text)
    else:
        info.add_itxt(CHUNK, text)
    return info


def exif(parameters: Parameters) -> Image.Exif:
    """Return what ``Image.save(…, exif=…)`` takes for a JPEG or a WebP."""
    tags = Image.Exif()
    comment = UNICODE + infotext.write(parameters).encode("utf-16-be")
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return tags

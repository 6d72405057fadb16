"""Files as other programs write them, made here."""

import gzip
import io
import struct
import zlib
from html import escape

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

INFOTEXT = (
    "a fox, film noir\nNegative prompt: blurry\n"
    "Steps: 23, Sampler: Euler a, CFG scale: 6.5, Seed: 77, Size: 512x768, Model: ink"
)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def text_chunk(key: str, text: str, kind: str = "tEXt") -> bytes:
    name, words = key.encode(), text.encode()
    body = {
        "tEXt": name + b"\0" + words,
        "zTXt": name + b"\0\0" + zlib.compress(words),
        "iTXt": name + b"\0\0\0\0\0" + words,
        "packed iTXt": name + b"\0\1\0\0\0" + zlib.compress(words),
    }[kind]
    return chunk(kind[-4:].encode(), body)


def png(*chunks: bytes, after: bool = False, image: Image.Image | None = None) -> bytes:
    """A PNG with these chunks before its pixels, or after them."""
    file = io.BytesIO()
    (image or Image.new("RGB", (8, 8), "red")).save(file, "PNG")
    data = file.getvalue()
    at = len(data) - 12 if after else 33
    return data[:at] + b"".join(chunks) + data[at:]


def with_texts(**texts: str) -> bytes:
    info = PngInfo()
    for key, text in texts.items():
        info.add_itxt(key.replace("_", " ") if key[0].isupper() else key, text)
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def exif_block(tag: int, value: bytes | str, *, first: bool = False) -> bytes:
    """An Exif block with a tag in its Exif directory, or in the first one."""
    tags = Image.Exif()
    (tags if first else tags.get_ifd(ExifTags.IFD.Exif))[tag] = value
    return tags.tobytes()


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, kind, **options)
    return file.getvalue()


def with_comment(raw: bytes, kind: str = "JPEG", *, first: bool = False) -> bytes:
    return saved(kind, exif=exif_block(ExifTags.Base.UserComment, raw, first=first))


def xmp(name: str, text: str, *, attribute: bool = False) -> str:
    inner = escape(text)
    packet = (
        f'<rdf:Description {name}="{inner}"/>'
        if attribute
        else f"<rdf:Description><{name}><rdf:Alt><rdf:li xml:lang='x-default'>{inner}</rdf:li>"
        f"</rdf:Alt></{name}></rdf:Description>"
    )
    return f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF>{packet}</rdf:RDF></x:xmpmeta>"


def stealth(
    text: str,
    *,
    packed: bool = True,
    by_columns: bool = True,
    rgb: bool = False,
    claimed: int | None = None,
    size: tuple[int, int] = (96, 128),
) -> Image.Image:
    """A picture that hides a text in its lowest bits."""
    body = gzip.compress(text.encode(), mtime=0) if packed else text.encode()
    mark = f"stealth_{'rgb' if rgb else 'png'}{'comp' if packed else 'info'}".encode()
    bits = 8 * len(body) if claimed is None else claimed
    whole = mark + bits.to_bytes(4) + body
    digits = [byte >> place & 1 for byte in whole for place in range(7, -1, -1)]
    image = Image.new(
        "RGB" if rgb else "RGBA", size, (200, 100, 50) if rgb else (200, 100, 50, 255)
    )
    width, height = size
    bands = 3 if rgb else 1
    for index in range(-(-len(digits) // bands)):
        across, down = (
            (index // height, index % height) if by_columns else (index % width, index // width)
        )
        pixel = list(image.getpixel((across, down)))
        for band, bit in enumerate(digits[index * bands : (index + 1) * bands]):
            place = band if rgb else 3
            pixel[place] = pixel[place] & 0xFE | bit
        image.putpixel((across, down), tuple(pixel))
    return image


def gif(comment: bytes, *, after: bool = False) -> bytes:
    file = io.BytesIO()
    Image.new("P", (8, 8)).save(file, "GIF")
    data = file.getvalue()
    blocks = b"".join(
        bytes((len(part),)) + part
        for part in (comment[at : at + 255] for at in range(0, len(comment), 255))
    )
    extension = b"!\xfe" + blocks + b"\0"
    at = len(data) - 1 if after else 13 + 3 * 2 ** (data[10] % 8 + 1)
    return data[:at] + extension + data[at:]

"""A text in the lowest bits of a picture's pixels, as NovelAI and "stealth pnginfo" hide it.

Bit by bit, the highest first: fifteen letters that name the kind, the text's length in bits in
four bytes, then the text in UTF-8, which gzip may have packed. One bit a pixel is in the alpha
channel, or three are in red, green and blue; columns come one after another, or rows. Imports no
torch.
"""

import zlib

from PIL import Image

MAX_PACKED = 2**20  # bytes; eight million pixels
MAX_TEXT = 2**20
_MARK = 15
_HEAD = _MARK + 4
_PACKED = {
    "A": {b"stealth_pnginfo": False, b"stealth_pngcomp": True},
    "RGB": {b"stealth_rgbinfo": False, b"stealth_rgbcomp": True},
}
_GZIP = 16 + zlib.MAX_WBITS
_DIGITS = bytes(ord("0") + value % 2 for value in range(256))


def hidden(image: Image.Image) -> str | None:
    """Return the text that an opened picture hides; None where it hides none.

    Decodes the picture, so ask how large it is first.
    """
    for bands, kinds in _PACKED.items():
        if image.mode not in ("RGB", "RGBA", "LA") or not set(bands) <= set(image.getbands()):
            continue
        for by_columns in (True, False):
            head = _bytes(image, bands, _HEAD, by_columns=by_columns)
            packed = kinds.get(head[:_MARK])
            length = int.from_bytes(head[_MARK:]) // 8
            if packed is not None and length <= MAX_PACKED:
                text = _bytes(image, bands, _HEAD + length, by_columns=by_columns)[_HEAD:]
                return _unpacked(text) if packed else text.decode("utf-8", "replace")
    return None


def _bytes(image: Image.Image, bands: str, count: int, *, by_columns: bool) -> bytes:
    """Return the first ``count`` bytes in the pixels' lowest bits, or what there is."""
    bits = 8 * count
    line = (image.height if by_columns else image.width) * len(bands)
    lines = -(-bits // line)
    if by_columns:
        part = image.crop((0, 0, min(lines, image.width), image.height))
        part = part.transpose(Image.Transpose.TRANSPOSE)
    else:
        part = image.crop((0, 0, image.width, min(lines, image.height)))
    part = part.getchannel("A") if bands == "A" else part.convert("RGB")
    digits = part.tobytes()[:bits].translate(_DIGITS)
    whole = len(digits) // 8
    return int(digits[: 8 * whole] or b"0", 2).to_bytes(whole)


def _unpacked(packed: bytes) -> str | None:
    try:
        text = zlib.decompressobj(_GZIP).decompress(packed, 4 * MAX_TEXT)
    except zlib.error:
        return None
    return text.decode("utf-8", "replace")

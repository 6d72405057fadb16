"""Source images: from a person's file to a request's picture. Imports no torch.

Files are untrusted: their bytes are limited before opening, their pixels before decoding, and only
three formats are tried.
"""

import io

from PIL import ExifTags, Image, ImageOps

from generation.errors import InvalidRequest
from generation.phrases import Phrase
from generation.request import IMAGE_BYTES
from generation.upscaler import FACTORS, check_factor

MAX_BYTES = 10 * 2**20  # what a person without Nitro can attach
MAX_PIXELS = 25_000_000  # 24 megapixels of a phone or camera, with some margin
MAX_WEBP_PIXELS = 12_000_000  # its decoder keeps four copies
MEMORY = 384 * 2**20  # bytes; 25 megapixels are 100 MiB, and twice that while converted to RGB
MAX_ASPECT = 20  # long side over short side; beyond that, cropping leaves nothing
# A progressive JPEG may have any number of scans, each as slow to decode as the first and as short
# as 42 bytes; encoders write about ten.
MAX_SCANS = 100
START_OF_SCAN = b"\xff\xda"
FORMATS = ("PNG", "JPEG", "WEBP")
BAND = 64  # rows
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = tuple(TURNS.values())[3:]
ALPHA_GROUND = (255, 255, 255)


def prepare(data: bytes, width: int, height: int) -> bytes:
    """Return a person's file as an RGB PNG of ``width`` × ``height`` pixels, without metadata.

    Takes the first frame of a PNG, JPEG or WebP, puts it on white, crops its centre to the aspect,
    resizes that, and applies the EXIF orientation. Blocks for up to a second, and takes at most
    MEMORY. Raises InvalidRequest, naming ``image`` and the limit it exceeds.
    """
    image = check(data)
    # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, with correspondingly less memory.
    image.draft("RGB", (max(width, height),) * 2)
    try:
        turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
        size = (height, width) if turn in SIDEWAYS else (width, height)
        fitted = ImageOps.fit(_flatten(image), size, Image.Resampling.LANCZOS)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise all kinds of errors
        raise _wanted() from error
    return _png(fitted if turn is None else fitted.transpose(turn))


def whole(data: bytes) -> tuple[bytes, int, int]:
    """Return a person's file as an RGB PNG of its own size, without metadata, with that size.

    Accepts what `prepare` does, if it can be upscaled; blocks as long, and raises likewise.
    """
    image = check(data)
    check_factor(*image.size, FACTORS[0])
    upright = _upright(image)
    return _png(upright), *upright.size


def check(data: bytes) -> Image.Image:
    """Return a person's file opened, with only the header read.

    Raises InvalidRequest, naming ``image`` and the limit it exceeds.
    """
    if len(data) > MAX_BYTES:
        raise InvalidRequest("image", Phrase("bound-file", most=MAX_BYTES // 2**20))
    image = _open(data, _wanted(), FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise InvalidRequest("image", Phrase("bound-image-pixels", most=MAX_PIXELS // 1_000_000))
    if image.format == "WEBP" and image.width * image.height > MAX_WEBP_PIXELS:
        most = MAX_WEBP_PIXELS // 1_000_000
        raise InvalidRequest("image", Phrase("bound-image-webp", most=most))
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise InvalidRequest("image", Phrase("bound-image-aspect", most=MAX_ASPECT))
    # Equal bytes in metadata count too: by chance, one pair in 64 KiB.
    if image.format not in ("PNG", "WEBP") and data.count(START_OF_SCAN) > MAX_SCANS:
        raise InvalidRequest("image", Phrase("bound-image-scans", most=MAX_SCANS))
    return image


def fit(png: bytes, width: int, height: int) -> bytes:
    """Return one of our pictures as an RGB PNG of ``width`` × ``height`` pixels, as `prepare` does.

    It may be larger than a person's file. Blocks for up to a second: call it in a thread.
    """
    image = _open(png, InvalidRequest("image", Phrase("bound-image-png")), ("PNG",))
    return _png(ImageOps.fit(image.convert("RGB"), (width, height), Image.Resampling.LANCZOS))


def decode(data: bytes, width: int, height: int) -> Image.Image:
    """Return a request's PNG as an RGB picture of exactly ``width`` × ``height`` pixels.

    Raises InvalidRequest if it is anything else.
    """
    wanted = InvalidRequest("image", Phrase("bound-image-size", width=width, height=height))
    if len(data) > IMAGE_BYTES:
        raise InvalidRequest("image", Phrase("bound-file", most=IMAGE_BYTES // 2**20))
    image = _open(data, wanted, ("PNG",))
    if image.size != (width, height) or image.mode != "RGB":
        raise wanted
    try:
        image.load()
    except Exception as error:
        raise wanted from error
    return image


def _open(data: bytes, wanted: InvalidRequest, formats: tuple[str, ...]) -> Image.Image:
    """Read the header only; raises ``wanted`` if the file is not of these formats."""
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise InvalidRequest(
            "image", Phrase("bound-image-pixels", most=MAX_PIXELS // 1_000_000)
        ) from error
    except Exception as error:
        raise wanted from error


def _upright(image: Image.Image) -> Image.Image:
    """Decode it, apply the EXIF orientation, and put it on white."""
    try:
        return _flatten(ImageOps.exif_transpose(image))
    except MemoryError:
        raise
    except Exception as error:  # decoders raise all kinds of errors
        raise _wanted() from error


def _wanted() -> InvalidRequest:
    return InvalidRequest("image", Phrase("bound-image-file"))


def _flatten(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, with white for transparency, a few rows at a time."""
    image.load()
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    flat = Image.new("RGB", image.size)
    for top in range(0, image.height, BAND):
        rows = image.crop((0, top, image.width, min(top + BAND, image.height)))
        flat.paste(_flatten_rows(rows), (0, top))
    return flat


def _flatten_rows(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, which convert() would clip at 255
        image = image.convert("I").point([value // 256 for value in range(65536)], "L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGBA", layer.size, (*ALPHA_GROUND, 255))
    return Image.alpha_composite(ground, layer).convert("RGB")


def _png(image: Image.Image) -> bytes:
    """Encode the pixels only: metadata of the file must not be passed on."""
    plain = Image.new("RGB", image.size)
    plain.paste(image)
    file = io.BytesIO()
    plain.save(file, "PNG")
    return file.getvalue()

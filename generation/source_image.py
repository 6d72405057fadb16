"""Source images: from a person's file to a request's picture. Imports no torch.

A file is hostile until it is decoded: its bytes are bounded before it is opened, its pixels
before they are decoded, and only five formats are tried.
"""

import io

import pi_heif
from PIL import ExifTags, Image, ImageCms, ImageOps

from generation.errors import InvalidRequest
from generation.phrases import Phrase
from generation.request import IMAGE_BYTES, SIDE
from generation.upscaler import FACTORS, check_factor

MAX_BYTES = 10 * 2**20  # what a person without Nitro can attach
MAX_PIXELS = 25_000_000  # a phone's or a camera's 24 megapixels
MAX_WEBP_PIXELS = 12_000_000  # its decoder keeps four copies, and AVIF's does
MEMORY = 384 * 2**20  # bytes; 25 megapixels are 100 MiB, and twice that while they become RGB
MAX_ASPECT = 20  # long side over short side; thinner than that nothing is left after cropping
# A progressive JPEG is as many layers as it says, each as long to decode as the first and as short
# as 42 bytes; encoders write about ten.
MAX_SCANS = 100
START_OF_SCAN = b"\xff\xda"
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "HEIF")
# How files begin that people bring, and that are not tried: from the start, or behind 4 bytes.
OTHERS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\1\0": "ICO",
    b"8BPS": "PSD",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xml": "SVG",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"qoif": "QOI",
}
SRGB = ImageCms.createProfile("sRGB")
# Which of Pillow's modes a profile's colours are, and the modes of files that they stand for.
PROFILED = {
    "RGB": ("RGB", ("RGB", "RGBA", "P", "PA")),
    "GRAY": ("L", ("1", "L", "LA")),
    "CMYK": ("CMYK", ("CMYK",)),
}
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

pi_heif.options.DECODE_THREADS = 2  # each takes memory of its own
pi_heif.register_heif_opener(thumbnails=False)


def prepare(data: bytes, width: int, height: int) -> tuple[bytes, bool]:
    """Return a person's file as an RGB PNG of ``width`` × ``height`` pixels, without metadata.

    Takes the first frame of a file in one of FORMATS, brings its colours to sRGB, lays it on white,
    crops its middle to the aspect, resizes that, and turns it as EXIF says. Also returns whether
    any of it was transparent. Blocks for up to a second, and takes MEMORY at most. Raises
    InvalidRequest, naming ``image`` and the bound it is out of.
    """
    image = check(data)
    # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, with correspondingly less memory.
    image.draft("RGB", (max(width, height),) * 2)
    try:
        turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
        size = (height, width) if turn in SIDEWAYS else (width, height)
        flat, clear = _decoded(image, "RGB")
        fitted = ImageOps.fit(flat, size, Image.Resampling.LANCZOS)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise all kinds of errors
        raise _wanted() from error
    return encoded(fitted if turn is None else fitted.transpose(turn)), clear


def whole(data: bytes) -> tuple[bytes, int, int]:
    """Return a person's file as a PNG of its own size, without metadata, and that size.

    It is RGBA where anything of it is transparent, else RGB. It takes what `prepare` takes, if it
    can be enlarged; blocks as long, and raises likewise.
    """
    image = check(data)
    check_factor(*image.size, FACTORS[0])
    turned = upright(image)
    return encoded(turned), *turned.size


def check(data: bytes) -> Image.Image:
    """Return a person's file opened, with only the header read.

    Raises InvalidRequest, naming ``image`` and the limit it exceeds.
    """
    if len(data) > MAX_BYTES:
        raise InvalidRequest("image", Phrase("bound-file", most=MAX_BYTES // 2**20))
    image = _open(data, _wanted(data), FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise InvalidRequest("image", Phrase("bound-image-pixels", most=MAX_PIXELS // 1_000_000))
    if image.format in ("WEBP", "AVIF") and image.width * image.height > MAX_WEBP_PIXELS:
        most = MAX_WEBP_PIXELS // 1_000_000
        bound = Phrase("bound-image-webp", most=most, format=image.format)
        raise InvalidRequest("image", bound)
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise InvalidRequest("image", Phrase("bound-image-aspect", most=MAX_ASPECT))
    # Equal bytes in metadata count too: by chance, one pair in 64 KiB.
    if image.format in ("JPEG", "MPO") and data.count(START_OF_SCAN) > MAX_SCANS:
        raise InvalidRequest("image", Phrase("bound-image-scans", most=MAX_SCANS))
    return image


def fit(png: bytes, width: int, height: int) -> bytes:
    """Return one of our pictures as an RGB PNG of ``width`` × ``height`` pixels, as `prepare` does.

    It may be larger than a person's file. Blocks for up to a second: call it in a thread.
    """
    image = _open(png, InvalidRequest("image", Phrase("bound-image-png")), ("PNG",))
    flat, _ = _decoded(image, "RGB")
    return encoded(ImageOps.fit(flat, (width, height), Image.Resampling.LANCZOS))


def decode(data: bytes, width: int, height: int, modes: tuple[str, ...] = ("RGB",)) -> Image.Image:
    """Return a request's PNG as a picture of exactly ``width`` × ``height`` pixels.

    Raises InvalidRequest if it is anything else.
    """
    wanted = InvalidRequest("image", Phrase("bound-image-size", width=width, height=height))
    if len(data) > IMAGE_BYTES:
        raise InvalidRequest("image", Phrase("bound-file", most=IMAGE_BYTES // 2**20))
    image = _open(data, wanted, ("PNG",))
    if image.size != (width, height) or image.mode not in modes:
        raise wanted
    try:
        image.load()
    except Exception as error:
        raise wanted from error
    return image


def open_png(data: bytes, field: str) -> Image.Image:
    """Return a request's PNG of any size that a picture may have, in RGB or RGBA.

    Raises InvalidRequest, naming ``field``, if it is anything else.
    """
    if len(data) > IMAGE_BYTES:
        raise InvalidRequest(field, Phrase("bound-file", most=IMAGE_BYTES // 2**20))
    wanted = InvalidRequest(field, Phrase("bound-control-image", most=SIDE[1]))
    image = _open(data, wanted, ("PNG",))
    if max(image.size) > SIDE[1]:
        raise wanted
    try:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    except Exception as error:
        raise wanted from error


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


def upright(image: Image.Image) -> Image.Image:
    """Return a file that was checked, decoded and turned as EXIF says.

    It is RGBA where anything of it is transparent, else RGB.
    """
    try:
        return _decoded(ImageOps.exif_transpose(image), "RGBA")[0]
    except MemoryError:
        raise
    except Exception as error:  # decoders raise all kinds of errors
        raise _wanted() from error


def _wanted(data: bytes = b"") -> InvalidRequest:
    """Return the refusal of a file, which names its format where that is another one."""
    begins = data.lstrip()[:5] if data[:1] in b" \r\n\t<" else data
    for start, name in OTHERS.items():
        if begins.startswith(start):
            return InvalidRequest("image", Phrase("bound-image-other", found=name))
    if data[4:8] == b"ftyp" and data[8:12] not in (b"avif", b"heic", b"mif1", b"heix"):
        return InvalidRequest("image", Phrase("bound-image-other", found="MP4"))
    return InvalidRequest("image", Phrase("bound-image-file"))


def _decoded(image: Image.Image, mode: str) -> tuple[Image.Image, bool]:
    """Return the picture in sRGB, a few rows at a time, and whether any of it is transparent.

    It is RGBA where something is, and ``mode`` is RGBA; else RGB, on white.
    """
    image.load()
    clear, to_srgb = image.has_transparency_data, _to_srgb(image)
    if image.mode == "RGB" and not clear and to_srgb is None:
        return image, False
    decoded = Image.new(mode if clear else "RGB", image.size)
    opaque = True
    for top in range(0, image.height, BAND):
        rows = image.crop((0, top, image.width, min(top + BAND, image.height)))
        rows = _decoded_rows(rows, to_srgb)
        if rows.mode == "RGBA":
            opaque &= rows.getchannel("A").histogram()[255] == rows.width * rows.height
            if decoded.mode == "RGB":
                ground = Image.new("RGBA", rows.size, (*ALPHA_GROUND, 255))
                rows = Image.alpha_composite(ground, rows).convert("RGB")
        decoded.paste(rows, (0, top))
    if opaque:  # as screenshots say that they could be transparent
        return decoded.convert("RGB"), False
    return decoded, True


def _decoded_rows(
    image: Image.Image, to_srgb: tuple[str, ImageCms.ImageCmsTransform] | None
) -> Image.Image:
    if image.mode.startswith("I"):  # sixteen bits of grey, which convert() would cut off at 255
        image = image.convert("I").point([value // 256 for value in range(65536)], "L")
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if to_srgb is None:
        colours = image.convert("RGBA").convert("RGB") if alpha else image.convert("RGB")
    else:
        mode, transform = to_srgb
        source = image if image.mode == mode else image.convert("RGBA").convert(mode)
        colours = transform.apply(source)
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def _to_srgb(image: Image.Image) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """Return what brings the file's colours to sRGB, and the mode that it takes.

    None where they are sRGB, or the file does not say, or says what cannot be read.
    """
    data = image.info.get("icc_profile")
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        mode, modes = PROFILED[profile.profile.xcolor_space.strip()]
        named = profile.profile.profile_description or ""
        if image.mode not in modes or "sRGB" in named:
            return None
        return mode, ImageCms.buildTransform(profile, SRGB, mode, "RGB")
    except MemoryError:
        raise
    except (KeyError, OSError, ValueError, TypeError, ImageCms.PyCMSError):
        return None


def encoded(image: Image.Image) -> bytes:
    """Encode the pixels alone: what else the file said must not travel on."""
    plain = Image.new(image.mode, image.size)
    plain.paste(image)
    file = io.BytesIO()
    plain.save(file, "PNG")
    return file.getvalue()

"""Thumbnails of which only colours are left."""

import io

from PIL import Image, ImageFilter

RADIUS = 32  # pixels, of a thumbnail's 256


def blurred(thumbnail: bytes) -> bytes:
    """Return a thumbnail (WebP) in which hardly anything can be made out."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(thumbnail)) as picture:
        whole = picture.convert("RGB")
        # A small one is shown as large as others.
        radius = RADIUS * max(whole.size) / 256
        whole.filter(ImageFilter.GaussianBlur(radius)).save(file, "WEBP", quality=60)
    return file.getvalue()

"""Blurred thumbnails, of which only colours are left."""

import io

from PIL import Image, ImageFilter

RADIUS = 32  # pixels, of a thumbnail's 256


def blurred(thumbnail: bytes) -> bytes:
    """Return a thumbnail (WebP) blurred beyond recognition."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(thumbnail)) as picture:
        whole = picture.convert("RGB")
        # Small thumbnails are shown as large as others.
        radius = RADIUS * max(whole.size) / 256
        whole.filter(ImageFilter.GaussianBlur(radius)).save(file, "WEBP", quality=60)
    return file.getvalue()

"""Blurred thumbnails, of which only colours are left."""

import io

from PIL import Image, ImageFilter

# The blur's radius, as shares of the longer side: only colours are left, or hardly anything.
COLOURS, BEYOND_RECOGNITION = 1 / 12, 1 / 8


def blurred(thumbnail: bytes, radius: float = BEYOND_RECOGNITION) -> bytes:
    """Return a thumbnail (WebP), blurred by a ``radius`` that is a share of its longer side."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(thumbnail)) as picture:
        whole = picture.convert("RGB")
        blur = ImageFilter.GaussianBlur(radius * max(whole.size))
        whole.filter(blur).save(file, "WEBP", quality=60)
    return file.getvalue()

"""Where pictures lie below the data folder: files named by their content."""

from pathlib import Path

FOLDERS = PICTURES, THUMBNAILS = "pictures", "thumbnails"


def picture_file(folder: Path, sha256: str) -> Path:
    """Return where a picture lies below the data folder."""
    return folder / PICTURES / sha256[:2] / f"{sha256}.png"


def thumbnail_file(folder: Path, sha256: str) -> Path:
    """Return where a picture's thumbnail lies below the data folder."""
    return folder / THUMBNAILS / sha256[:2] / f"{sha256}.webp"

"""Paths of pictures in the data folder, named by their content."""

from pathlib import Path

FOLDERS = PICTURES, THUMBNAILS = "pictures", "thumbnails"


def picture_file(folder: Path, sha256: str) -> Path:
    """Return a picture's path in the data folder."""
    return folder / PICTURES / sha256[:2] / f"{sha256}.png"


def thumbnail_file(folder: Path, sha256: str) -> Path:
    """Return a thumbnail's path in the data folder."""
    return folder / THUMBNAILS / sha256[:2] / f"{sha256}.webp"

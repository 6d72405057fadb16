"""The database's migrations, one revision per file, which is named for it."""

from pathlib import Path


def revisions() -> list[str]:
    """Return every revision, the oldest first."""
    files = (Path(__file__).parent / "versions").glob("[0-9]*.py")
    return sorted(file.stem.partition("_")[0] for file in files)

"""The `.env` file in any common encoding, and misspelt names in it."""

import codecs
import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

FILE = Path(".env")
LIKENESS = 0.8  # difflib's ratio: DISCORD_TOKEN compared with DISCORD__TOKEN is 0.96

# Byte order marks: Windows PowerShell writes UTF-16, Notepad UTF-8 with a mark.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(file: Path) -> str:
    """Return a text file's encoding: UTF-8, UTF-16, or the Western Windows code page.

    Raises OSError; a missing file counts as empty.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return "utf-8"
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return encoding
    if b"\0" in content:  # ASCII letters next to zeros, on either side
        return "utf-16-be" if content.startswith(b"\0") else "utf-16-le"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def misspelt(file: Path, encoding: str, known: Iterable[str]) -> str | None:
    """Return a sentence about the first name that resembles a setting's, or None.

    In the environment only names with two underscores are checked: LOG_LEVEL often belongs to
    another program. So may names in the file that resemble none of ours.
    """
    values: Mapping[str, object] = dotenv_values(file, encoding=encoding) if file.exists() else {}
    names = [*values, *(name for name in os.environ if "__" in name.strip("_"))]
    settings = {name.upper() for name in known}
    for name in names:
        if name.upper() in settings:
            continue
        if close := get_close_matches(name.upper(), settings, 1, LIKENESS):
            return f"{name}: there is no such setting; did you mean {close[0]}?"
    return None

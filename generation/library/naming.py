"""The names under which files are offered: each its own, and short enough for Discord."""

import unicodedata
from collections.abc import Collection, Iterable

from generation.styles import NAME_LENGTH, NO_STYLE

CUT = "…"
_BREAKS, _INVISIBLE = ("Cc", "Zl", "Zp"), ("Cf", "Cs", "Co", "Cn")  # unicodedata's categories
_JOINERS = "\u200c\u200d"  # parts of words and emoji


def clean(text: str) -> str:
    """Return a text as a name: on one line, and without what nobody sees."""
    seen = "".join(map(_visible, unicodedata.normalize("NFC", text)))
    return " ".join(seen.split())


def unused(wanted: Iterable[str], taken: Collection[str]) -> str:
    """Return the first of the ``wanted`` names that is free, else the last with a number.

    ``taken`` are names without case. Longer ones than `NAME_LENGTH` lose their middle, because
    versions stand at the end.
    """
    short = "file"
    for name in wanted:
        short = shortened(clean(name)) or short
        if _is_free(short, taken):
            return short
    number = 2
    while not _is_free(name := shortened(short, f" ({number})"), taken):
        number += 1
    return name


def shortened(name: str, end: str = "") -> str:
    """Return a name of at most `NAME_LENGTH` characters that ends in ``end``."""
    room = NAME_LENGTH - len(end)
    if len(name) <= room:
        return name + end
    first = (room - len(CUT) + 1) // 2
    last = room - len(CUT) - first
    return (name[:first].rstrip() + CUT + name[-last:].lstrip()) + end


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in _BREAKS:
        return " "
    return "" if kind in _INVISIBLE and character not in _JOINERS else character


def _is_free(name: str, taken: Collection[str]) -> bool:
    return name.casefold() not in taken and name.casefold() != NO_STYLE

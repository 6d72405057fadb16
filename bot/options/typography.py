"""What keyboards and phones put where a program expects ASCII: dashes, quotes, digits, spaces.

Dashes are those of Unicode's category Pd that stand on keyboards or that autocorrection makes of
two hyphens, and the minus sign. What is invisible is what Unicode calls default ignorable.
"""

import re
import unicodedata
from typing import Any

import regex

DASHES = "-‐‑‒–—―−⸺⸻﹘﹣－─"
# Any of these begins a quotation somewhere, and any may end it.
QUOTES = '"“”„‟«»〝〞〟＂「」『』《》'
SINGLE_QUOTES = "'‘’‚‛‹›＇"
# Joiners are part of emoji and of words, but beside a space they do nothing.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0"
)
_LONE = re.compile("[\ud800-\udfff]")
_STRAY = regex.compile(rf"[{INVISIBLE}]+(?=[\s{DASHES}]|$)|(?:(?<=[\s{DASHES}])|^)[{INVISIBLE}]+")
_UNSEEN = regex.compile(r"[\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u2800]*")
_HIDDEN = regex.compile(rf"[{INVISIBLE}]")
_ASCII = str.maketrans(
    {**dict.fromkeys(DASHES, "-"), "∶": ":", "꞉": ":", "٫": ".", "∕": "/", "⁄": "/", "✕": "×"}
)


def well_formed(text: str) -> str:
    """Return the text with U+FFFD for each lone surrogate, which no file or database takes."""
    return text if text.isascii() else _LONE.sub("\ufffd", text)


def all_well_formed(value: Any) -> Any:  # noqa: ANN401
    """Return JSON with each of its texts well-formed."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {key: all_well_formed(inner) for key, inner in value.items()}
    return [all_well_formed(inner) for inner in value] if isinstance(value, list) else value


def tidy(text: str) -> str:
    """Return well-formed text, without what is invisible beside its spaces, dashes and ends."""
    return text if text.isascii() else str(_STRAY.sub("", well_formed(text)))


def is_blank(text: str) -> bool:
    """Tell whether nothing of a text can be seen."""
    return _UNSEEN.fullmatch(text) is not None


def plain(text: str) -> str:
    """Return a short value in ASCII as far as it means the same: ``−７．５`` is ``-7.5``."""
    folded = unicodedata.normalize("NFKC", _HIDDEN.sub("", text)).translate(_ASCII)
    digits = (unicodedata.decimal(letter, None) for letter in folded)
    shown = (
        letter if digit is None else str(digit)
        for letter, digit in zip(folded, digits, strict=True)
    )
    return "".join(shown).strip()

"""Text as a person reads it, without tricks that disguise words by unusual characters.

Each grapheme cluster of a text is read as one or more glyphs, which know their position, so that a
word found among the glyphs can be cut out of the text.
"""

import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

import regex

from bot.features.filters.confusables import LATIN, OTHER_SCRIPTS, STANDING_FOR

_CLUSTER = regex.compile(r"\X")
_UNSEEN = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}--\s]", regex.V1)
# Scripts that put no spaces between words.
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー]"
)
_BETWEEN_WORDS = frozenset(',;:/\\"?<>…、。，；：？！')


class Glyph(StrEnum):
    """The kind of a glyph, as one character each, so that regexes can match them."""

    LETTER = "L"
    UNSPACED = "U"  # a letter of a script without spaces between words
    DIGIT = "D"
    SIGN = "S"  # can stand for a letter: $hit
    JOINER = "J"  # may occur within a word: f-word
    GAP = " "


@dataclass(frozen=True)
class Reading:
    """The glyphs of ``text``: ``plain``, ``shape`` and ``kinds`` have one character for each.

    ``plain`` keeps the letter's own script; ``shape`` is the Latin letter it looks like. Glyph n is
    ``text[spans[n][0]:spans[n][1]]``.
    """

    text: str
    plain: str
    shape: str
    kinds: str
    spans: tuple[tuple[int, int], ...]

    @cached_property
    def _words(self) -> list[int]:
        return [at for at, kind in enumerate(self.kinds) if kind in "LUD"]

    def letters_before(self, glyph: int) -> int:
        """Count the letters and digits before a glyph; signs between words are ignored."""
        return bisect_left(self._words, glyph)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the glyphs' span in the text, including invisible characters after the last."""
        after = self.spans[end][0] if end < len(self.spans) else len(self.text)
        return self.spans[start][0], max(after, self.spans[end - 1][1])

    @cached_property
    def written_in(self) -> frozenset[str]:
        """The non-Latin scripts that have words here which resemble no Latin word.

        Words in these scripts are then real, and not what they look like: a Russian sentence may
        well speak of a mouth (рот).
        """
        found: set[str] = set()
        for word in regex.finditer("L{2,}", self.kinds):
            letters = self.plain[word.start() : word.end()]
            scripts = {script(letter) for letter in letters}
            if len(scripts) == 1 and any(
                letter == self.shape[at] for at, letter in enumerate(letters, word.start())
            ):
                found |= scripts
        return frozenset(found)


def read(text: str) -> Reading:
    """Read any text; no input is rejected."""
    plain: list[str] = []
    shape: list[str] = []
    spans: list[tuple[int, int]] = []
    for cluster in _CLUSTER.finditer(text):
        as_written, as_seen = _glyphs(cluster[0])
        plain.append(as_written)
        shape.append(as_seen)
        spans += [cluster.span()] * len(as_written)
    written = "".join(plain)
    return Reading(text, written, "".join(shape), "".join(map(_kind, written)), tuple(spans))


def fold(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the case-folded NFKC text, and the origin of each of its characters."""
    folded: list[str] = []
    spans: list[tuple[int, int]] = []
    for cluster in _CLUSTER.finditer(text):
        written = _nfkc(_nfkc(cluster[0]).casefold())
        folded.append(written)
        spans += [cluster.span()] * len(written)
    return "".join(folded), spans


@lru_cache(maxsize=4096)
def script(letter: str) -> str:
    """Return the script of a letter, as the first word of its Unicode name."""
    return unicodedata.name(letter, "?").split()[0]


@lru_cache(maxsize=4096)
def _glyphs(cluster: str) -> tuple[str, str]:
    plain: list[str] = []
    shape: list[str] = []
    for letter in _bare(cluster):
        small = "".join(LATIN.get(c, c) for c in _bare(letter.casefold()))
        plain.append(small)
        shape.append(OTHER_SCRIPTS.get(letter, small))
    return "".join(plain), "".join(shape)


def _bare(cluster: str) -> str:
    """Remove invisible characters, and marks that are not part of a letter."""
    apart = unicodedata.normalize("NFKD", _UNSEEN.sub("", cluster))
    kept = (c for c in apart if not _is_added(c) and not _UNSEEN.match(c))
    return unicodedata.normalize("NFC", "".join(kept))


def _is_added(mark: str) -> bool:
    # By combining class: 1 overlays, 10 to 36 Hebrew and Arabic points, 200 and above accents. The
    # others (vowels of Indic scripts and Thai, Japanese voicing marks) make different letters.
    order = unicodedata.combining(mark)
    return order == 1 or 10 <= order <= 36 or order >= 200 or unicodedata.category(mark) == "Me"


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=4096)
def _kind(glyph: str) -> Glyph:
    category = unicodedata.category(glyph)
    if _UNSPACED.match(glyph):
        return Glyph.UNSPACED
    if category[0] in "LM":
        return Glyph.LETTER
    if category[0] == "N":
        return Glyph.DIGIT
    if glyph in STANDING_FOR:
        return Glyph.SIGN
    opening_or_closing = category in ("Ps", "Pe", "Pi", "Pf") and glyph != "’"
    if category[0] in "PS" and not opening_or_closing and glyph not in _BETWEEN_WORDS:
        return Glyph.JOINER
    return Glyph.GAP

"""Finding words in a reading, however they are disguised.

A word is found by its key, one lookup per word of the text: look-alikes unified, l and i treated as
one, repeated letters collapsed. Words with the same key are then compared letter by letter. The
cost of a search does not grow with the number of words, except for scripts without spaces.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import re2

from bot.db.records import FilterStrictness
from bot.features.filters.confusables import STANDING_FOR
from bot.features.filters.text_normalizer import Glyph, Reading, script

# A word spelled letter by letter is sought among other single letters, so it needs some length.
SPELLED_LENGTH = 3
MEMORY = 2**20  # bytes RE2 may use for one word as long as a pattern may be
OUTER_SIGNS = 3  # how many of a word's first and last letters may be signs: a$$!
_LETTERS = re.compile("[LD]+")
_LETTERS_AND_SIGNS = re.compile("[LDS]+")
_CHUNK = re.compile("[LDSJ]+")
_REPEATED = re.compile(r"(.)\1+", re.DOTALL)
# The kinds of glyphs to read: with signs and digits taken for letters, and without.
_KEPT = {
    FilterStrictness.INSIDE: ("LUDS" + Glyph.GAP, "LUD" + Glyph.GAP),
    FilterStrictness.SPACED: ("LUDS", "LUD", "LU"),
}
_AS_WRITTEN: dict[int, int | str] = {ord("l"): "i"}
_AS_MEANT = _AS_WRITTEN | {ord(sign): to[0] for sign, to in STANDING_FOR.items()}


@dataclass(frozen=True, slots=True)
class Word:
    """One word to look for; ``unspaced`` ones are found inside longer words too."""

    plain: str
    shape: str
    unspaced: bool
    strictness: FilterStrictness = FilterStrictness.WHOLE


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A word's glyphs in a reading, from ``start`` up to and excluding ``end``."""

    word: Word
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Glyphs that may be one word; with ``signs``, digits and signs count as letters."""

    glyphs: Sequence[int]
    signs: bool


class Vocabulary:
    """Words to look for, all at once."""

    def __init__(self, words: Iterable[Word]) -> None:
        self._plain: dict[str, list[Word]] = defaultdict(list)
        self._shape: dict[str, list[Word]] = defaultdict(list)
        self._unspaced: list[Word] = []
        self._loose: dict[FilterStrictness, list[Word]] = defaultdict(list)
        for word in dict.fromkeys(words):
            if word.unspaced:
                self._unspaced.append(word)
                continue
            self._plain[_key(word.plain, _AS_WRITTEN)].append(word)
            self._shape[_key(word.shape, _AS_WRITTEN)].append(word)
            if word.strictness is not FilterStrictness.WHOLE:
                self._loose[word.strictness].append(word)

    def find(self, reading: Reading) -> set[Occurrence]:
        """Return every occurrence of every word; they may overlap."""
        found = set(self._find_unspaced(reading))
        found.update(_Pass(reading, reading.plain, self._plain).find())
        if reading.shape != reading.plain:
            found.update(_Pass(reading, reading.shape, self._shape).find())
        for strictness, words in self._loose.items():
            for kept in _KEPT[strictness]:
                found.update(_loose(reading, kept, words))
        return found

    def _find_unspaced(self, reading: Reading) -> Iterator[Occurrence]:
        if not self._unspaced:
            return
        glyphs = [at for at, kind in enumerate(reading.kinds) if kind in "LUD"]
        letters = "".join(reading.plain[at] for at in glyphs)
        for word in self._unspaced:
            at = letters.find(word.plain)
            while at >= 0:
                yield Occurrence(word, glyphs[at], glyphs[at + len(word.plain) - 1] + 1)
                at = letters.find(word.plain, at + 1)


def _loose(reading: Reading, kept: str, words: Iterable[Word]) -> Iterator[Occurrence]:
    """Find words among the ``kept`` kinds of glyphs, whatever surrounds them."""
    glyphs = [at for at, kind in enumerate(reading.kinds) if kind in kept]
    passes = [_Pass(reading, reading.plain, {})]
    if reading.shape != reading.plain:
        passes.append(_Pass(reading, reading.shape, {}))
    for one in passes:
        letters = "".join(" " if reading.kinds[at] == " " else one.letters[at] for at in glyphs)
        key = _key(letters, _AS_MEANT)
        for word in words:
            spelling = one.spelling(word)
            if _key(spelling, _AS_MEANT) not in key:
                continue
            for match in _loose_pattern(spelling).finditer(letters):
                yield from one.occurrence(word, glyphs[match.start() : match.end()])


class _Pass:
    """One search of a reading: for the text as written, or as it looks."""

    def __init__(self, reading: Reading, letters: str, words: dict[str, list[Word]]) -> None:
        self._reading = reading
        self.letters = letters
        self._words = words
        self._looks = letters is reading.shape

    def find(self) -> Iterator[Occurrence]:
        for candidate in _whole_words(self._reading.kinds):
            letters = self._text(candidate.glyphs)
            key = _key(letters, _AS_MEANT if candidate.signs else _AS_WRITTEN)
            for word in self._words.get(key, ()):
                if _pattern(self.spelling(word)).fullmatch(letters):
                    yield from self.occurrence(word, candidate.glyphs)
        lengths = sorted({len(key) for key in self._words})
        for tokens, table in ((_LETTERS, _AS_WRITTEN), (_LETTERS_AND_SIGNS, _AS_MEANT)):
            for glyphs in self._single_letters(tokens):
                yield from self._spelled(glyphs, table, lengths)

    def _single_letters(self, tokens: re.Pattern[str]) -> Iterator[list[int]]:
        """Return the parts of the text in which each word is a letter, repeated or not."""
        run: list[int] = []
        for token in tokens.finditer(self._reading.kinds):
            start, end = token.span()
            single = len(set(self.letters[start:end])) == 1
            if run and (not single or "U" in self._reading.kinds[run[-1] : start]):
                yield run
                run = []
            if single:
                run += range(start, end)
        yield run

    def _spelled(
        self, glyphs: list[int], table: Mapping[int, int | str], lengths: list[int]
    ) -> Iterator[Occurrence]:
        if len(glyphs) < SPELLED_LENGTH:
            return
        keys = self._text(glyphs).translate(table)
        runs = [list(run) for _, run in groupby(range(len(keys)), key=keys.__getitem__)]
        key = "".join(keys[run[0]] for run in runs)
        for length in lengths:
            for first in range(len(runs) - length + 1):
                words = self._words.get(key[first : first + length])
                if words is None:
                    continue
                part = glyphs[runs[first][0] : runs[first + length - 1][-1] + 1]
                # A digit or two among single letters is no word: a 5 5.
                if sum(self._reading.kinds[at] == "L" for at in part) < 2:
                    continue
                for word in words:
                    spelling = self.spelling(word)
                    if len(spelling) >= SPELLED_LENGTH and _spelled_pattern(spelling).fullmatch(
                        self._text(part)
                    ):
                        yield from self.occurrence(word, self._own(part, spelling))

    def _own(self, part: list[int], spelling: str) -> list[int]:
        """Return the glyphs without surplus repetitions at both ends."""
        letters = self._text(part).translate(_AS_MEANT)
        if "i" in (letters[0], letters[-1]):  # i and l share signs, so surplus is undecidable
            return part
        (_, first), (_, last) = _runs(spelling)[0], _runs(spelling)[-1]
        start = len(letters) - len(letters.lstrip(letters[0])) - first
        end = len(letters.rstrip(letters[-1])) + last
        if start >= end:  # a single repeated letter
            return part
        kinds, (start, end) = self._reading.kinds, (part[start], part[end - 1] + 1)
        while start > 0 and {kinds[start - 1], kinds[start]} <= {"L", "D"}:
            start -= 1
        while end < len(kinds) and {kinds[end - 1], kinds[end]} <= {"L", "D"}:
            end += 1
        return [at for at in part if start <= at < end]

    def occurrence(self, word: Word, glyphs: Sequence[int]) -> Iterator[Occurrence]:
        """Yield a word's occurrence, unless it is an innocent look-alike."""
        if not self._looks or self._is_disguised(glyphs):
            yield Occurrence(word, glyphs[0], glyphs[-1] + 1)

    def _is_disguised(self, glyphs: Sequence[int]) -> bool:
        """Tell whether scripts are mixed, or one is used that has no words of its own here."""
        kinds, plain = self._reading.kinds, self._reading.plain
        scripts = {script(plain[at]) for at in glyphs if kinds[at] == "L"}
        return len(scripts) > 1 or not scripts <= self._reading.written_in | {"LATIN"}

    def _text(self, glyphs: Sequence[int]) -> str:
        return "".join([self.letters[at] for at in glyphs])

    def spelling(self, word: Word) -> str:
        """Return the word's letters as this search compares them."""
        return word.shape if self._looks else word.plain


def _whole_words(kinds: str) -> Iterator[_Candidate]:
    """Return candidate words: plain, with signs (sh!t), and across joiners (sh-it)."""
    for token in _LETTERS.finditer(kinds):
        yield _Candidate(range(*token.span()), signs=False)
    for token in _LETTERS_AND_SIGNS.finditer(kinds):
        yield from _with_signs(kinds, range(*token.span()))
    for chunk in _CHUNK.finditer(kinds):
        inner = chunk[0].strip("JS")
        if "J" in inner or "S" in inner:
            glyphs = range(*chunk.span())
            yield _Candidate([at for at in glyphs if kinds[at] in "LD"], signs=False)
            if "J" in inner:
                yield from _with_signs(kinds, [at for at in glyphs if kinds[at] != "J"])


def _with_signs(kinds: str, glyphs: Sequence[int]) -> Iterator[_Candidate]:
    """Return the readings with signs as letters; the outer ones may be left out."""
    of = [kinds[at] for at in glyphs]
    if "L" not in of or not ("D" in of or "S" in of):
        return
    first = next(n for n, kind in enumerate(of) if kind != "S")
    last = len(of) - next(n for n, kind in enumerate(reversed(of)) if kind != "S")
    for start in range(max(0, first - OUTER_SIGNS), first + 1):
        for end in range(last, min(last + OUTER_SIGNS, len(of)) + 1):
            yield _Candidate(glyphs[start:end], signs=True)


def _key(letters: str, table: Mapping[int, int | str]) -> str:
    return _REPEATED.sub(r"\1", letters.translate(table))


def _compiled(pattern: str) -> "re2._Regexp":
    """Compile for RE2, which is linear even when neighbours share signs, as i and l share 1."""
    options = re2.Options()
    options.max_mem = MEMORY
    return re2.compile(pattern, options)


def _runs(word: str) -> list[tuple[str, int]]:
    """Return a word's letters, each with its substitutes and its number of repetitions."""
    runs = []
    for letter, run in groupby(word):
        signs = "".join(sign for sign, to in STANDING_FOR.items() if letter in to)
        runs.append(("[" + re.escape(letter + signs) + "]", len(list(run))))
    return runs


@lru_cache(maxsize=1024)
def _loose_pattern(word: str) -> "re2._Regexp":
    """Match the word with any surplus repetition of letters."""
    return _compiled("".join(f"{c}{{{n},}}" for c, n in _runs(word)))


@lru_cache(maxsize=1024)
def _pattern(word: str) -> "re2._Regexp":
    """Match the word: three of a letter count as one or two, but two do not count as one.

    So "baaad" is "bad", but "good" is not "god"; if every letter is doubled, it is.
    """
    runs = _runs(word)
    stretched = "".join(f"(?:{c}{{{n}}}|{c}{{{max(3, n)},}})" for c, n in runs)
    doubled = "".join(f"{c}{{{2 * n},}}" for c, n in runs)
    return _compiled(f"{stretched}|{doubled}")


@lru_cache(maxsize=1024)
def _spelled_pattern(word: str) -> "re2._Regexp":
    """Match the word among single letters; surplus outer ones may belong to other words."""
    last = len(_runs(word)) - 1
    return _compiled(
        "".join(
            f"{c}{{{n},}}" if at in (0, last) else f"(?:{c}{{{n}}}|{c}{{{max(3, n)},}})"
            for at, (c, n) in enumerate(_runs(word))
        )
    )

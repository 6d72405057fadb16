"""What a filter's pattern may be, and matching regular expressions in bounded time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import regex

from bot.services.reading import fold, read
from bot.services.vocabulary import Word
from bot.store.records import FilterKind
from bot.texts import say
from bot.texts.inert import inert
from generation.errors import InvalidRequest

PATTERN_LENGTH = 200
WHY_LENGTH = 200  # of what is wrong with one
MATCH_S = 0.05  # one regular expression on one text
ALL_MATCHES_S = 0.25  # all of them on everything that one person wrote
# What may stand between the letters of one word: others may be meant as wildcards.
_HYPHENS = frozenset("-‐‑'’._")
_PROBED_LETTERS = 3


class TooSlow(Exception):
    """A regular expression took longer than it may."""


@dataclass(slots=True)
class Time:
    """The time that is left for the regular expressions of one check."""

    ends: float = field(default_factory=lambda: time.monotonic() + ALL_MATCHES_S)

    def next(self) -> float:
        """Return how long the next match may take; raises TooSlow where none may."""
        left = min(MATCH_S, self.ends - time.monotonic())
        if left <= 0:
            raise TooSlow
        return left


def check(kind: FilterKind, pattern: str) -> None:
    """Raise InvalidRequest, naming the field and its bound, unless a filter can be made of it."""
    if not 1 <= len(pattern) <= PATTERN_LENGTH:
        raise InvalidRequest("pattern", say("filter-pattern-length", most=PATTERN_LENGTH))
    if kind is FilterKind.REGEX:
        _check_regex(pattern)
    else:
        words(kind, pattern)


def words(kind: FilterKind, pattern: str) -> tuple[Word, ...]:
    """Return the words of a WORD or PHRASE, as they are looked for; raises InvalidRequest."""
    reading = read(pattern.strip())
    odd = any(
        kind == "S" or (kind == "J" and glyph not in _HYPHENS)
        for glyph, kind in zip(reading.plain, reading.kinds, strict=True)
    )
    parts = "LUDJ" if kind is FilterKind.WORD else "LUD"
    found = []
    for part in regex.finditer(f"[{parts}]+", reading.kinds):
        glyphs = [at for at in range(*part.span()) if reading.kinds[at] in "LUD"]
        if glyphs:
            found.append(
                Word(
                    plain="".join(reading.plain[at] for at in glyphs),
                    shape="".join(reading.shape[at] for at in glyphs),
                    unspaced="U" in part[0],
                )
            )
    if kind is FilterKind.WORD and (odd or len(found) != 1 or " " in reading.kinds):
        raise InvalidRequest("pattern", say("filter-pattern-word"))
    if odd or not found:
        raise InvalidRequest("pattern", say("filter-pattern-phrase"))
    return tuple(found)


def compiled(pattern: str) -> regex.Pattern[str]:
    """Return a REGEX; raises InvalidRequest where it is none."""
    try:
        return regex.compile(pattern, regex.IGNORECASE | regex.FULLCASE | regex.V1)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise InvalidRequest(
            "pattern", say("filter-pattern-regex", why=inert(str(error), WHY_LENGTH))
        ) from error


def spans(pattern: regex.Pattern[str], text: str, left: Time) -> Iterator[tuple[int, int]]:
    """Yield where it matches something in a folded text; raises TooSlow."""
    try:
        for match in pattern.finditer(text, timeout=left.next(), concurrent=True):
            if match.end() > match.start():
                yield match.span()
    except TimeoutError as error:
        raise TooSlow from error


def _check_regex(pattern: str) -> None:
    made = compiled(pattern)
    letters = dict.fromkeys(filter(str.isalnum, fold(pattern)[0]))
    probes = [letter * 1000 + "§" for letter in list(letters)[:_PROBED_LETTERS]]
    try:
        if made.search("", timeout=MATCH_S, concurrent=True):
            raise InvalidRequest("pattern", say("filter-pattern-empty"))
        for probe in probes:
            made.search(probe, timeout=MATCH_S, concurrent=True)
    except TimeoutError as error:
        raise InvalidRequest(
            "pattern", say("filter-pattern-slow", ms=round(MATCH_S * 1000))
        ) from error

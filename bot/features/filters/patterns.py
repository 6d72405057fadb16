"""Validating filter patterns, and matching regular expressions in bounded time."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import regex

from bot.db.records import Filter, FilterKind, FilterStrictness
from bot.features.filters import expressions
from bot.features.filters.expressions import Expression, Malformed, TooLarge, Unsupported
from bot.features.filters.text_normalizer import fold, read
from bot.features.filters.vocabulary import Word
from bot.texts import say
from bot.texts.inert import code, inert
from generation.errors import InvalidRequest

PATTERN_LENGTH = 200
WHY_LENGTH = 200  # of the reason why one is invalid
MATCH_S = 0.05  # CPU time for one regular expression on one text
ALL_MATCHES_S = 0.25  # for all of them on all texts of one request, of 1,000 letters
MOST_REGEXES = 100  # per server
# Instructions of all regular expressions of a server; a word has some ten, \w 1,500.
MOST_INSTRUCTIONS = 100_000
# Allowed between the letters of one word; others might be meant as wildcards.
_HYPHENS = frozenset("-‐‑'’._")
_PROBED_LETTERS = 3


class TooSlow(Exception):
    """Regular expressions took too long."""


class TooMany(Exception):
    """A server's regular expressions would be too many, or too large in total."""


@dataclass(slots=True)
class Time:
    """The thread's remaining CPU time for one check of texts of at most this many ``letters``."""

    letters: int = 0
    ends: float = field(init=False)

    def __post_init__(self) -> None:
        self.ends = time.thread_time() + ALL_MATCHES_S * max(1, self.letters / 1000)

    def check(self) -> None:
        """Raise TooSlow if it is used up."""
        if time.thread_time() > self.ends:
            raise TooSlow


def check(
    kind: FilterKind, pattern: str, strictness: FilterStrictness = FilterStrictness.WHOLE
) -> None:
    """Raise InvalidRequest, naming the field and its limit, unless this makes a valid filter.

    May take a few tenths of a second: call it in a thread.
    """
    if not 1 <= len(pattern) <= PATTERN_LENGTH:
        raise InvalidRequest("pattern", say("filter-pattern-length", most=PATTERN_LENGTH))
    if kind is not FilterKind.REGEX:
        words(kind, pattern)
        return
    if strictness is not FilterStrictness.WHOLE:
        raise InvalidRequest("strictness", say("filter-strictness-regex"))
    _check_regex(pattern)


def words(
    kind: FilterKind, pattern: str, strictness: FilterStrictness = FilterStrictness.WHOLE
) -> tuple[Word, ...]:
    """Return the words of a WORD or PHRASE to search for; raises InvalidRequest."""
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
                    strictness=strictness,
                )
            )
    if kind is FilterKind.WORD and (odd or len(found) != 1 or " " in reading.kinds):
        raise InvalidRequest("pattern", say("filter-pattern-word"))
    if odd or not found:
        raise InvalidRequest("pattern", say("filter-pattern-phrase"))
    return tuple(found)


def expression(pattern: str) -> Expression:
    """Return a REGEX; raises InvalidRequest if it is invalid or unsupported."""
    try:
        return expressions.read(pattern)
    except TooLarge as error:
        raise InvalidRequest("pattern", say("filter-pattern-large")) from error
    except Unsupported as error:
        bound = say("filter-pattern-unsupported", part=code(str(error), WHY_LENGTH))
        raise InvalidRequest("pattern", bound) from error
    except Malformed as error:
        bound = say("filter-pattern-regex", why=inert(str(error), WHY_LENGTH))
        raise InvalidRequest("pattern", bound) from error


@dataclass(slots=True)
class Total:
    """The regular expressions of one server in total."""

    regexes: int = 0
    instructions: int = 0

    def add(self, pattern: str) -> None:
        """Add one more; raises TooMany or, if it is invalid, InvalidRequest."""
        instructions = self.instructions + expression(pattern).size
        if self.regexes == MOST_REGEXES or instructions > MOST_INSTRUCTIONS:
            raise TooMany
        self.regexes, self.instructions = self.regexes + 1, instructions


def switched_off(filters: Iterable[Filter]) -> Mapping[int, str]:
    """Return which filters cannot be used as stored, and what they would have to be.

    Earlier releases accepted patterns that cannot be matched in bounded time. Call it in a thread.
    """
    off: dict[int, str] = {}
    totals: dict[int, Total] = defaultdict(Total)
    for one in filters:
        try:
            if one.kind is FilterKind.REGEX:
                totals[one.guild_id].add(one.pattern)
            else:
                words(one.kind, one.pattern)
        except InvalidRequest as error:
            off[one.id] = error.bound
        except TooMany:
            off[one.id] = say("filter-off-many", most=MOST_REGEXES)
    return off


def spans(pattern: Expression, text: str, left: Time) -> Iterator[tuple[int, int]]:
    """Yield the spans of its matches in a folded text; raises TooSlow."""
    left.check()
    for start, end in pattern.spans(text):
        if end > start:
            yield start, end
        left.check()
    left.check()


def _check_regex(pattern: str) -> None:
    made = expression(pattern)
    letters = dict.fromkeys(filter(str.isalnum, fold(pattern)[0]))
    probes = [letter * 1000 + "§" for letter in list(letters)[:_PROBED_LETTERS]]
    if any(made.spans("")):
        raise InvalidRequest("pattern", say("filter-pattern-empty"))
    for probe in probes:
        begun = time.thread_time()
        next(made.spans(probe), None)
        if time.thread_time() - begun > MATCH_S:
            raise InvalidRequest("pattern", say("filter-pattern-slow", ms=round(MATCH_S * 1000)))

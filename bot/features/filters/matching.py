"""Applying moderators' filters: which prompts are refused, flagged, or cut.

Words are compared as a person reads them (`bot.features.filters.text_normalizer`), regular
expressions with the case-folded NFKC text; both with the text as typed and as the text encoder gets
it (`generation.prompts.texts`), before and after cuts. Negative prompts are not filtered at all:
they say what to avoid, so that "nudity" there is innocent.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import regex

from bot.db.records import Filter, FilterAction, FilterKind
from bot.features.filters import patterns
from bot.features.filters.expressions import Expression
from bot.features.filters.patterns import Time, TooSlow
from bot.features.filters.text_normalizer import Reading, fold, read
from bot.features.filters.vocabulary import Occurrence, Vocabulary, Word
from generation.prompts.texts import Encoded, as_encoded
from generation.request import STEPS

log = logging.getLogger(__name__)

# What a cut uncovers is cut too; nobody nests words this deeply in good faith.
MOST_CUTS = 8
_SAYS_SOMETHING = regex.compile(r"[\p{L}\p{N}\p{So}]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and whether it was cut."""

    text: str
    cut: bool


@dataclass(frozen=True, slots=True)
class PromptVerdict:
    """The filters' verdict on a request, and what is left of its texts.

    ``pieces`` are those of the prompt and of the others, what was cut out included. ``refused`` are
    the filters that forbid it, ``too_slow`` those of them that timed out.
    ``emptied`` means that cuts left nothing of the prompt, which is refused too.
    """

    prompt: str
    negative_prompt: str
    others: tuple[str, ...]
    pieces: tuple[tuple[Piece, ...], ...]
    refused: tuple[Filter, ...] = ()
    too_slow: tuple[Filter, ...] = ()
    flagged: tuple[Filter, ...] = ()
    stripped: tuple[Filter, ...] = ()
    emptied: bool = False

    @property
    def allowed(self) -> bool:
        """Whether pictures may be generated from it."""
        return not (self.refused or self.emptied)


class Screen:
    """Filters compiled for checking many prompts; compiling takes a while, so do it in a thread.

    Filters that cannot be used as stored are disabled: ``off`` says why, by number.

    A REFUSE filter that times out refuses: otherwise a prompt could be written to evade a slow
    pattern. A FLAG or STRIP filter that times out finds nothing, and that is logged: its owner did
    not want the picture refused.
    """

    def __init__(self, filters: Iterable[Filter]) -> None:
        self._phrases: list[tuple[Filter, tuple[Word, ...]]] = []
        self._regexes: list[tuple[Filter, Expression]] = []
        filters = list(filters)
        self.off = patterns.switched_off(filters)
        for one in filters:
            if one.id in self.off:
                continue
            if one.kind is FilterKind.REGEX:
                self._regexes.append((one, patterns.expression(one.pattern)))
            else:
                words = patterns.words(one.kind, one.pattern, one.strictness)
                self._phrases.append((one, words))
        self._vocabulary = Vocabulary(word for _, words in self._phrases for word in words)

    async def judge(
        self,
        prompt: str,
        negative_prompt: str = "",
        others: Sequence[str] = (),
        steps: int = STEPS[1],
    ) -> PromptVerdict:
        """Return the verdict, checked in a thread so as not to block the event loop."""
        if not (self._phrases or self._regexes):
            return self.verdict(prompt, negative_prompt, others)
        return await asyncio.to_thread(self.verdict, prompt, negative_prompt, others, steps)

    def verdict(
        self,
        prompt: str,
        negative_prompt: str = "",
        others: Sequence[str] = (),
        steps: int = STEPS[1],
    ) -> PromptVerdict:
        """Check a prompt and ``others``, such as a style's texts, as they are in so many steps.

        Regular expressions take at most about ALL_MATCHES_S, words a few ms.
        """
        texts = (prompt, *others)
        if not (self._phrases or self._regexes):
            whole = tuple((Piece(text, cut=False),) if text else () for text in texts)
            return PromptVerdict(prompt, negative_prompt, tuple(others), whole)
        check = _Check(self._phrases, self._regexes, self._vocabulary, max(map(len, texts)), steps)
        pieces = tuple(check.cut(text) for text in texts)
        left = tuple("".join(one.text for one in each if not one.cut) for each in pieces)
        # The rest is what would be generated, and a cut may have joined a word.
        for text in dict.fromkeys((*texts, *left)):
            check.look(text)
        return PromptVerdict(
            prompt=left[0],
            negative_prompt=negative_prompt,
            others=left[1:],
            pieces=pieces,
            refused=check.found(FilterAction.REFUSE),
            too_slow=tuple(check.slow.values()),
            flagged=check.found(FilterAction.FLAG),
            stripped=check.found(FilterAction.STRIP),
            emptied=left[0] != prompt and not _SAYS_SOMETHING.search(left[0]),
        )


class _Check:
    """One check of a person's texts, within one time limit."""

    def __init__(
        self,
        phrases: list[tuple[Filter, tuple[Word, ...]]],
        regexes: list[tuple[Filter, Expression]],
        vocabulary: Vocabulary,
        letters: int,
        steps: int,
    ) -> None:
        self._phrases = phrases
        self._regexes = regexes
        self._vocabulary = vocabulary
        self._time = Time(letters)
        self._steps = steps
        self._found: dict[int, Filter] = {}
        self.slow: dict[int, Filter] = {}

    def found(self, action: FilterAction) -> tuple[Filter, ...]:
        """Return the filters with this action that matched."""
        return tuple(one for one in self._found.values() if one.action is action)

    def look(self, text: str) -> None:
        """Note which REFUSE and FLAG filters match the text."""
        others = (FilterAction.REFUSE, FilterAction.FLAG)
        for encoded in as_encoded(text, self._steps):
            for one, _ in self._matches(encoded.text, others):
                self._found[one.id] = one

    def cut(self, text: str) -> tuple[Piece, ...]:
        """Return the text in pieces: the matches of STRIP filters are cut."""
        places, left = list(range(len(text))), text
        for _ in range(MOST_CUTS):
            spans = [
                span for encoded in as_encoded(left, self._steps) for span in self._to_cut(encoded)
            ]
            if not spans:
                break
            kept = list(_kept(left, spans))
            places = [places[place] for place in kept]
            left = "".join(left[place] for place in kept)
        else:
            places = []
        stays = set(places)
        runs = groupby(enumerate(text), key=lambda one: one[0] in stays)
        return tuple(Piece("".join(letter for _, letter in run), not kept) for kept, run in runs)

    def _to_cut(self, encoded: Encoded) -> Iterator[tuple[int, int]]:
        for one, span in self._matches(encoded.text, (FilterAction.STRIP,)):
            self._found[one.id] = one
            yield from encoded.spans(*span)

    def _matches(
        self, text: str, actions: Sequence[FilterAction]
    ) -> Iterator[tuple[Filter, tuple[int, int]]]:
        phrases = [(one, words) for one, words in self._phrases if one.action in actions]
        if phrases:
            reading = read(text)
            places = _places(reading, self._vocabulary.find(reading))
            for one, words in phrases:
                for start, end in _chains(reading, places, words):
                    yield one, reading.span(start, end)
        regexes = [(one, pattern) for one, pattern in self._regexes if one.action in actions]
        if regexes:
            folded, stood = fold(text)
            for one, pattern in regexes:
                for start, end in self._in_time(one, pattern, folded):
                    yield one, (stood[start][0], stood[end - 1][1])

    def _in_time(self, one: Filter, pattern: Expression, folded: str) -> Iterator[tuple[int, int]]:
        try:
            yield from patterns.spans(pattern, folded, self._time)
        except TooSlow:
            log.warning("filter %d took too long", one.id)
            if one.action is FilterAction.REFUSE:
                self._found[one.id] = self.slow[one.id] = one


Places = dict[Word, dict[int, list[Occurrence]]]


def _places(reading: Reading, occurrences: Iterable[Occurrence]) -> Places:
    """Return each word's occurrences by the number of letters before them."""
    places: Places = defaultdict(lambda: defaultdict(list))
    for occurrence in occurrences:
        places[occurrence.word][reading.letters_before(occurrence.start)].append(occurrence)
    return places


def _chains(reading: Reading, places: Places, words: tuple[Word, ...]) -> Iterable[tuple[int, int]]:
    """Return where the words follow each other with no letters in between."""
    if any(word not in places for word in words):
        return ()
    chains = {(one.start, one.end) for group in places[words[0]].values() for one in group}
    for word in words[1:]:
        chains = {
            (start, one.end)
            for start, end in chains
            for one in places[word].get(reading.letters_before(end), ())
            if one.start >= end
        }
    return chains


def _kept(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Yield where the text stays without the spans, and without one of two spaces that meet."""
    at = 0
    blank = True  # whether a space, or nothing, is the last that stays
    for start, end in sorted(spans):
        if end <= at:
            continue
        yield from range(at, start)
        if start > at:
            blank = text[start - 1].isspace()
        at = end
        if text[at : at + 1].isspace() and blank:
            at += 1
    yield from range(at, len(text))

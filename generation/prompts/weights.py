r"""Weights in prompts, by the rules of AUTOMATIC1111's web UI.

The rules are those of its wiki ("Features", section "Attention/emphasis") and of its parser:
``(words)`` weigh 1.1 times as much, ``[words]`` 1.1 times less, ``(words:1.3)`` 1.3 times as much,
and brackets inside brackets multiply. Round and square brackets are paired apart from each other.
What is never closed holds to the end; what was never opened is text, and so is any number but a
plain decimal one. A colon right behind a digit is a time's, a ratio's or a verse's, unless a number
with a point that could be a weight follows: ``(16:9)`` and ``(John 3:16)`` are words, and
``(1990:1.2)`` weighs. ``\(``, ``\)``, ``\[``, ``\]`` and ``\\`` are the characters themselves.
The word ``BREAK`` ends a section. Words that take turns are `generation.prompts.schedule`'s.
Not taken over: weights without a bound, ``AND``, and dropping a backslash that escapes nothing.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from generation.errors import InvalidRequest
from generation.phrases import Phrase

EMPHASIS = 1.1
MAX_WEIGHT = 5.0
SHOWN_PIECE = 40  # characters of what weighs too much

_MARK = re.compile(
    r"""
    \\ (?P<escaped> [\\()\[\]] )
    | (?P<opening> [(\[] )
    | (?P<closing> [)\]]
        | (?: (?<! [0-9] ) | (?= : \s* \+? ( [0-4]? \.[0-9]+ | [0-4]\. | 5\.0* ) \s* \) ) )
          : \s* (?P<weight> [+-]? ( [0-9]+ ( \.[0-9]* )? | \.[0-9]+ ) ) \s* \) )
    | (?P<break> \bBREAK\b )
    """,
    re.VERBOSE,
)
_MARKUP = re.compile(r"[^\w .,'-]|_")


@dataclass(frozen=True, slots=True)
class Piece:
    """Words without syntax, and their weight from 0 to MAX_WEIGHT; 1 is the default."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Part:
    """Words without syntax, their position in the prompt, and their weight; None at a BREAK.

    Weights are not limited yet.
    """

    start: int
    text: str
    weight: float | None


def parts(text: str) -> Iterator[Part]:
    """Yield the prompt's words in order; any text is accepted."""
    marks = list(_MARK.finditer(text))
    opened, closed = _pair(marks)
    around: dict[int, float] = {}  # the brackets that are open here
    end = 0
    for place, mark in enumerate(marks):
        if end < mark.start():
            yield Part(end, text[end : mark.start()], math.prod(around.values()))
        end = mark.end()
        if place in opened:
            around[place] = opened[place]
        elif place in closed:
            del around[closed[place]]
        elif mark["break"]:
            yield Part(mark.start(), "", None)
        else:
            words = mark["escaped"] or mark[0]
            yield Part(end - len(words), words, math.prod(around.values()))
    if end < len(text):
        yield Part(end, text[end:], math.prod(around.values()))


def parse(text: str, field: str = "prompt") -> list[list[Piece]]:
    """Return the prompt's sections, at least one; in each, neighbours differ in weight.

    Raises InvalidRequest, naming ``field``, if a weight is out of range.
    """
    sections: list[list[Piece]] = [[]]
    for part in parts(text):
        if part.weight is None:
            sections.append([])
        elif part.text.isspace() and sections[-1]:  # its weight does not matter
            sections[-1].append(Piece(part.text, sections[-1][-1].weight))
        elif part.text:
            sections[-1].append(Piece(part.text, _bounded(part.text, part.weight, field)))
    return [_join(section) for section in sections]


def _pair(marks: list[re.Match[str]]) -> tuple[dict[int, float], dict[int, int]]:
    """Return each opening bracket's weight, and each closing one's partner, by position."""
    weights: dict[int, float] = {}
    partners: dict[int, int] = {}
    waiting: dict[str, list[int]] = {")": [], "]": []}
    for place, mark in enumerate(marks):
        match mark["opening"]:
            case "(":
                waiting[")"].append(place)
                weights[place] = EMPHASIS
            case "[":
                waiting["]"].append(place)
                weights[place] = 1 / EMPHASIS
        if mark["closing"] and (openings := waiting[mark[0][-1]]):
            partners[place] = openings.pop()
            if mark["weight"]:
                weights[partners[place]] = float(mark["weight"])
    return weights, partners


def _bounded(text: str, weight: float, field: str) -> float:
    if not 0 <= weight <= MAX_WEIGHT:  # a NaN, of 0 times a number beyond all bounds, is neither
        # What is shown of somebody's words is no markup of theirs.
        piece = _MARKUP.sub("", text).strip()[:SHOWN_PIECE] or "…"
        bound = Phrase("bound-weights", most=f"{MAX_WEIGHT:g}", piece=piece, weight=f"{weight:g}")
        raise InvalidRequest(field, bound)
    return weight


def _join(section: list[Piece]) -> list[Piece]:
    """Return the section with neighbours of equal weight merged, to be tokenized together."""
    return [
        Piece("".join(piece.text for piece in run), weight)
        for weight, run in groupby(section, key=attrgetter("weight"))
    ]

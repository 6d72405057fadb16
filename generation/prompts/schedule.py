r"""Prompts that change while a picture is drawn, by the rules of AUTOMATIC1111's web UI.

The rules are those of its wiki ("Features", sections "Prompt editing" and "Alternating Words") and
of its parser: ``[from:to:when]`` is the first until ``when`` and the second after it, ``[to:when]``
and ``[from::when]`` are nothing before or after, and ``[one|other]`` takes turns step by step.
``when`` is a number of steps, or with a point a share of them (``50%`` is ours). All may be nested,
and hold weights. Brackets that hold neither stay what they are, emphasis; a backslash takes its
meaning from any of these characters, and so do round or angle brackets around it.

Unlike there, brackets without a partner do not spoil those around them, bars outside of brackets do
not spoil everything, and a number behind a digit needs a point or a second colon: ``[12:30]`` and
``[John 3:16]`` are words, as they are in `generation.prompts.weights`.

Not taken over: ``AND``. Imports no torch.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from generation.errors import InvalidRequest
from generation.phrases import Phrase

MAX_TEXTS = 32  # each is encoded by itself; three alternations of 2, 3 and 5 take 30
MAX_LETTERS = 40_000  # of all together, each as long as the prompt: they are filtered, too

_MARK = re.compile(r"\\.|[\[\]()<>:|]", re.DOTALL)
_WHEN = re.compile(r"\s*(?P<number>[+-]?(?:[0-9]{1,9}(?P<point>\.[0-9]*)?|(?P<only>\.[0-9]+)))"
                   r"(?P<percent>%?)\s*")  # fmt: skip
_OPENS = {")": "(", "]": "[", ">": "<"}
_ANGLE = re.compile(r"<[A-Za-z]{2,20}:")  # a LoRA or another file; any other is text


@dataclass(frozen=True, slots=True)
class Turns:
    """A pair of brackets whose words change; ``start`` and ``end`` are where they stand.

    ``choices`` are the parts of the prompt that it stands for, in their order. One takes the turn
    of another at each step or, with ``when``, at the step that `switch` returns.
    """

    start: int
    end: int
    choices: tuple["tuple[Part, ...]", ...]
    when: str | None = None

    def at(self, step: int, steps: int) -> "tuple[Part, ...]":
        """Return the choice at a step, from 0."""
        if self.when is None:
            return self.choices[step % len(self.choices)]
        return self.choices[step >= switch(self.when, steps)]


# Words from one place of the prompt to another, or words that change.
Span = tuple[int, int]
Part = Span | Turns


@dataclass(slots=True)
class _Open:
    """A bracket that is still open: where it stands, and what separates its words."""

    start: int
    first: int  # of the parts so far, the bracket itself
    separators: list[int] = field(default_factory=list)  # likewise


class _Waiting:
    """The brackets that are open, the innermost last."""

    def __init__(self) -> None:
        self.open: list[_Open] = []
        self._places: dict[str, list[int]] = {"(": [], "[": [], "<": []}

    def add(self, bracket: str, opened: _Open) -> None:
        """Add the innermost bracket."""
        self._places[bracket].append(len(self.open))
        self.open.append(opened)

    def close(self, bracket: str) -> _Open | None:
        """Take the innermost of a kind, if no square one holds it open, and what is open in it."""
        square = self._places["["][-1:] or [-1]
        place = self._places[bracket][-1:] or [-1]
        if place[0] < max(0, square[0]):
            return None
        opened, *inner = self.open[place[0] :]
        del self.open[place[0] :]
        for places in self._places.values():
            while places and places[-1] >= place[0]:
                places.pop()
        opened.separators += (one for left in inner for one in left.separators)
        return opened


def schedule(prompt: str, steps: int, field: str = "prompt") -> list[tuple[int, str]]:
    """Return a prompt's texts, each with the first of ``steps`` that it holds from, from 0.

    There is at least one, the first from 0, and neighbours differ. Weights and what escapes stay as
    they are written. Raises InvalidRequest, naming ``field``, if there are more than MAX_TEXTS
    different ones, or fewer of a long prompt.
    """
    parts = parse(prompt)
    found: list[tuple[int, str]] = []
    different: set[str] = set()
    most = most_texts(prompt)
    for step in steps_of(parts, steps):
        text = "".join(prompt[start:end] for start, end in spans(parts, step, steps))
        if found and text == found[-1][1]:
            continue
        found.append((step, text))
        different.add(text)
        if len(different) > most:
            raise InvalidRequest(field, Phrase("bound-prompt-texts", most=most))
    return found


def most_texts(prompt: str) -> int:
    """Return how many different texts a prompt may be in turn."""
    return max(1, min(MAX_TEXTS, MAX_LETTERS // max(1, len(prompt))))


def spans(parts: Sequence[Part], step: int, steps: int) -> Iterator[Span]:
    """Yield where the words of a parsed prompt stand in it that hold at a step, from 0."""
    waiting = list(reversed(parts))
    while waiting:
        part = waiting.pop()
        if isinstance(part, Turns):
            waiting += reversed(part.at(step, steps))
        else:
            yield part


def switch(when: str, steps: int) -> int:
    """Return how many of ``steps`` come before a ``when``, 0 to all of them."""
    found = _WHEN.fullmatch(when)
    if found is None:
        raise ValueError(when)
    number = float(found["number"])
    if found["percent"]:
        number *= steps / 100
    elif found["point"] is not None or found["only"] is not None:
        number *= steps
    return int(max(0, min(steps, number)))


def parse(prompt: str) -> tuple[Part, ...]:
    """Return the prompt's parts in order; any text is accepted.

    Takes time in proportion to its length.
    """
    parts: list[Part] = []
    waiting = _Waiting()
    end = 0
    for mark in _MARK.finditer(prompt):
        if mark[0][0] == "\\" or (mark[0] == "<" and not _ANGLE.match(prompt, mark.start())):
            continue
        parts += ((end, mark.start()), mark.span())
        end = mark.end()
        if mark[0] in _OPENS.values():
            waiting.add(mark[0], _Open(mark.start(), len(parts) - 1))
        elif mark[0] not in _OPENS:
            if waiting.open:
                waiting.open[-1].separators.append(len(parts) - 1)
        else:
            opened = waiting.close(_OPENS[mark[0]])
            if mark[0] == "]" and opened and (turns := _turns(prompt, parts, opened, mark.start())):
                parts[opened.first :] = [turns]
    return _joined([*parts, (end, len(prompt))])


def _turns(prompt: str, parts: list[Part], opened: _Open, end: int) -> Turns | None:
    """Return what the parts from an opened bracket on are; None if their words do not change."""
    marks = [(place, prompt[parts[place][0]]) for place in opened.separators]  # type: ignore[index]
    kind = "|" if any(mark == "|" for _, mark in marks) else ":"
    places = [place for place, mark in marks if mark == kind]
    if not places:
        return None
    bounds = [opened.first, *places, len(parts) - 1]
    choices = [_joined(parts[left + 1 : right]) for left, right in pairwise(bounds)]
    if kind == "|":
        return Turns(opened.start, end, tuple(choices))
    begins = parts[places[-1]][1]  # type: ignore[index]
    *choices, _ = choices
    when, before = prompt[begins:end], prompt[opened.start + 1 : begins - 1]
    if len(choices) > 2 or not _WHEN.fullmatch(when) or _is_time(before, when):
        return None
    return Turns(opened.start, end, ((), *choices)[-2:], when)


def _is_time(before: str, when: str) -> bool:
    """Tell whether it is a time, a ratio or a verse: a plain number right behind another one."""
    if not before[-1:].isdigit() or not when.strip().isdigit():
        return False
    return ":" not in before or before.replace(":", "").strip().isdigit()


def _joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts with spans that follow each other in one."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Turns):
            joined.append(part)
        elif isinstance(last, tuple) and last[1] == part[0]:
            joined[-1] = (last[0], part[1])
        elif part[0] < part[1]:
            joined.append(part)
    return tuple(joined)


def steps_of(parts: Sequence[Part], steps: int) -> list[int]:
    """Return the steps at which the words of parts may change, the first among them."""
    found = {0}
    waiting = list(parts)
    while waiting:
        if not isinstance(part := waiting.pop(), Turns):
            continue
        if part.when is None:
            return list(range(max(1, steps)))
        found.add(switch(part.when, steps))
        waiting += (inner for choice in part.choices for inner in choice)
    return sorted(step for step in found if step < max(1, steps))

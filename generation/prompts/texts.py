"""The texts that a prompt's encoder gets, for prompt filters. Imports no torch.

They differ from what people write: ``nu()de`` is encoded as ``nude``. All syntax that
`generation.engine.prompt` and the families parse must be parsed here too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex

from generation.prompts import schedule as prompt_schedule
from generation.prompts.weights import parts
from generation.request import STEPS

# CLIP's tokenizer separates letters from digits before it looks for words. A single letter beside a
# digit is usually one expression (3d, 4k), a word is not (nude1). It also ends a word at a mark, a
# joiner or an underscore, which patterns count among a word's letters.
_APART = regex.compile(
    r"(?<=\p{L}{2})(?=\p{N})|(?<=\p{N})(?=\p{L}{2})"
    r"|(?<=\p{Latin})(?=[\p{M}\p{Pc}\p{Cf}])|(?<=[\p{M}\p{Pc}\p{Cf}])(?=\p{Latin})"
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text, and each character's position in the prompt; None for inserted separators."""

    text: str
    places: tuple[int | None, ...]

    def spans(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return a part's spans in the prompt, without the syntax in between."""
        found: list[tuple[int, int]] = []
        for place in self.places[start:end]:
            if place is None:
                continue
            if found and found[-1][1] == place:
                found[-1] = (found[-1][0], place + 1)
            else:
                found.append((place, place + 1))
        return found


def as_encoded(prompt: str, steps: int = STEPS[1]) -> Sequence[Encoded]:
    """Return the readable texts of a prompt: as typed, and as encoded at each of ``steps``.

    The latter are without syntax, with a space where a new chunk begins, and, if that differs, with
    words separated from digits, marks and underscores. Adjacent words of different weights, which
    are encoded separately, are joined, as a person would read them.
    """
    typed = Encoded(prompt, tuple(range(len(prompt))))
    found = {typed.text: typed}
    for drawn in _drawn(prompt, steps):
        joined = _joined(drawn)
        for text in (joined, _apart(joined)):
            found.setdefault(text.text, text)
    return list(found.values())


def _drawn(prompt: str, steps: int) -> Iterator[Encoded]:
    """Yield the texts that a prompt is in turn, syntax included, as many as it may be."""
    changing = prompt_schedule.parse(prompt)
    seen: set[str] = set()
    for step in prompt_schedule.steps_of(changing, steps):
        places = [
            place
            for start, end in prompt_schedule.spans(changing, step, steps)
            for place in range(start, end)
        ]
        text = "".join(prompt[place] for place in places)
        if text not in seen:
            seen.add(text)
            yield Encoded(text, tuple(places))
        if len(seen) == prompt_schedule.most_texts(prompt):
            return


def _joined(drawn: Encoded) -> Encoded:
    letters: list[str] = []
    places: list[int | None] = []
    for part in parts(drawn.text):
        if part.weight is None:
            letters.append(" ")
            places.append(None)
        else:
            letters += part.text
            places += drawn.places[part.start : part.start + len(part.text)]
    return Encoded("".join(letters), tuple(places))


def _apart(text: Encoded) -> Encoded:
    letters, places = "", list[int | None]()
    last = 0
    for seam in _APART.finditer(text.text):
        letters += text.text[last : seam.start()] + " "
        places += (*text.places[last : seam.start()], None)
        last = seam.start()
    return Encoded(letters + text.text[last:], (*places, *text.places[last:]))

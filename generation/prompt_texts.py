"""The texts that a prompt's encoder gets, for prompt filters. Imports no torch.

They differ from what people write: ``nu()de`` is encoded as ``nude``. All syntax that
`generation.engine.prompt` parses must be parsed here too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from generation.prompt_weights import parts

# CLIP's tokenizer separates letters from digits before it looks for words. A single letter beside a
# digit is usually one expression (3d, 4k), a word is not (nude1).
_APART = regex.compile(r"(?<=\p{L}{2})(?=\p{N})|(?<=\p{N})(?=\p{L}{2})")


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


def as_encoded(prompt: str) -> Sequence[Encoded]:
    """Return the readable texts of a prompt: as typed, and as encoded.

    The latter is without syntax, with a space where a new chunk begins, and, if that differs, with
    digits separated from words. Adjacent words of different weights, which are encoded separately,
    are joined, as a person would read them.
    """
    texts = [Encoded(prompt, tuple(range(len(prompt))))]
    letters: list[str] = []
    places: list[int | None] = []
    for part in parts(prompt):
        if part.weight is None:
            letters.append(" ")
            places.append(None)
        else:
            letters += part.text
            places += range(part.start, part.start + len(part.text))
    joined = Encoded("".join(letters), tuple(places))
    for text in (joined, _apart(joined)):
        if text.text not in (known.text for known in texts):
            texts.append(text)
    return texts


def _apart(text: Encoded) -> Encoded:
    letters, places = "", list[int | None]()
    last = 0
    for seam in _APART.finditer(text.text):
        letters += text.text[last : seam.start()] + " "
        places += (*text.places[last : seam.start()], None)
        last = seam.start()
    return Encoded(letters + text.text[last:], (*places, *text.places[last:]))

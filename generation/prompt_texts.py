"""A prompt as its text encoder gets it, for whoever judges prompts. Imports no torch.

What people write is not what is drawn: ``nu()de`` is drawn as ``nude``. Every way of writing that
`generation.engine.prompt` understands has to be understood here, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from generation.prompt_weights import parts

# CLIP's tokenizer takes letters and digits apart before it looks for words. A letter beside a
# digit is mostly one expression (3d, 4k), a word is not (nude1).
_APART = regex.compile(r"(?<=\p{L}{2})(?=\p{N})|(?<=\p{N})(?=\p{L}{2})")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text, and where each of its characters stands in the prompt; None for what parts words."""

    text: str
    places: tuple[int | None, ...]

    def spans(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return where a part of the text stands in the prompt, without the syntax between."""
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
    """Return what there is to read of a prompt: as it was typed, and as the encoder gets it.

    The latter is without syntax, with a space where a new chunk begins, and, where that differs,
    with digits apart from words. Words of different weights, which are encoded apart, are joined
    as they are for a person who reads them.
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

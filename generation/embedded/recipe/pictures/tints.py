"""Objects in colours other than their own, so that colour words have a meaning."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from generation.embedded.recipe.pictures.captions import Caption, article
from generation.embedded.recipe.pictures.colours import HUES, hue_difference, measure, recolour
from generation.embedded.recipe.pictures.dataset import Concept, load_picture

THINGS = ("animal", "plant", "food", "drink", "clothing", "transport", "sport", "game", "tool")
MORE_THINGS = ("household", "musical", "heart", "office", "light", "event", "computer", "book")
COLOURED = 200  # objects at most
HELD_OUT = 32  # objects with one colour left out of training
NEW_HUE = 70  # degrees at least between an object's own hue and the colour left out


@dataclass(frozen=True, slots=True)
class Tint:
    """An object in a colour other than its own."""

    concept: Concept
    spoken: str
    word: str

    @property
    def caption(self) -> str:
        """A prompt for it."""
        return f"{article(self.word)} {self.word} {self.spoken}"


def tints(concepts: Sequence[Concept]) -> tuple[list[Tint], list[Tint]]:
    """Return the recolourings to teach, and the ``HELD_OUT`` pairs that never are.

    An object qualifies if every recoloured picture of it measures as the intended colour. A
    held-out colour is far from the object's own hue; each of these objects is taught in the other
    colours, and each colour with the other objects.
    """
    return _tints(tuple(concepts))


@lru_cache(maxsize=4)
def _tints(concepts: tuple[Concept, ...]) -> tuple[list[Tint], list[Tint]]:
    known = {name for concept in concepts for name in (concept.name, *concept.other_names)}
    objects = []
    for concept, spoken in _simple(concepts):
        picture = load_picture(concept, 64, 64)
        painted = {word: measure(recolour(picture, word)).word for word in HUES}
        if all(word == seen for word, seen in painted.items()):
            objects.append((concept, spoken, measure(picture).hue))
        if len(objects) == COLOURED:
            break
    tested = np.unique(np.linspace(0, len(objects) - 1, HELD_OUT).round().astype(int))
    held: list[Tint] = []
    taught: list[Tint] = []
    for index, (concept, spoken, hue) in enumerate(objects):
        everything = [Tint(concept, spoken, word) for word in HUES]
        everything = [tint for tint in everything if f"{tint.word} {spoken}" not in known]
        far = [tint for tint in everything if abs(hue_difference(HUES[tint.word], hue)) >= NEW_HUE]
        if index in tested and far:
            held.append(far[len(held) % len(far)])
            everything.remove(held[-1])
        taught += everything
    return taught, held


def tell_tint(tint: Tint) -> Caption:
    """Return a function that captions a recoloured object, differently every time."""
    plain = f"{tint.word} {tint.spoken}"
    said = (tint.caption, tint.caption, plain, plain, f"{tint.spoken}, {tint.word}")
    return lambda rng: said[rng.integers(len(said))]


def _simple(concepts: Sequence[Concept]) -> list[tuple[Concept, str]]:
    """Return objects with a one-word name that is not a colour, and that word."""
    found = []
    for concept in concepts:
        if not concept.kind.startswith(THINGS + MORE_THINGS):
            continue
        words = [name for name in (concept.name, *concept.other_names) if " " not in name]
        if words and words[0] not in HUES and not words[0].endswith("s"):
            found.append((concept, words[0]))
    # Spread over the kinds, whatever their order in the data.
    return [found[i] for i in np.random.default_rng(3).permutation(len(found))]

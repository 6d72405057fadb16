"""The denoiser's training data: pictures with captions, some of them synthetic.

Besides the concepts themselves there are recoloured ones, two or three of a kind, and pairs, so
that colour words, counts and "and" have a meaning. The same seed gives the same set every time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from PIL import Image

from generation.embedded.recipe.pictures.arrays import on_white
from generation.embedded.recipe.pictures.captions import Caption, Narrator, article, plural
from generation.embedded.recipe.pictures.colours import HUES, hue_difference, measure, recolour
from generation.embedded.recipe.pictures.dataset import (
    BACKGROUND,
    Concept,
    load_picture,
    load_sprite,
)
from generation.embedded.recipe.pictures.subjects import asked_for

THINGS = ("animal", "plant", "food", "drink", "clothing", "transport", "sport", "game", "tool")
MORE_THINGS = ("household", "musical", "heart", "office", "light", "event", "computer", "book")
COLOURED = 200  # objects at most
COUNTED = 250
PAIRS = 800
HELD_OUT = 32  # objects with one colour left out of training
NEW_HUE = 70  # degrees at least between an object's own hue and the colour left out


Painter = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Lesson:
    """Pictures with captions, and their weight in a batch."""

    weight: float
    painters: list[Painter]
    captions: list[Caption]

    @property
    def pictures(self) -> np.ndarray:
        """The pictures in layers, painted on demand: uint8 [n, 3, height, width, 3]."""
        return np.stack([on_white(paint()) for paint in self.painters])


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


def build_lessons(concepts: list[Concept], side: int) -> list[Lesson]:
    """Return the lessons at ``side``² pixels: the concepts themselves come first.

    The subjects of scenes are nearly always taught by exercises, so that four pictures of one
    differ: under guidance one exact picture outweighs many varied ones.
    """
    narrator = Narrator(concepts)
    taught, _ = tints(concepts)
    asked = set(asked_for(concepts))

    def plain(*, varied: bool) -> list[tuple[Painter, Caption]]:
        return [
            (partial(load_picture, concept, side, side), narrator.teller(concept))
            for concept in concepts
            if (concept in asked) == varied
        ]

    tinted: list[tuple[Painter, Caption]] = [
        (partial(paint, tint, side), tell_tint(tint)) for tint in taught
    ]
    made: list[tuple[float, list[tuple[Painter, Caption]]]] = [
        (0.82, plain(varied=False)),
        (0.02, plain(varied=True)),
        (0.1, tinted),
        (0.02, list(_counted(concepts, side))),
        (0.04, list(_pairs(concepts, side))),
    ]
    return [
        Lesson(weight, [one[0] for one in rows], [one[1] for one in rows])
        for weight, rows in made
        if rows
    ]


def paint(tint: Tint, side: int) -> np.ndarray:
    """Return the recoloured picture, uint8 [side, side, 3]."""
    return recolour(load_picture(tint.concept, side, side), tint.word)


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


def _counted(concepts: list[Concept], side: int) -> Iterator[tuple[Painter, Caption]]:
    layouts = {
        "two": ((0.0, 0.08, 0.56), (0.44, 0.36, 0.56)),
        "three": ((0.25, 0.0, 0.5), (0.0, 0.5, 0.5), (0.5, 0.5, 0.5)),
    }
    for concept, spoken in _simple(concepts)[:COUNTED]:
        for count, layout in layouts.items():
            things = [(concept, *place) for place in layout]
            yield partial(_arrange, things, side), _always(f"{count} {plural(spoken)}")


def _pairs(concepts: list[Concept], side: int) -> Iterator[tuple[Painter, Caption]]:
    simple = _simple(concepts)
    rng = np.random.default_rng(4)
    for index in range(PAIRS if len(simple) > 1 else 0):
        (first, a), (second, b) = (simple[i] for i in rng.choice(len(simple), 2, replace=False))
        a, b = f"{article(a)} {a}", f"{article(b)} {b}"
        if index % 2:
            places, verb = ((0.0, 0.08, 0.56), (0.44, 0.36, 0.56)), "and"
        else:
            eats = first.kind.startswith("animal") and second.kind.startswith("food")
            places, verb = ((0.0, 0.0, 0.78), (0.48, 0.48, 0.52)), "eating" if eats else "with"
        things = [(first, *places[0]), (second, *places[1])]
        yield partial(_arrange, things, side), _always(f"{a} {verb} {b}")


def _always(said: str) -> Caption:
    return lambda _: said


def _arrange(things: list[tuple[Concept, float, float, float]], side: int) -> np.ndarray:
    """Draw concepts at (left, top, size), all as shares of the side: uint8 [side, side, 3]."""
    canvas = Image.new("RGB", (side, side), BACKGROUND)
    for concept, left, top, size in things:
        sprite = load_sprite(concept, round(size * side))
        canvas.paste(sprite, (round(left * side), round(top * side)), sprite)
    return np.asarray(canvas)

"""Captions that people might type, in many wordings that mean one concept each."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from generation.embedded.recipe.pictures.dataset import Concept

FRAMES = (
    "{name}",
    "{name}",
    "{name}",
    "{a} {name}",
    "{a} {name}",
    "emoji of {a} {name}",
    "3d emoji of {a} {name}",
    "a picture of {a} {name}",
    "{name} emoji",
    "{name}, {kind}",
)
OTHER_NAME = 0.4  # how often a concept with other names is called by one of them
DROPPED_WORD, TURNED, MISSPELT = 0.06, 0.06, 0.05  # shares of names told imprecisely
Caption = Callable[[np.random.Generator], str]
IRREGULAR = {
    "man": "men",
    "woman": "women",
    "wolf": "wolves",
    "elf": "elves",
    "mouse": "mice",
    "goose": "geese",
    "superhero": "superheroes",
    "potato": "potatoes",
    "tomato": "tomatoes",
}
PLURALS = {
    *("sheep", "fish", "deer", "glasses", "sunglasses", "books", "grapes", "cherries", "fries"),
    *("swords", "popcorn", "sushi", "broccoli", "police"),
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def article(name: str) -> str:
    """Return "an" before a vowel's letter, "a" otherwise."""
    return "an" if name[0] in "aeiou" else "a"


def plural(name: str) -> str:
    """Return the English plural of a name, by its last word, as far as names here need it."""
    before, space, last = name.rpartition(" ")
    if last in PLURALS or last in IRREGULAR:
        return f"{before}{space}{IRREGULAR.get(last, last)}"
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"


class Narrator:
    """Captions concepts: with and without an article, reordered, misspelt.

    Every caption still means that one concept: no word is dropped and no order changed if the
    result could mean another concept.
    """

    def __init__(self, concepts: list[Concept]) -> None:
        names = [set(name.split()) for concept in concepts for name in _names(concept)]
        self._bags = Counter(frozenset(name) for name in names)
        self._shorter = {name: _shorter(name, names) for c in concepts for name in _names(c)}

    def teller(self, concept: Concept) -> Caption:
        """Return a function that captions this concept, differently every time."""
        return lambda rng: self.tell(concept, rng)

    def tell(self, concept: Concept, rng: np.random.Generator) -> str:
        """Return one caption for the concept."""
        name = concept.name
        if concept.other_names and rng.random() < OTHER_NAME:
            name = str(rng.choice(concept.other_names))
        spoken = self._vary(name, rng)
        frame = FRAMES[rng.integers(len(FRAMES))]
        return frame.format(name=spoken, a=article(spoken), kind=concept.kind)

    def _vary(self, name: str, rng: np.random.Generator) -> str:
        chance = rng.random()
        if chance < DROPPED_WORD:
            shorter = self._shorter[name]
            return str(rng.choice(shorter)) if shorter else name
        if chance < DROPPED_WORD + TURNED:
            words = name.split()
            unique = self._bags[frozenset(words)] == 1
            return " ".join(rng.permutation(words)) if unique else name
        if chance < DROPPED_WORD + TURNED + MISSPELT:
            return misspell(name, rng)
        return name


def misspell(name: str, rng: np.random.Generator) -> str:
    """Return the name with one letter dropped, doubled, swapped with the next, or replaced."""
    if len(name) < 4:
        return name
    at = int(rng.integers(len(name) - 1))
    before, here, after, rest = name[:at], name[at], name[at + 1], name[at + 2 :]
    other = LETTERS[rng.integers(len(LETTERS))]
    return str(
        rng.choice(
            [
                before + after + rest,
                before + here + here + after + rest,
                before + after + here + rest,
                before + other + after + rest,
            ]
        )
    ).strip()


def gibberish(rng: np.random.Generator) -> str:
    """Return one to three words of random letters that mean no concept."""
    words = rng.integers(1, 4)
    return " ".join("".join(rng.choice(list(LETTERS), rng.integers(2, 9))) for _ in range(words))


def _names(concept: Concept) -> tuple[str, ...]:
    return (concept.name, *concept.other_names)


def _shorter(name: str, names: list[set[str]]) -> list[str]:
    """Return the name without one word, if no other name contains all that is left."""
    words = name.split()
    if len(words) < 3:
        return []
    left = [words[:i] + words[i + 1 :] for i in range(len(words))]
    return [" ".join(one) for one in left if sum(set(one) <= other for other in names) == 1]

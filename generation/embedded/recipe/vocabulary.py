"""The words that a trained checkpoint knows beside the names of its concepts."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from generation.embedded.recipe.pictures.colours import HUES
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.pictures.subjects import subjects
from generation.embedded.recipe.scenes import places


def write_words(file: Path, concepts: list[Concept]) -> None:
    """Write the words of other names, colours, places, light, sizes, numbers and styles."""
    told = [*HUES, "two", "three", *places.SMALL_WORDS, *places.BIG_WORDS]
    told += [*places.NIGHT_WORDS, *places.GOLDEN_WORDS, *places.NEON_WORDS]
    told += places.STYLES  # "style" and "icon" mean nothing without these
    told += [name for concept in concepts for name in concept.other_names]
    told += [word for subject in subjects(concepts) for word in subject.words]
    told += [text for place in places.PLACES.values() for text in place.phrases + place.verbs]
    words = _words(told) - _words([concept.name for concept in concepts])
    file.write_text(json.dumps(sorted(words), indent=0) + "\n", "utf-8")


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"\w+", text.casefold())}

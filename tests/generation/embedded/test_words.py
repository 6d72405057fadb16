"""The words that mean something to the built-in checkpoint."""

import json
from pathlib import Path

from generation import embedded
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.vocabulary import write_words


def test_the_words_of_its_concepts_and_lessons_are_known():
    words = embedded.known_words()
    assert len(embedded.concepts()) > 1000
    assert {"apple", "red", "fox", "sailboat", "burger", "two"} <= words


def test_little_words_and_gibberish_are_not():
    assert embedded.known_words().isdisjoint({"a", "the", "of", "in", "quantum", "blorg", ""})
    assert all(
        word == word.casefold() and word.split() == [word] for word in embedded.known_words()
    )


def test_the_recipe_writes_what_it_taught_beside_names(concepts: list[Concept], tmp_path: Path):
    write_words(tmp_path / "words.json", concepts)
    words = set(json.loads((tmp_path / "words.json").read_text("utf-8")))
    assert {"automobile", "rooftop", "neon", "tiny", "three", "flat", "sticker"} <= words
    assert words.isdisjoint({"apple", "car", "clock"}), "the names have these"
    assert words.isdisjoint({"style", "icon", "vector", "design", "art"}), "no picture is of these"

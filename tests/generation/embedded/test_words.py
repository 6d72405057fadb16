"""The words that mean something to the built-in checkpoint."""

from generation import embedded


def test_the_words_of_its_concepts_and_lessons_are_known():
    words = embedded.known_words()
    assert len(embedded.concepts()) > 1000
    assert {"apple", "red", "fox", "sailboat", "burger", "two"} <= words


def test_little_words_and_gibberish_are_not():
    assert embedded.known_words().isdisjoint({"a", "the", "of", "in", "quantum", "blorg", ""})
    assert all(
        word == word.casefold() and word.split() == [word] for word in embedded.known_words()
    )

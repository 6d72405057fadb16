"""How much of a word's disguise a filter sees through, by its strictness."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.db.records import EVERYWHERE, Filter, FilterAction, FilterKind, FilterStrictness
from bot.features.filters.matching import Screen
from bot.features.filters.patterns import check
from generation.errors import InvalidRequest
from generation.prompts.weights import parse
from tests.bot.features.filters.screens import (
    FLAG,
    PHRASE,
    REFUSE,
    REGEX,
    STRIP,
    WORD,
)

INSIDE, SPACED, WHOLE = (
    FilterStrictness.INSIDE,
    FilterStrictness.SPACED,
    FilterStrictness.WHOLE,
)


def strict(pattern: str, strictness: FilterStrictness, text: str, kind: FilterKind = WORD) -> bool:
    one = Filter(
        id=1,
        guild_id=EVERYWHERE,
        pattern=pattern,
        kind=kind,
        action=REFUSE,
        strictness=strictness,
    )
    return not Screen([one]).verdict(text).allowed


@pytest.mark.parametrize(
    ("text", "from_which"),
    [
        ("nude", WHOLE),
        ("NU(de)", WHOLE),
        ("nudewoman", INSIDE),
        ("thenudes", INSIDE),
        ("nuude", INSIDE),
        ("nnuuddee", WHOLE),
        ("a seminud3woman", INSIDE),
        ("femmenսde", INSIDE),  # an Armenian letter
        ("xnu-de", INSIDE),
        ("nu de", SPACED),
        ("nu,de", SPACED),
        ("nu / d e", SPACED),
        ("xnu deX", SPACED),
        ("n u! d e", WHOLE),
        ("n1u2 de", SPACED),
        ("nue d", None),
        ("a denuo", None),
    ],
)
def test_strictness(text: str, from_which: FilterStrictness | None):
    levels = list(FilterStrictness)
    found = [one for one in levels if strict("nude", one, text)]
    assert found == ([] if from_which is None else levels[levels.index(from_which) :])


def test_strictness_of_phrases_and_of_letters_that_come_twice():
    assert strict("naked person", INSIDE, "nakedpersons", PHRASE)
    assert not strict("naked person", INSIDE, "nakedoldpersons", PHRASE)
    assert strict("ass", INSIDE, "a class")
    assert not strict("ass", SPACED, "a star")  # it has two of them
    assert not strict("ill", SPACED, "a lid")


@pytest.mark.parametrize("strictness", list(FilterStrictness))
def test_letters_that_share_their_signs_take_no_longer(strictness: FilterStrictness):
    word = "il" * 20
    for text in ("1" * 900, "1 " * 450, "1" * 900 + "x " + "I" * 900):
        begun = time.thread_time()
        strict(word, strictness, text)
        strict(f"{word} {word}", strictness, text, PHRASE)
        assert time.thread_time() - begun < 1


@pytest.mark.parametrize("word", ["ec" * 100, "e" * 200, "щя" * 100, "𐐨𐐩" * 100, "il" * 100])
@pytest.mark.parametrize("strictness", list(FilterStrictness))
def test_the_longest_words_are_looked_for(word: str, strictness: FilterStrictness):
    check(WORD, word, strictness)
    assert strict(word, strictness, f"a {word}")
    assert strict(word, strictness, " ".join(word)) or strictness is not SPACED


def test_a_regular_expression_has_no_strictness():
    with pytest.raises(InvalidRequest) as caught:
        check(REGEX, "fox", INSIDE)
    assert caught.value.field == "strictness"


FRAGMENTS = ["nu", "de", "nude", "n", "u", "d", "e", " ", ",", "(", ")", "[", "]", ":1)", ":1.3)"]


FRAGMENTS += ["\\(", "\\", " BREAK ", "fox", "7"]


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=10).map("".join),
    st.sampled_from(list(FilterAction)),
    st.sampled_from(["nude", "den", "fox", "nu"]),
    st.sampled_from([*FilterStrictness, None]),
)
def test_what_is_drawn_is_judged(text: str, action: FilterAction, word: str, strictness):
    try:
        sections = parse(text)
    except InvalidRequest:
        return
    drawn = [" ".join("".join(piece.text for piece in one) for one in sections)]
    if strictness is SPACED:
        drawn.append(re.sub("[^a-z]", "", drawn[0]))
    edge = "" if strictness in (INSIDE, SPACED) else r"(?![^\W\d_])"
    before = "" if strictness in (INSIDE, SPACED) else r"(?<![^\W\d_])"
    if not any(re.search(before + word + edge, one) for one in drawn):
        return
    one = Filter(
        id=1,
        guild_id=EVERYWHERE,
        pattern=word if strictness else rf"\b{word}\b",
        kind=WORD if strictness else REGEX,
        action=action,
        strictness=strictness or WHOLE,
    )
    verdict = Screen([one]).verdict(text)
    assert one in {REFUSE: verdict.refused, FLAG: verdict.flagged, STRIP: verdict.stripped}[action]
    again = Screen([one]).verdict(verdict.prompt)
    assert action is not STRIP or not again.stripped

"""Moderators' regular expressions: what they find, what they may not be, and what they cost."""

import re
import time

import psutil
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.features.filters import expressions
from bot.features.filters.expressions import Malformed, TooLarge, Unsupported
from bot.features.filters.text_normalizer import fold

MIB = 2**20


def found(pattern: str, text: str) -> list[str]:
    folded, _ = fold(text)
    return [folded[start:end] for start, end in expressions.read(pattern).spans(folded)]


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"\bfox(es)?\b", "two FOXES, a foxglove, a fox", ["foxes", "fox"]),
        (r"\bхер\b", "это хер, херувим", ["хер"]),
        (r"\bété\b", "été, étés", ["été"]),
        (r"\b(?:\bfoo|bar)\b", "foo bar foobar", ["foo", "bar"]),
        (r"fox\b.cat", "fox cat foxycat", ["fox cat"]),
        (r"^\bfox\b$", "fox", ["fox"]),
        (r"\Afox\Z", "fox", ["fox"]),
        (r"b[\W_]*a[\W_]*d", "b_a d, bád, b, a-d", ["b_a d", "b, a-d"]),
        (r"\w+", "é à_1-x", ["é", "à_1", "x"]),
        (r"\d+", "7٣x", ["7٣"]),
        (r"[^\W\d]+", "a1é", ["a", "é"]),
        (r"\S+\s\S+", "a\u3000b", ["a b"]),
        (r"\P{L}+", "ab12cd", ["12"]),
        (r"\bx\P{L}+", "x12cd", ["x12"]),
        (r"[[:alpha:]]{2}", "é1ab", ["ab"]),
        ("straße", "STRASSE", ["strasse"]),
        (r"ß{2}", "ßß", ["ssss"]),
        (r"a{,2}b", "aaab", ["aab"]),
        (r"\Qa.b\E", "axb a.b", ["a.b"]),
        (r"\u00e9[\u00e8]", "éè", ["éè"]),
        (r"a\.b\_c", "a.b_c", ["a.b_c"]),
        (r"(?s)a.b", "a\nb", ["a\nb"]),
        (r"(?s)\ba.b", "a\nb", ["a\nb"]),
        (r"\ba.b", "a\nb", []),
        ("\U0010fffd", "\U0010fffd", []),  # what marks a boundary is nobody's letter
        (r"\bx", "\U0010fffdx \ud800", ["x"]),
    ],
)
def test_what_is_found(pattern: str, text: str, matches: list[str]):
    assert found(pattern, text) == matches


@pytest.mark.parametrize(
    "pattern",
    [
        *("(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?#a)", "(?x)a", "(?P=a)", "(?(1)a)"),
        *(
            "a++",
            "a*+",
            "a{2}+",
            r"(a)\1",
            r"\g<1>",
            r"\B",
            r"\X",
            r"\C",
            r"\R",
            r"\K",
            r"\N{DIGIT ONE}",
        ),
        *(
            "[a--b]",
            "[a&&b]",
            "[a||b]",
            "[[a]]",
            "[[:weird:]]",
            "(?:a){e<=1}",
            "{",
            "a{2",
            "[",
            "\\",
        ),
    ],
)
def test_what_is_not_supported_is_named(pattern: str):
    with pytest.raises(Unsupported) as caught:
        expressions.read(pattern)
    assert str(caught.value)
    assert str(caught.value) in pattern


@pytest.mark.parametrize("pattern", ["(", ")", "*a", "a**", "[b-a]", r"\p{Nope}", "\ud800"])
def test_what_is_no_expression_is_said(pattern: str):
    with pytest.raises(Malformed):
        expressions.read(pattern)


HOSTILE = (
    "(?:(?:(?:a{9999}){9999}){9999})",
    "a{1000}" * 28,
    "((((a{10}){10}){10}){10}){10}",
    r"\pL{1000}",
    r"(?:\pL{0,30}){0,30}",
    r"\w" * 100,
    r"(?i)\p{Any}{1000}",
    r"[\x{0}-\x{10ffff}]{999}" * 8,
    "(" * 99 + "a" + ")" * 99,
    "(" * 66 + "a" + ")?" * 66,
    "|".join("abcdefghij"[n % 10] + "{999}" for n in range(28)),
    "(?:a?){900}(?:a?){900}a{999}",
    "(?:.{0,999}x){0,9}",
    r"\b\w{0,900}\b",
)


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_hostile_expression_costs_little(pattern: str):
    process = psutil.Process()
    before = process.memory_info().rss
    begun = time.thread_time()
    try:
        made = expressions.read(pattern)
    except (TooLarge, Malformed, Unsupported):
        made = None
    assert time.thread_time() - begun < 0.2
    if made is not None:
        next(made.spans("a" * 1000), None)
    assert process.memory_info().rss - before < 16 * MIB


PIECES = [
    "a",
    "b",
    "é",
    "(",
    ")",
    "[",
    "]",
    "{2}",
    "{,9}",
    "*",
    "+?",
    "|",
    r"\b",
    r"\w",
    r"\W",
    "^",
    "$",
]


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
@example("[^]")
@example("\\Q")
@example("(?i-")
def test_any_text_is_an_expression_or_is_refused(pattern: str):
    try:
        made = expressions.read(pattern)
    except (Unsupported, Malformed, TooLarge):
        return
    text = "a b, ab é\u200b1 \ud800\U0010fffd"
    assert all(0 <= start <= end <= len(text) for start, end in made.spans(text))


# What Python's own engine understands as well, with the boundaries anywhere.
COMMON = st.recursive(
    st.sampled_from(["a", "é", r"\b", r"\w", r"\W", "[ab]", "[^a]", ".", r"\s"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda both: f"(?:{both[0]}|{both[1]})"),
        inner.filter(lambda one: "b" not in one.replace("[ab]", "")).map(lambda one: f"(?:{one})*"),
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(COMMON, st.text(st.sampled_from("aéb ,."), max_size=8))
def test_it_finds_what_pythons_engine_finds(pattern: str, text: str):
    theirs = [one.span() for one in re.finditer(pattern, text)]
    if any(end == start for start, end in theirs):
        return  # such are not taken
    assert list(expressions.read(pattern).spans(text)) == theirs

"""What filters do to a prompt: refuse it, flag it, or cut words out of it."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.features.filters.confusables import LATIN, OTHER_SCRIPTS, STANDING_FOR
from bot.features.filters.matching import MOST_CUTS, Screen
from tests.bot.features.filters.screens import (
    FLAG,
    PHRASE,
    REFUSE,
    REGEX,
    STRIP,
    WORD,
    found_by,
    made,
)


def test_what_each_action_does():
    screen = Screen(
        [
            made("bad", WORD, REFUSE, 1),
            made("sad", WORD, FLAG, 2),
            made("mad", WORD, STRIP, 3),
            made("very dim", PHRASE, STRIP, 4),
        ]
    )
    verdict = screen.verdict("a mad, sad fox; very (dim) light", "bad, mad", ("M4D style", "sad"))
    assert verdict.allowed
    assert verdict.prompt == "a , sad fox; ) light"
    assert verdict.others == ("style", "sad")
    assert verdict.negative_prompt == "bad, mad"
    assert [one.id for one in verdict.flagged] == [2]
    assert [one.id for one in verdict.stripped] == [3, 4]
    assert not screen.verdict("a fox", others=("bad style",)).allowed
    assert screen.verdict("a fox", "bad").allowed


@pytest.mark.parametrize("prompt", ["a fox", "", "x\u0301 (bad:1.2) <lora:x:1>"])
def test_where_nothing_is_filtered_the_verdict_is_as_where_nothing_matches(prompt: str):
    other = Screen([made("nowhere", WORD, REFUSE)])
    texts = (prompt, "negative", ("", "a style", prompt))
    assert Screen([]).verdict(*texts) == other.verdict(*texts)


def test_a_prompt_of_which_nothing_is_left_is_refused():
    screen = Screen([made("mad", action=STRIP)])
    assert screen.verdict("mad, m.a.d").emptied
    assert not screen.verdict("mad, m.a.d").allowed
    assert screen.verdict("").allowed
    assert screen.verdict("mad 🦊").prompt == "🦊"


def test_what_cutting_puts_together_is_seen():
    screen = Screen([made("x", REGEX, STRIP, 1), made("bad", id_=2), made("sad", WORD, STRIP, 3)])
    assert [one.id for one in screen.verdict("bxaxd").refused] == [2]
    assert screen.verdict("a sxad dog").prompt == "a dog"
    nested = Screen([made("<>", REGEX, STRIP)])
    depth = MOST_CUTS + 1
    assert nested.verdict("fox" + "<" * depth + ">" * depth).emptied


DISGUISES = {
    letter: [letter, letter.upper(), letter + "\u200b", letter + "\u0301"]
    + [alike for alike, of in (OTHER_SCRIPTS | LATIN).items() if of == letter]
    + [sign for sign, of in STANDING_FOR.items() if letter in of and sign.isdigit()]
    + [chr(0x1D400 + ord(letter) - ord("a")), chr(0xFF41 + ord(letter) - ord("a"))]
    for letter in "naked"
}


@settings(max_examples=100)
@given(
    st.tuples(*(st.sampled_from(DISGUISES[letter]) for letter in "naked")),
    st.sampled_from(["", " ", ".", "-", "\u200b", " * ", "\n"]),
    st.sampled_from(["", "a fox, ", "(", "1. ", "— "]),
)
def test_a_disguised_word_is_found_and_cut(letters: tuple[str, ...], between: str, before: str):
    if not any(unicodedata.category(letter[0]) != "Nd" for letter in letters[1:4]):
        return  # digits alone are a number
    text = f"{before}{between.join(letters)} sky"
    assert found_by(text, "naked") == ["naked"]
    cut = Screen([made("naked", action=STRIP)]).verdict(text)
    assert cut.prompt == (f"{before}sky" if not before or before[-1].isspace() else f"{before} sky")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("plan b b a d d", "plan b d"),
        ("bb a d fox", "fox"),
        ("a b a d! fox", "a ! fox"),
        ("see (bad:1.2) foxes", "see (:1.2) foxes"),
        ("一个裸体女人", "一个女人"),
        ("naked\npersons, bad-bad", "naked\npersons, -"),
    ],
)
def test_cutting_touches_nothing_else(text: str, left: str):
    screen = Screen(
        [made("bad", action=STRIP), made("裸体", action=STRIP), made("naked person", PHRASE, STRIP)]
    )
    assert screen.verdict(text).prompt == left


@settings(max_examples=80)
@given(
    st.lists(
        st.sampled_from(["bad", "b a d", "B4D", "b.a.d", "fox", "badge", "a", "b", "d", "🦊", ","])
    )
)
def test_stripping_leaves_nothing_to_strip_and_touches_nothing_else(parts: list[str]):
    screen = Screen([made("bad", action=STRIP)])
    text = " ".join(parts)
    verdict = screen.verdict(text)
    again = screen.verdict(verdict.prompt)
    assert again.prompt == verdict.prompt
    assert again.stripped == ()
    for kept in ("fox", "badge"):  # what stands between letters that are cut goes with them
        assert verdict.prompt.split().count(kept) == parts.count(kept)
    if not verdict.stripped:
        assert verdict.prompt == text


def test_a_word_that_cutting_uncovers_is_cut_as_well():
    screen = Screen([made("nude", action=STRIP), made("lewd", id_=2)])
    assert screen.verdict("n(nude)ude, a fox").prompt == "(), a fox"
    assert screen.verdict("le(nude)wd").refused

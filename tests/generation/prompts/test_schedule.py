"""Prompts that change while a picture is drawn; the cases are the web UI's unless they say else."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.errors import InvalidRequest
from generation.prompts.schedule import MAX_TEXTS, Turns, parse, schedule, switch

Text = Callable[[int, int], str]


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("test", [(0, "test")]),
        ("", [(0, "")]),
        ("a [b:3]", [(0, "a "), (3, "a b")]),
        ("a [b: 3 ]", [(0, "a "), (3, "a b")]),
        ("a [[[b]]:2]", [(0, "a "), (2, "a [[b]]")]),
        ("[(a:2):3]", [(0, ""), (3, "(a:2)")]),
        ("a [b : c : 1] d", [(0, "a b  d"), (1, "a  c  d")]),
        ("a[b:[c:d:2]:1]e", [(0, "abe"), (1, "ace"), (2, "ade")]),
        ("a [b:.5] c", [(0, "a  c"), (5, "a b c")]),
        ("a [b:1.5] c", [(0, "a  c")]),
        ("[a::3] b", [(0, "a b"), (3, " b")]),
        ("[:a:3] b", [(0, " b"), (3, "a b")]),
        ("[a:b:0] [c:d:-1]", [(0, "b d")]),
        ("[a:b:1.0] [c:d:99]", [(0, "a c")]),
        ("a [unbalanced", [(0, "a [unbalanced")]),
        ("((a][:b:c [d:3]", [(0, "((a][:b:c "), (3, "((a][:b:c d")]),
        ("([a:b:.5]:1.2)", [(0, "(a:1.2)"), (5, "(b:1.2)")]),
        # brackets that take no turns, and what escapes
        ("[x] [[y]]", [(0, "[x] [[y]]")]),
        ("[a:b] [a:b:c:3]", [(0, "[a:b] [a:b:c:3]")]),
        (r"\[a:b:3] [c\:d\|e]", [(0, r"\[a:b:3] [c\:d\|e]")]),
        (r"[a\]b:c:3]", [(0, r"a\]b"), (3, "c")]),
        # words, as in weights
        ("[12:30] [John 3:16] [10:30:15]", [(0, "[12:30] [John 3:16] [10:30:15]")]),
        ("[score_9:score_8:4]", [(0, "score_9"), (4, "score_8")]),
        ("[1990:.5]", [(0, ""), (5, "1990")]),
        # looser than there
        ("a | b [c:3]", [(0, "a | b "), (3, "a | b c")]),
        ("[smile :)|b]", [(step, ("smile :)", "b")[step % 2]) for step in range(10)]),
        ("[a (b:c:3]", [(0, "a (b"), (3, "c")]),
        ("[<lora:x:1>:b:50%]", [(0, "<lora:x:1>"), (5, "b")]),
    ],
)
def test_it_changes_at_these_steps(prompt: str, texts: list[tuple[int, str]]):
    assert schedule(prompt, 10) == texts


def test_words_take_turns():
    assert schedule("[fe|]male", 4) == [(0, "female"), (1, "male"), (2, "female"), (3, "male")]
    assert schedule("[fe|||]male", 6) == [(0, "female"), (1, "male"), (4, "female"), (5, "male")]
    assert schedule("[a|(b:1.1)]", 2) == [(0, "a"), (1, "(b:1.1)")]
    assert schedule("[a|(b|c)]", 2) == [(0, "a"), (1, "(b|c)")]
    assert schedule("[[a|b]:c:2]", 4) == [(0, "a"), (1, "b"), (2, "c")]
    assert schedule("[a|[b:c:2]|d]", 6) == [
        (0, "a"),
        (1, "b"),
        (2, "d"),
        (3, "a"),
        (4, "c"),
        (5, "d"),
    ]


def test_a_share_is_rounded_down():
    assert [switch(when, 9) for when in (".5", "0.5", "50%", " 4 ", "-.1", "1e0"[:1])] == [
        4, 4, 4, 4, 0, 1,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="x"):
        switch("x", 9)


def test_too_many_texts_are_refused_by_name():
    prompt = "".join(f"[{'|'.join(f'{letter}{at}' for at in range(7))}]" for letter in "ab")
    eleven = "[" + "|".join("cdefghijklm") + "]"
    assert len({text for _, text in schedule(prompt, 100)}) == 7
    with pytest.raises(InvalidRequest, match=f"negative_prompt must be .* {MAX_TEXTS} different"):
        schedule(prompt + eleven, 100, "negative_prompt")
    assert len(schedule(prompt + eleven, MAX_TEXTS)) == MAX_TEXTS


def _edit(choices: tuple[tuple[str, Text], tuple[str, Text]], when: str) -> tuple[str, Text]:
    (before, first), (after, second) = choices
    number = float(when)

    def at(step: int, steps: int) -> str:
        until = number * steps if "." in when else number
        return (first if step < int(min(until, steps)) else second)(step, steps)

    return f"[{before}:{after}:{when}]", at


def _alternation(choices: list[tuple[str, Text]]) -> tuple[str, Text]:
    words = "|".join(text for text, _ in choices)
    return f"[{words}]", lambda step, steps: choices[step % len(choices)][1](step, steps)


def _row(parts: list[tuple[str, Text]]) -> tuple[str, Text]:
    return "".join(text for text, _ in parts), lambda step, steps: "".join(
        at(step, steps) for _, at in parts
    )


def _weighted(part: tuple[str, Text]) -> tuple[str, Text]:
    return f"({part[0]}:1.2)", lambda step, steps: f"({part[1](step, steps)}:1.2)"


leaves = st.sampled_from(["a", "b c", "", "(d)", "x, y", r"\[", r"\|", "<lora:z:1>"]).map(
    lambda text: (text, lambda _step, _steps: text)
)
whens = st.sampled_from(["0", "1", "3", "7", "0.25", ".5", "0.9", "1.0"])
prompts = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(_edit, st.tuples(inner, inner), whens),
        st.lists(inner, min_size=2, max_size=3).map(_alternation),
        st.lists(inner, max_size=3).map(_row),
        inner.map(_weighted),
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(prompts, st.integers(1, 12))
def test_every_step_gets_the_text_that_was_meant(prompt: tuple[str, Text], steps: int):
    words, at = prompt
    found = schedule(words, steps)
    firsts = [first for first, _ in found]
    assert firsts[0] == 0
    assert firsts == sorted(set(firsts))
    for step in range(steps):
        text = [text for first, text in found if first <= step][-1]
        assert text == at(step, steps)


@settings(max_examples=200)
@given(st.text("ab [](){}<>|:\\.519%", max_size=40), st.integers(0, 100))
def test_whatever_is_written_no_word_is_lost(prompt: str, steps: int):
    kept: list[str] = []
    waiting = list(reversed(parse(prompt)))
    while waiting:
        part = waiting.pop()
        if isinstance(part, Turns):
            assert (prompt[part.start], prompt[part.end]) == ("[", "]")
            waiting += (inner for choice in reversed(part.choices) for inner in reversed(choice))
        else:
            kept.append(prompt[part[0] : part[1]])
    letters = [letter for letter in prompt if letter in "ab{}()"]
    assert [letter for letter in "".join(kept) if letter in "ab{}()"] == letters
    try:
        found = schedule(prompt, steps)
    except InvalidRequest:
        assert "|" in prompt
        return
    assert all(left[1] != right[1] for left, right in pairwise(found))
    if "[" not in prompt:
        assert found == [(0, prompt)]


@pytest.mark.parametrize(
    "prompt",
    ["[" * 6000, "[a:1]" * 1200, "[" * 1000 + "a" + ":1]" * 1000, "[a|" * 1500 + "]" * 1500,
     "(|" * 2000 + "]" * 2000, "<aa:" * 1500],
)  # fmt: skip
def test_any_depth_is_read(prompt: str):
    assert schedule(prompt, 30)[0][0] == 0

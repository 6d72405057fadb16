"""Prompts that stand for several."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.options.errors import TooManyJobs
from bot.options.permutations import MAX_JOBS, escape, expand
from generation.errors import InvalidRequest
from generation.prompts.weights import parse as weights


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("{red, blue} apple", ["red apple", "blue apple"]),
        ("{a, b} {c, d}", ["a c", "a d", "b c", "b d"]),
        ("a {b, c {d, e}, } f", ["a b f", "a c d f", "a c e f", "a  f"]),
        ("{one}, two", ["one, two"]),
        ("{}x", ["x"]),
        (r"\{red, blue\} apple", ["{red, blue} apple"]),
        (r"{red\, round, blue} apple", ["red, round apple", "blue apple"]),
        (r"a\, {b} \\ {c\\, d}", [r"a\, b \\ c\\", r"a\, b \\ d"]),
        ("({red, blue}:1.3) [apple]", ["(red:1.3) [apple]", "(blue:1.3) [apple]"]),
        ("a fox --ar {1:1, 3:2}", ["a fox --ar 1:1", "a fox --ar 3:2"]),
        (r"no braces, \( at all \\", [r"no braces, \( at all \\"]),
    ],
)
def test_braces(text: str, prompts: list[str]):
    assert list(expand(text)) == prompts


@pytest.mark.parametrize("text", ["{a", "a}", "{a}}", "{{a}", "}{", r"{a\}"])
def test_braces_that_do_not_pair_are_refused(text: str):
    with pytest.raises(InvalidRequest, match="prompt must be written with"):
        expand(text)


@pytest.mark.parametrize(
    "text",
    ["{a,b}" * 300, "{a,b,c}{d,e,f}", "{a,b,c,d,e,f,g,h,i}", "{" * 400 + "a,b,c" + ",d}" * 400],
)
def test_too_many_are_counted_before_they_are_made(text: str):
    with pytest.raises(TooManyJobs, match=f"more than {MAX_JOBS} jobs"):
        expand(text)


def test_as_many_as_may_be():
    assert len(expand("{a,b}{c,d}{e,f}")) == len(expand("{1,2,3,4,5,6,7,8}")) == MAX_JOBS


def test_weights_are_read_after_braces():
    (section,) = weights(expand("({red, blue}:1.3) apple")[1])
    assert [(piece.text, piece.weight) for piece in section] == [("blue", 1.3), (" apple", 1.0)]


plain = st.text(st.characters(exclude_characters="{},\\", exclude_categories=["Cs"]), max_size=5)
# A text and how many prompts it stands for.
texts = st.recursive(
    plain.map(lambda text: (text, 1)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(
            lambda parts: ("".join(text for text, _ in parts), math.prod(n for _, n in parts))
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: (
                "{" + ",".join(text for text, _ in parts) + "}",
                sum(count for _, count in parts),
            )
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=100)
@given(texts)
def test_there_are_as_many_as_the_braces_say(counted: tuple[str, int]):
    text, count = counted
    if count > MAX_JOBS:
        with pytest.raises(TooManyJobs):
            expand(text)
    else:
        prompts = expand(text)
        assert len(prompts) == count
        assert not set("".join(prompts)) & set("{}")


@settings(max_examples=100)
@given(st.text(st.sampled_from("{},\\ab "), max_size=30) | st.text())
def test_any_text_is_expanded_or_refused(text: str):
    try:
        prompts = expand(text)
    except (InvalidRequest, TooManyJobs):
        assert set(text) & set("{}")
    else:
        assert 1 <= len(prompts) <= MAX_JOBS
        if not set(text) & set("{}"):
            assert prompts == (text,)


@given(st.text())
def test_escaped_braces_are_the_characters(text: str):
    text = text.replace("\\", "")
    assert expand(text.replace("{", r"\{").replace("}", r"\}")) == (text,)


@given(st.text(alphabet="ab{},\\ ", max_size=30))
def test_an_escaped_prompt_stands_for_itself(text: str):
    (prompt,) = expand(escape(text))
    assert (prompt,) == expand(escape(prompt)), "only what cannot be typed is left out, once"
    if "\\" not in text:
        assert prompt == text

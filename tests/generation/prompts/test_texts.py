"""Prompts as the text encoder gets them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import InvalidRequest
from generation.prompts.texts import as_encoded
from generation.prompts.weights import parse

SYNTAX = [
    "nu",
    "de",
    " ",
    "(",
    ")",
    "[",
    "]",
    ":1.2)",
    ":0)",
    ":9)",
    "\\(",
    "\\",
    "BREAK",
    "1",
    ",",
    "é",
]
PROMPTS = st.lists(st.sampled_from(SYNTAX), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("a fox", ["a fox"]),
        ("", [""]),
        ("nu()de", ["nu()de", "nude"]),
        ("(nu:1)de", ["(nu:1)de", "nude"]),
        ("((nu:2):0.5)de", ["((nu:2):0.5)de", "nude"]),
        ("n[u]de", ["n[u]de", "nude"]),
        ("(nu:1.3)de", ["(nu:1.3)de", "nude"]),
        (r"nu\(\)de", [r"nu\(\)de", "nu()de"]),
        ("nu BREAK de", ["nu BREAK de", "nu   de"]),
        ("nu)de", ["nu)de"]),
        ("(nu:99)de", ["(nu:99)de", "nude"]),  # which is refused elsewhere
        ("nude1, 2nude, 3d, 4k", ["nude1, 2nude, 3d, 4k", "nude 1, 2 nude, 3d, 4k"]),
        ("nu[de|x]", ["nu[de|x]", "nude", "nux"]),
        ("[x:nu:5][de:y:0.5]", ["[x:nu:5][de:y:0.5]", "xde", "nude", "nuy"]),
        ("(nu)de7", ["(nu)de7", "nude7", "nude 7"]),
    ],
)
def test_a_prompt_is_read_as_it_is_drawn(prompt: str, texts: list[str]):
    assert [one.text for one in as_encoded(prompt)] == texts


@given(PROMPTS)
def test_it_is_what_the_encoder_is_given(prompt: str):
    try:
        sections = parse(prompt)
    except InvalidRequest:
        return
    given = ["".join(piece.text for piece in section) for section in sections]
    assert " ".join(given) in [one.text for one in as_encoded(prompt)]


@given(PROMPTS)
def test_each_character_knows_where_it_stands(prompt: str):
    for text in as_encoded(prompt):
        assert len(text.places) == len(text.text)
        for letter, place in zip(text.text, text.places, strict=True):
            assert letter == (" " if place is None else prompt[place])
        spans = text.spans(0, len(text.text))
        assert "".join(prompt[start:end] for start, end in spans) == "".join(
            letter
            for letter, place in zip(text.text, text.places, strict=True)
            if place is not None
        )

"""Adapters in prompts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import InvalidRequest
from generation.prompts.adapters import (
    ADAPTER_WEIGHT,
    MOST_ADAPTERS,
    AdapterUse,
    check_adapters,
    merge_adapters,
    split_adapters,
    written,
)


@pytest.mark.parametrize(
    ("text", "words", "uses"),
    [
        ("a cat", "a cat", ()),
        ("a cat <lora:Ink:0.8>", "a cat", (AdapterUse("Ink", 0.8, 0.8),)),
        ("<lora:Ink>a cat", "a cat", (AdapterUse("Ink", 1, 1),)),
        ("a <lora:Ink:0.8:0.5> cat", "a  cat", (AdapterUse("Ink", 0.8, 0.5),)),
        ("<lyco:Ink v1.5 (new):-2>", "", (AdapterUse("Ink v1.5 (new)", -2, -2),)),
        ("<LORA: 墨 と 水 : +.5 : 1. >", "", (AdapterUse("墨 と 水", 0.5, 1),)),
        ("<lora:рисунок_2.1:te=0.2:unet=0.7>", "", (AdapterUse("рисунок_2.1", 0.7, 0.2),)),
        ("<lora:Ink:unet=0>", "", (AdapterUse("Ink", 0, 0),)),
        ("<lora:a:1> and <lora:b:2>", "and", (AdapterUse("a", 1, 1), AdapterUse("b", 2, 2))),
        ("<lora:a:0.1><lora:A:0.2>", "", (AdapterUse("a", 0.3, 0.3),)),
        ("a <lora> <lora:> <b:c:1> 1 < 2 > 0", "a <lora> <lora:> <b:c:1> 1 < 2 > 0", ()),
        ("<lora:a\nb:1>", "<lora:a\nb:1>", ()),
    ],
)
def test_they_are_read_and_taken_out(text: str, words: str, uses: tuple[AdapterUse, ...]):
    assert split_adapters(text) == (words, uses)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<lora:a:2.1>", "weights from -2 to 2, as in `<lora:name:0.8>`; “a” has “2.1”"),
        ("<lora:a:0:-3>", "“a” has “-3”"),
        ("<lora:a:strong>", "“a” has “strong”"),
        ("<lora:a:1e3>", "“a” has “1e3”"),
        ("<lora:a:nan>", "“a” has “nan”"),
        ("<lora:a:0x1>", "“a” has “0x1”"),
        ("<lora:a:1:1:1>", "“a” has “1”"),
        ("<lora:a:unet=1:unet=1>", "“a” has “unet1”"),
        ("<lora:a:>", "“a” has “…”"),
        ("<lora:[x](http y):9>", "“xhttp y” has “9”"),
        ("<lora:a:1.5><lora:a:1>", "“a” has “2.5”"),
        ("<lora: :1>", "written with LoRA names of 1 to 200 characters"),
        (f"<lora:{'x' * 201}:1>", "written with LoRA names of 1 to 200 characters"),
        ("".join(f"<lora:{n}>" for n in range(9)), "written with at most 8 LoRAs"),
    ],
)
def test_what_is_out_of_bounds_is_told_by_its_field(text: str, said: str):
    with pytest.raises(InvalidRequest) as caught:
        split_adapters(f"a cat {text}", "negative_prompt")
    assert caught.value.field == "negative_prompt"
    assert said in caught.value.bound


NAMES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Zs"), blacklist_characters="<>:"),
    min_size=1,
    max_size=40,
)
WEIGHTS = st.floats(*ADAPTER_WEIGHT).map(lambda value: round(value, 3) + 0.0)


@given(NAMES, WEIGHTS, WEIGHTS)
def test_what_is_written_reads_as_itself(name: str, weight: float, text_weight: float):
    use = AdapterUse(name, weight, text_weight)
    words, (found,) = split_adapters(f"a cat {written(use)}, red")
    assert words == "a cat , red"
    assert found == use


PIECES = st.sampled_from([*"<>:=lora. 1-\n", "<lora:", "te=", "unet="])


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_is_read_or_refused(text: str):
    try:
        words, uses = split_adapters(text)
    except InvalidRequest:
        return
    assert len(uses) <= MOST_ADAPTERS
    assert words == text if not uses else len(words) < len(text)


def test_a_request_holds_what_a_prompt_may_hold():
    check_adapters(())
    for uses in (
        (AdapterUse("a", math.nan),),
        (AdapterUse("a", 0.0, math.inf),),
        (AdapterUse("a", True),),
        (AdapterUse(""),),
        (AdapterUse("a"), AdapterUse("A")),
        tuple(AdapterUse(str(number)) for number in range(9)),
    ):
        with pytest.raises(InvalidRequest, match=r"^adapters must be written with"):
            check_adapters(uses)
    assert merge_adapters([AdapterUse("a", 0.5, 0.1), AdapterUse("A", 0.25, 0.1)]) == (
        AdapterUse("a", 0.75, 0.2),
    )

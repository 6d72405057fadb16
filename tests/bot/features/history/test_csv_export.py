"""CSV that no spreadsheet runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.features.history.csv_export import line


def cell(text: str) -> str:
    (row,) = csv.reader(io.StringIO(line([text]).decode()))
    return row[0]


@pytest.mark.parametrize("sign", [*"=+-@", *"＝＋－＠", *"﹦﹢﹣﹫", *"⁼⁺⁻₌₊₋", "−"])
@pytest.mark.parametrize(
    "before",
    [
        "",
        " ",
        "\t",
        "\r\n",
        "\u00a0",
        "\u200b",
        "\u3000",
        "\u2028",
        "\ufeff",
        "\x00",
        "\u00ad \u202e",
    ],
)
def test_a_formula_is_a_text_whatever_stands_before_it(sign: str, before: str):
    text = f"{before}{sign}cmd|' /C calc'!A0"
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["a fox", "a=b", "'=1", "1", "", "“-”", "é+1", "#1 =x"])
def test_other_texts_are_as_they_are(text: str):
    assert cell(text) == text


@given(
    st.text(st.characters(categories=("Z", "Cc", "Cf")), max_size=3),
    st.sampled_from("=+-@"),
    st.text(max_size=5),
)
def test_no_blank_hides_a_formula(before: str, sign: str, after: str):
    written = line([before + sign + after])
    assert written.lstrip(b'"').startswith(b"'")


def test_numbers_are_numbers():
    assert line([-1, 2.5, None]) == b"-1,2.5,\r\n"

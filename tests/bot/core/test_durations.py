"""Spans of time as moderators type them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.durations import LONGEST, SHORTEST, read_duration
from generation.errors import InvalidRequest


@pytest.mark.parametrize(
    ("typed", "span"),
    [
        ("3d 12h", timedelta(days=3, hours=12)),
        ("3d12h", timedelta(days=3, hours=12)),
        (" 1 Week, 2 days ", timedelta(days=9)),
        ("90min", timedelta(minutes=90)),
        ("1m", timedelta(minutes=1)),
        ("1825d", timedelta(days=1825)),
        ("For good", None),
    ],
)
def test_what_people_type(typed: str, span: timedelta | None):
    assert read_duration(typed) == span


@pytest.mark.parametrize(
    "typed", ["", "soon", "3", "3 months", "0m", "-1d", "1826d", "9999999w", "3d x", "1.5h", "٣d"]
)
def test_what_is_no_duration_or_out_of_bounds(typed: str):
    with pytest.raises(InvalidRequest, match="duration must be like `3d 12h`"):
        read_duration(typed)


@given(st.text(alphabet="0123456789 mhdwonths,", max_size=40))
def test_whatever_is_typed_is_in_bounds_or_refused(typed: str):
    try:
        span = read_duration(typed)
    except InvalidRequest:
        return
    assert span is not None
    assert SHORTEST <= span <= LONGEST

"""Moments in the past as moderators type them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.durations import LONGEST
from bot.features.history.moments import read_since, read_until
from generation.errors import InvalidRequest

NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


def test_a_day_is_meant_from_its_begin_to_its_end():
    day = datetime(2026, 11, 3, tzinfo=UTC)
    assert read_since("since", " 2026-11-03 ", NOW) == day
    assert read_until("until", "2026-11-03", NOW) == day + timedelta(days=1)
    assert read_since("since", "2026-11-23", NOW) == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_span_is_so_long_ago():
    for read in (read_since, read_until):
        assert read("when", "1w 2h", NOW) == NOW - timedelta(days=7, hours=2)


@pytest.mark.parametrize(
    "typed",
    ["", "soon", "2026-11-24", "2021-11-23", "2026-02-30", "0d", "1826d", "-7d", "03.11.2026"],
)
def test_what_is_no_moment_or_out_of_bounds_is_named(typed: str):
    for read in (read_since, read_until):
        with pytest.raises(InvalidRequest, match="when must be a day like `2026-11-03`"):
            read("when", typed, NOW)


@given(st.text(alphabet="0123456789-W dwhm٣", max_size=12))
def test_whatever_is_typed_is_in_bounds_or_refused(typed: str):
    try:
        since, until = read_since("when", typed, NOW), read_until("when", typed, NOW)
    except InvalidRequest:
        return
    assert NOW - LONGEST <= since <= NOW
    assert since <= until <= NOW + timedelta(days=1)

from datetime import UTC, datetime, timedelta

import pytest

from bot.ui.actions.clicks import REMEMBERED, Clicks

START = datetime(2026, 1, 1, tzinfo=UTC)
MIA, MAX = 1, 2


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(("seconds", "counts"), [(0, False), (1.9, False), (2, True), (60, True)])
def test_the_second_click_counts_after_two_seconds(seconds: float, counts: bool):
    clicks = Clicks()
    assert clicks.count(MIA, "job:1:reroll", at(0))
    assert clicks.count(MIA, "job:1:reroll", at(seconds)) is counts


def test_who_goes_on_clicking_is_heard_every_two_seconds():
    clicks = Clicks()
    heard = [clicks.count(MIA, "job:1:reroll", at(0.5 * turn)) for turn in range(9)]
    assert heard == [True, False, False, False, True, False, False, False, True]


def test_other_people_and_other_buttons_count():
    clicks = Clicks()
    assert clicks.count(MIA, "job:1:reroll", at(0))
    assert clicks.count(MAX, "job:1:reroll", at(0))
    assert clicks.count(MIA, "job:2:reroll", at(0))


def test_a_click_that_came_to_nothing_can_be_repeated():
    clicks = Clicks()
    assert clicks.count(MIA, "job:1:reroll", at(0))
    clicks.forget(MIA, "job:1:reroll")
    assert clicks.count(MIA, "job:1:reroll", at(0.1))


def test_old_clicks_are_forgotten_and_new_ones_are_bounded():
    clicks = Clicks()
    for number in range(REMEMBERED + 50):
        clicks.count(MIA, f"job:{number}:reroll", at(0))
    assert len(clicks) == REMEMBERED
    clicks.count(MIA, "job:1:reroll", at(5))
    assert len(clicks) == 1

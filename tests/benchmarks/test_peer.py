"""The benchmark beside a plain bot, small: both draw, and every figure has a label."""

from pathlib import Path

import pytest

from benchmarks import peer
from benchmarks.peer import LABELS


def test_the_bot_to_compare_with_is_plain():
    source = Path(peer.__file__).with_name("plain_bot.py").read_text("utf-8")
    assert len(source.splitlines()) <= 110


@pytest.mark.nightly
def test_both_bots_draw(monkeypatch: pytest.MonkeyPatch):
    for name, fewer in (("TIMES", 1), ("ALONE", 1), ("PEOPLE", 2)):
        monkeypatch.setattr(peer, name, fewer)
    figures = peer.run()
    assert set(figures) == set(LABELS)
    assert all(value > 0 for value in figures.values())

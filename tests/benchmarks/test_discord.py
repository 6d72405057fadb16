"""The benchmark of the bot's own cost, small: both bots answer, and every figure has a label."""

from pathlib import Path

import pytest

from benchmarks import discord
from benchmarks.discord import LABELS, sittings


def test_the_bot_to_compare_with_is_trivial():
    source = Path(discord.__file__).with_name("trivial_bot.py").read_text("utf-8")
    assert len(source.splitlines()) <= 40


def test_a_small_burst_is_measured(monkeypatch: pytest.MonkeyPatch):
    for name, fewer in (("TIMES", 1), ("INTERACTIONS", 10), ("GROWING", (10,))):
        monkeypatch.setattr(discord, name, fewer)
    monkeypatch.setattr(sittings, "LIVES", 2)
    figures = discord.run()
    assert set(figures) == set(LABELS)
    assert figures["acknowledged"] == 10

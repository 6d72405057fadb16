"""The benchmark of reading a folder."""

import pytest

from benchmarks import scan


def test_it_measures_what_it_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scan, "FILES", 3)
    figures = scan.run()
    assert figures.keys() == scan.LABELS.keys()
    assert all(figure > 0 for figure in figures.values())

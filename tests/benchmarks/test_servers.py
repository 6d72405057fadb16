"""The benchmark of what servers cost, and that ours cost less."""

import pytest

from benchmarks import servers


def test_a_server_is_kept_in_less_than_discord_py_takes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(servers, "SERVERS", 300)
    monkeypatch.setattr(servers, "ROUNDS", 1)
    figures = servers.run()
    assert figures.keys() == servers.LABELS.keys()
    assert figures["lean_kib"] < figures["plain_kib"]

"""The storm, small: what it counts adds up."""

from benchmarks import storm


def test_a_small_storm_is_counted():
    figures = storm.run(interactions=8)
    assert set(figures) == set(storm.LABELS)
    assert figures["interactions"] >= 8
    assert figures["delivered"] == figures["valid"] > 0
    assert figures["unhandled"] == 0

"""Whose turn it is between sizes."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from generation.engine.batcher import Batcher, Bucket


@dataclass(eq=False)
class Row:
    """As much of a sample as a batcher looks at."""

    bucket: Bucket
    rows: int = 2


def bucket(size: int) -> Bucket:
    return Bucket("Tiny", (4, size, size))


def serve(batcher: Batcher, seconds: dict[Bucket, float], until: float) -> list[Bucket]:
    """Run ticks until so much time has passed; return whose they were."""
    served, now = [], 0.0
    while now < until:
        picked = batcher.pick()
        assert picked is not None
        batcher.spend(picked, seconds[picked])
        now += seconds[picked]
        served.append(picked)
    return served


def test_nothing_aboard_is_nobody_s_turn():
    batcher = Batcher()
    assert batcher.pick() is None
    row = Row(bucket(1))
    batcher.join(row)
    assert batcher.pick() == row.bucket
    assert batcher.rows(row.bucket) == 2
    batcher.leave(row)
    assert batcher.pick() is None
    assert batcher.rows(row.bucket) == 0


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=5))
def test_sizes_get_the_same_time_whatever_their_ticks_take(ticks: list[float]):
    batcher, seconds = Batcher(), {bucket(i): tick for i, tick in enumerate(ticks)}
    for one in seconds:
        batcher.join(Row(one))
    served = serve(batcher, seconds, until=60 * max(ticks) * len(ticks))
    spent = [served.count(one) * tick for one, tick in seconds.items()]
    assert max(spent) - min(spent) <= 3 * max(ticks)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 5)), max_size=60),
)
def test_nobody_waits_longer_than_a_turn_of_each_of_the_others(
    happenings: list[tuple[int, bool, float]],
):
    """Whatever comes and goes, and however a tick's time varies."""
    batcher, rows = Batcher(), {}
    waited: dict[Bucket, float] = {}
    longest = 0.0
    for place, joins, seconds in happenings:
        one = bucket(place)
        if joins:
            rows.setdefault(one, []).append(Row(one))
            batcher.join(rows[one][-1])
        elif rows.get(one):
            batcher.leave(rows[one].pop())
        picked = batcher.pick()
        if picked is None:
            continue
        batcher.spend(picked, seconds)
        longest = max(longest, seconds)
        aboard = {one for one, joined in rows.items() if joined}
        waited = {one: waited.get(one, 0.0) + seconds for one in aboard - {picked}}
        # A turn may overdraw by one tick and saves up less than one.
        assert all(time <= 3 * longest * (len(aboard) + 1) for time in waited.values())


def test_one_that_was_alone_owes_nothing_to_newcomers():
    batcher, seconds = Batcher(), {bucket(1): 1.0, bucket(2): 1.0}
    batcher.join(Row(bucket(1)))
    serve(batcher, seconds, until=100)
    batcher.join(Row(bucket(2)))
    served = serve(batcher, seconds, until=10)
    assert abs(served.count(bucket(1)) - served.count(bucket(2))) <= 2

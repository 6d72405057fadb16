"""The simulated queue, on tick costs that can be followed by hand."""

import asyncio

import pytest

from benchmarks.engine import simulation
from benchmarks.engine.labels import LABELS
from benchmarks.engine.simulation import Costs, Job, Ours, in_batches, one_at_a_time

FLAT = Costs((1, 32), (1.0, 1.0))  # a forward takes a second, whatever its rows
STEEP = Costs((1, 32), (1.0, 32.0))  # rows pay nothing together


def job(number: int, arrival: float, *, person: int = 0, forwards: int = 10, rows: int = 2) -> Job:
    return Job(number, arrival, person, 1, rows, forwards)


def ours(jobs: list[Job], costs: Costs, limit: int = 16) -> simulation.Outcome:
    return asyncio.run(Ours(jobs, costs, limit).serve())


def test_one_at_a_time_the_second_waits_for_the_first():
    outcome = one_at_a_time([job(0, 0.0), job(1, 4.0), job(2, 30.0)], FLAT)
    assert outcome.done == {0: 10.0, 1: 16.0, 2: 10.0}
    assert outcome.first_step == {0: 1.0, 1: 7.0, 2: 1.0}
    assert outcome.mean_latency == 12.0


def test_a_batch_takes_who_waits_and_ends_with_its_longest():
    jobs = [job(0, 0.0), job(1, 1.0, forwards=3), job(2, 2.0, forwards=5), job(3, 3.0, rows=16)]
    outcome = in_batches(jobs, FLAT, limit=16)
    assert outcome.done == {0: 10.0, 1: 14.0, 2: 13.0, 3: 22.0}
    assert outcome.first_step == {0: 1.0, 1: 10.0, 2: 9.0, 3: 13.0}


def test_ours_joins_at_the_next_step_and_leaves_when_done():
    jobs = [job(0, 0.0), job(1, 0.5, person=1, forwards=3), job(2, 20.0)]
    outcome = ours(jobs, FLAT)
    assert outcome.done == {0: 10.0, 1: 3.5, 2: 10.0}
    assert outcome.first_step == {0: 1.0, 1: 1.5, 2: 1.0}


def test_ours_pays_for_every_row_decode_prompt_and_scheduler():
    costs = Costs((1, 32), (1.0, 32.0), scheduler=0.5, decode=3.0, prompt=2.0)
    alone = ours([job(0, 0.0)], costs)
    assert alone.done[0] == 2.0 + 10 * (2.0 + 0.5) + 3.0
    assert alone.done == one_at_a_time([job(0, 0.0)], costs).done


def test_rows_beyond_the_limit_wait_and_a_job_alone_passes_it():
    two = ours([job(0, 0.0, rows=2), job(1, 0.0, person=1, rows=2)], FLAT, limit=3)
    assert two.done == {0: 10.0, 1: 20.0}
    large = ours([Job(0, 0.0, 0, pictures=4, rows=2, forwards=10)], FLAT, limit=3)
    assert large.done[0] == 10.0


@pytest.mark.parametrize("costs", [FLAT, Costs((1, 32), (1.0, 4.0))])
def test_where_rows_pay_together_ours_is_never_slower_on_the_average(costs: Costs):
    for seed, load in enumerate(simulation.LOADS):
        jobs = simulation.arrivals(costs, load, 60, seed)
        fifo, mine = one_at_a_time(jobs, costs), ours(jobs, costs)
        assert set(mine.done) == set(fifo.done) == {one.id for one in jobs}
        assert mine.mean_latency <= fifo.mean_latency
        assert mine.mean_first_step <= fifo.mean_first_step


def test_where_rows_pay_nothing_no_work_is_won():
    jobs = [job(number, 0.0, person=number) for number in range(4)]
    fifo, mine = one_at_a_time(jobs, STEEP), ours(jobs, STEEP)
    assert max(mine.done.values()) == pytest.approx(max(fifo.done.values()))


def test_arrivals_are_the_same_for_a_seed_and_come_at_the_load():
    jobs = simulation.arrivals(FLAT, 2.0, 400, seed=0)
    assert jobs == simulation.arrivals(FLAT, 2.0, 400, seed=0)
    work = sum(simulation.service(one, FLAT) for one in jobs)
    assert work / jobs[-1].arrival == pytest.approx(2.0, rel=0.15)


def test_every_simulated_figure_has_a_label():
    figures = simulation.ratios(FLAT, 16, jobs=5)
    assert set(figures) == set(simulation.LABELS)
    assert set(simulation.LABELS) < set(LABELS)


def test_the_figures_people_look_for_have_labels():
    assert {
        "throughput_ratio_8",
        "mean_latency_ratio_8",
        "overhead_1row_pct",
        "overhead_sd15_pct",
        "sim_first_step_ratio_0_9",
        "sim_mean_latency_ratio_1_5",
        "cancel_ticks",
    } <= set(LABELS)

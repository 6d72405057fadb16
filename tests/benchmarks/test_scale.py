"""The simulated lanes, on numbers that can be followed by hand."""

import asyncio

import pytest

from benchmarks import scale
from benchmarks.scale import COST_PER_S, Asked, House, SimulatedLane
from generation.request import GenerationRequest, Sampler
from generation.worker.routing import COLD_S


def asked(at: float, person: int = 0, steps: int = 20, checkpoint: str = "A") -> Asked:
    request = GenerationRequest(
        prompt="a red apple",
        checkpoint=checkpoint,
        width=512,
        height=512,
        num_images=1,
        num_inference_steps=steps,
        guidance_scale=7.0,
        sampler=Sampler.DDIM,  # as many forward passes as steps
        seed=1,
    )
    return Asked(at, person, request)


def serve(lanes: list[SimulatedLane], jobs: list[Asked]) -> scale.Outcome:
    return asyncio.run(House(lanes, jobs).serve())


def test_a_job_alone_takes_its_loading_and_its_work():
    outcome = serve([SimulatedLane(1.0, 2)], [asked(0.0), asked(100.0), asked(200.0, steps=40)])
    assert outcome.light == pytest.approx([COLD_S + 1, 1.0, 2.0])
    assert (outcome.warm, outcome.routed, outcome.refused) == (2, 3, 0)


def test_those_aboard_share_the_device_and_few_rows_use_it_badly():
    lane = SimulatedLane(1.0, 4, loaded=("A",))
    assert serve([lane], [asked(0.0), asked(0.0, person=1)]).light == pytest.approx([2.0, 2.0])
    lane = SimulatedLane(1.0, 4, loaded=("A",))
    (alone,) = serve([lane], [asked(0.0)]).light
    assert alone == pytest.approx(1 / (2 / 6 * 8 / 4))


def test_a_warm_lane_is_preferred_and_the_faster_one():
    lanes = [SimulatedLane(1.0, 2, loaded=("B",)), SimulatedLane(0.5, 2, loaded=("A",))]
    assert serve(lanes, [asked(0.0)]).light == pytest.approx([2.0])
    lanes = [SimulatedLane(1.0, 2, loaded=("A",)), SimulatedLane(0.5, 2, loaded=("A",))]
    assert serve(lanes, [asked(0.0)]).light == pytest.approx([1.0])


def test_heavy_users_wait_for_occasional_ones_and_are_refused_beyond_their_limit():
    lane = SimulatedLane(1.0, 2, loaded=("A",))
    heavy = [asked(0.0, person=-1) for _ in range(15)]
    outcome = serve([lane], [*heavy, asked(0.5, person=1)])
    assert outcome.refused == 5
    assert len(outcome.heavy) == 10
    assert outcome.light[0] < sorted(outcome.heavy)[3]


def test_everybody_is_served_and_more_load_waits_longer():
    idle, full = (scale.measured(2, load, 150) for load in (0.3, 1.5))
    for figures in (idle, full):
        assert figures.keys() == scale.FIGURES.keys()
    assert idle["light_p95_s"] < full["light_p95_s"]
    assert full["light_p50_s"] < full["heavy_p50_s"]
    assert idle["refused_pct"] == 0


def test_at_the_given_load_the_lanes_have_that_much_to_do():
    lanes = scale.lanes_of(8)
    jobs = scale.arrivals(lanes, 0.5, 4000, seed=3)
    work = sum(one.request.cost() for one in jobs) / COST_PER_S
    share = work / jobs[-1].at / sum(lane.speed for lane in lanes)
    assert share == pytest.approx(0.5, rel=0.1)

import asyncio
import itertools

import pytest

from bot.ui.delivery.pacing import Pacer

PACE_S = 0.05


@pytest.fixture
def pacer() -> Pacer:
    return Pacer(PACE_S)


async def test_the_jobs_of_one_bucket_take_turns_a_pace_apart(pacer: Pacer):
    loop = asyncio.get_running_loop()
    turns: list[tuple[str, float]] = []

    async def job(name: str, bucket: str) -> None:
        for _ in range(2):
            async with pacer.turn(bucket):
                turns.append((name, loop.time()))

    await asyncio.gather(job("a", "here"), job("b", "here"), job("c", "there"))
    here = [turn for turn in turns if turn[0] != "c"]
    assert [name for name, _ in here] == ["a", "b", "a", "b"]
    apart = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(here)]
    assert min(apart) >= PACE_S * 0.9
    names = [name for name, _ in turns]
    assert names.index("c") < names.index("b"), "another bucket waits for nobody"


async def test_an_end_waits_for_nobody_and_progress_waits_for_it(pacer: Pacer):
    order: list[str] = []

    async def progress() -> None:
        async with pacer.turn("here"):
            order.append("progress")

    async with pacer.turn("here"), pacer.end("here"):
        order.append("end")
        waiting = asyncio.create_task(progress())
        await asyncio.sleep(PACE_S)
    async with pacer.end("here"):
        await asyncio.sleep(3 * PACE_S)
        order.append("another end")
    await waiting
    assert order == ["end", "another end", "progress"]


async def test_buckets_that_no_longer_matter_are_dropped():
    pacer = Pacer(0.01)
    for bucket in range(50):
        async with pacer.turn(bucket):
            pass
    await asyncio.sleep(0.05)
    async with pacer.turn("last"):
        assert len(pacer._buckets) == 1

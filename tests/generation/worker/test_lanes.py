"""Two real worker processes, on the tiny checkpoint."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable

import pytest

from generation.catalog import Catalog
from generation.request import Event, Finished, Started
from generation.worker.devices import Device
from generation.worker.executor import LocalExecutor
from tests.generation.conftest import PLAIN, MakeRequest, assert_alike, pixels

PATIENCE_S = 900.0  # two imports of torch on a busy machine
LANES = [Device(f"cpu:{number}", "cpu", {"OMP_NUM_THREADS": "1"}) for number in range(2)]
PEOPLE = 8


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.005)


async def both_ready(executor: LocalExecutor) -> None:
    await until(lambda: all(lane.rows for lane in executor.lanes()))


@pytest.fixture
async def executor(catalog: Catalog) -> AsyncIterator[LocalExecutor]:
    executor = LocalExecutor(catalog, PLAIN, devices=LANES)
    await executor.start()
    await both_ready(executor)
    yield executor
    await executor.close()


async def collect(events: AsyncIterator[Event], started: list[int], number: int) -> list[Event]:
    heard = []
    async for event in events:
        if isinstance(event, Started):
            started.append(number)
        heard.append(event)
    return heard


async def test_two_workers_draw_the_same_pixels_and_one_killed_in_mid_run_costs_nobody_anything(
    executor: LocalExecutor, make_request: MakeRequest
):
    lanes = executor.lanes()
    assert executor.capacity == sum(lane.rows for lane in lanes)
    long = make_request(num_images=2, num_inference_steps=30, width=64, height=64)
    twice = [collect(executor.run(long), [], 0) for _ in range(2)]
    first, second = await asyncio.gather(*twice)
    assert (pixels(first) == pixels(second)).all()
    measured = [lane.seconds_per_cost for lane in executor.lanes()]
    assert all(measured), "each has drawn one of them"

    started: list[int] = []
    runs = [
        asyncio.create_task(collect(executor.run(long), started, number))
        for number in range(PEOPLE)
    ]
    await until(lambda: all(lane.requests_aboard for lane in executor.lanes()) and bool(started))
    killed, other = executor.lanes()
    os.kill(killed.pid, signal.SIGKILL)
    for events in await asyncio.wait_for(asyncio.gather(*runs), PATIENCE_S):
        assert isinstance(events[-1], Finished)
        assert_alike(pixels(events), pixels(first))
        assert sum(isinstance(event, Started) for event in events) == 1
    assert sorted(started) == list(range(PEOPLE))
    ended, went_on = executor.lanes()
    assert (ended.restarts, went_on.restarts) == (1, 0)
    assert ended.epoch > killed.epoch
    assert went_on.pid == other.pid

"""Two lanes on a core each against one, an event's cost, and how soon a lost lane is made up for.

The figures of other machines' lanes are Ray's, where it is installed.
"""

import asyncio
import contextlib
import importlib
import importlib.util
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

import psutil

from benchmarks import Figures
from generation.catalog import EMBEDDED, Catalog
from generation.options import EngineOptions
from generation.request import Aspect, Event, Finished, GenerationRequest, Progress, Started
from generation.worker import worker
from generation.worker.devices import Device
from generation.worker.executor import LocalExecutor
from generation.worker.messages import Add, ConfigureLogs, Message, Ready, Report

LABELS = {
    "throughput_2_lanes_ratio": "throughput of two lanes on a core each, of one lane's",
    "event_us_local": "an event of a lane on this machine: the bot's processor time (µs)",
    "event_us_ray": "an event of a lane on another machine: the bot's processor time (µs)",
    "failover_s_local": "from a worker's death until its request is drawn by another (s)",
    "failover_s_ray_kill": "likewise, an actor on another machine is killed (s)",
    "failover_s_ray_cut": "likewise, the cable to it is cut (s)",
    "loop_lag_p99_ms": "event loop's lag while both lanes draw, 99th percentile (ms)",
}
# `benchmarks._ray_lanes.measure()` returns these.
RAY_FIGURES = ("event_us_ray", "failover_s_ray_kill", "failover_s_ray_cut")
RAY_MODULE = "benchmarks._ray_lanes"

REQUESTS = 24  # a round
ROUNDS = 3  # of one lane and of two by turns, of which the fastest count
FAILOVERS = 3
EVENTS = 20_000
ABOARD = 8  # requests whose events come together
TICK_S = 0.005
CATALOG = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)


def run() -> Figures:
    """Measure the lanes of this machine, and those on Ray if there is one."""
    os.environ["OMP_NUM_THREADS"] = "1"
    figures = asyncio.run(_measure()) | {"event_us_local": asyncio.run(_event_us())}
    ray: Figures = dict.fromkeys(RAY_FIGURES)
    if importlib.util.find_spec("ray") and importlib.util.find_spec(RAY_MODULE):
        ray |= importlib.import_module(RAY_MODULE).measure()
    return {name: (figures | ray)[name] for name in LABELS}


async def _measure() -> Figures:
    async with _lanes(1) as one, _lanes(2) as two:
        alone: list[float] = []
        together: list[float] = []
        lags: list[float] = []
        for _ in range(ROUNDS):
            alone.append(await _round(one))
            sampling = asyncio.create_task(_sample(lags))
            together.append(await _round(two))
            sampling.cancel()
        failovers = [await _failover(two) for _ in range(FAILOVERS)]
    return {
        "throughput_2_lanes_ratio": round(min(alone) / min(together), 2),
        "failover_s_local": round(statistics.median(failovers), 3),
        "loop_lag_p99_ms": round(1000 * statistics.quantiles(lags, n=100)[98], 2),
    }


@asynccontextmanager
async def _lanes(count: int) -> AsyncIterator[LocalExecutor]:
    """So many workers that are ready, pinned to a core each."""
    devices = [Device(f"cpu:{number}", "cpu") for number in range(count)]
    executor = LocalExecutor(CATALOG, EngineOptions(safety=False), devices=devices)
    await executor.start()
    try:
        await _ready(executor)
        yield executor
    finally:
        await executor.close()


async def _ready(executor: LocalExecutor) -> None:
    """Wait until every lane is, and pin it."""
    while not all(lane.rows for lane in executor.lanes()):  # noqa: ASYNC110 - nobody else asks
        await asyncio.sleep(0.05)
    cores = sorted(psutil.Process().cpu_affinity() or [])
    for lane, core in zip(executor.lanes(), cores, strict=False):
        for thread in psutil.Process(lane.pid).threads():
            psutil.Process(thread.id).cpu_affinity([core])


def _request(seed: int, steps: int = EMBEDDED.num_inference_steps) -> GenerationRequest:
    width, height = EMBEDDED.size_for(Aspect.SQUARE)
    return GenerationRequest(
        prompt="a red apple",
        checkpoint=EMBEDDED.name,
        width=width,
        height=height,
        num_inference_steps=steps,
        guidance_scale=EMBEDDED.guidance_scale,
        sampler=EMBEDDED.sampler,
        seed=seed,
    )


async def _round(executor: LocalExecutor) -> float:
    """Return the seconds that a round of requests takes."""

    async def draw(request: GenerationRequest) -> Event:
        return [event async for event in executor.run(request)][-1]

    begun = time.perf_counter()
    last = await asyncio.gather(*(draw(_request(seed)) for seed in range(REQUESTS)))
    seconds = time.perf_counter() - begun
    assert all(isinstance(event, Finished) for event in last)
    return seconds


async def _failover(executor: LocalExecutor) -> float:
    """Kill the lane that draws a request; return the seconds until another has done its step."""
    await _ready(executor)
    killed: float | None = None
    seconds: float | None = None
    async for event in executor.run(_request(0, steps=100)):
        if not isinstance(event, Progress):
            continue
        if killed is None:
            (drawing,) = [lane for lane in executor.lanes() if lane.requests_aboard]
            assert drawing.pid is not None
            killed = time.perf_counter()
            os.kill(drawing.pid, signal.SIGKILL)
        else:  # the first step of the replay
            seconds = time.perf_counter() - killed
            break
    assert seconds is not None
    return seconds


async def _sample(lags: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK_S)
        lags.append(time.perf_counter() - before - TICK_S)


async def _event_us() -> float:
    """Return the processor time that an event takes from the pipe to whoever asked."""
    serve, worker.main = worker.main, _flood
    executor = LocalExecutor(CATALOG, devices=[Device("cpu", "cpu")])
    try:
        await executor.start()
        await executor.ready()
        begun = time.process_time()
        heard = await asyncio.gather(*(_count(executor, seed) for seed in range(ABOARD)))
        return round(1e6 * (time.process_time() - begun) / sum(heard), 1)
    finally:
        worker.main = serve
        await executor.close()


async def _count(executor: LocalExecutor, seed: int) -> int:
    return len([event async for event in executor.run(_request(seed))])


def _flood(
    commands: Connection,
    messages: Connection,
    catalog: Catalog,
    options: EngineOptions,  # noqa: ARG001 - nothing is drawn
    configure_logs: ConfigureLogs,  # noqa: ARG001
    device: Device,
) -> None:
    """Stand for a worker: once all are aboard, report their steps as fast as can be."""
    messages.send([Ready(device.name, catalog.default, 2 * ABOARD)])
    keys: list[int] = []
    while len(keys) < ABOARD:
        command = commands.recv()
        if isinstance(command, Add):
            keys.append(command.key)
    _tell(messages, keys, Started())
    for step in range(EVENTS // ABOARD):
        _tell(messages, keys, Progress(step, EVENTS))
    _tell(messages, keys, Finished(1.0))
    with contextlib.suppress(EOFError):
        while True:
            commands.recv()  # until the pipe closes


def _tell(messages: Connection, keys: Sequence[int], event: Event) -> None:
    batch: list[Message] = [Report(key, event) for key in keys]
    messages.send(batch)

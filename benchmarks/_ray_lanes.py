"""What `benchmarks.lanes` measures of lanes on Ray: two nodes, with cables where that is allowed.

The nodes' workers are scripted: what counts here is the way to them.
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks import Figures
from generation.catalog import EMBEDDED, Catalog
from generation.options import EngineOptions
from generation.request import Aspect, Finished, GenerationRequest, Progress, Started
from generation.worker.executor import LocalExecutor
from generation.worker.link import End
from generation.worker.messages import Add, Command, ConfigureLogs, Message, Ready, Report
from generation.worker.ray.source import RayLanes
from generation.worker.ray.wire import StartWorker
from tests.generation.worker.ray.clusters import Cluster
from tests.generation.worker.ray.scripted import LONG, start_scripted

CATALOG = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)
KILLS, CUTS = 3, 1
EVENTS = 20_000
ABOARD = 8  # requests whose events come together


def measure() -> Figures:
    """Return the figures; None for a cut where this machine allows no cables."""
    cluster = Cluster()
    before = dict(os.environ)
    try:
        cluster.start()
        for name in ("a", "b"):
            cluster.join(name)
        os.environ.update(cluster.environment())
        with cluster.entered():
            return asyncio.run(_measure(cluster))
    finally:
        os.environ.clear()
        os.environ.update(before)
        cluster.close()


async def _measure(cluster: Cluster) -> Figures:
    async with _lanes(cluster, start_flood) as executor:
        event_us = await _event_us(executor)
    async with _lanes(cluster, start_scripted) as executor:
        kills = [await _failover(executor, cluster, cut=False) for _ in range(KILLS)]
        cuts = []
        if cluster.cables:
            cuts = [await _failover(executor, cluster, cut=True) for _ in range(CUTS)]
    return {
        "event_us_ray": event_us,
        "failover_s_ray_kill": round(statistics.median(kills), 2),
        "failover_s_ray_cut": round(max(cuts), 2) if cuts else None,
    }


@asynccontextmanager
async def _lanes(cluster: Cluster, start: StartWorker) -> AsyncIterator[LocalExecutor]:
    executor = LocalExecutor(
        CATALOG,
        EngineOptions(),
        devices=[],
        sources=[RayLanes(cluster.address, CATALOG, start_worker=start)],
    )
    await executor.start()
    try:
        await _ready(executor)
        yield executor
    finally:
        await executor.close()


async def _ready(executor: LocalExecutor) -> None:
    while sum(lane.rows > 0 for lane in executor.lanes()) < 2:  # noqa: ASYNC110 - nobody else asks
        await asyncio.sleep(0.05)


def _request(seed: int, steps: int = LONG) -> GenerationRequest:
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


async def _failover(executor: LocalExecutor, cluster: Cluster, *, cut: bool) -> float:
    """End the lane that draws a request; return the seconds until another has done a step."""
    await _ready(executor)
    ended: float | None = None
    node = ""
    async for event in executor.run(_request(0)):
        if not isinstance(event, Progress):
            continue
        if ended is None:
            (drawing,) = [lane.name for lane in executor.lanes() if lane.requests_aboard]
            node = drawing.partition("/")[0]
            hosts = cluster.hosts(node)
            ended = time.perf_counter()
            if cut:
                cluster.cut(node)
            else:
                for host in hosts:
                    host.kill()
        elif not any(
            lane.name.startswith(node) and lane.requests_aboard for lane in executor.lanes()
        ):
            break
    if cut:
        cluster.mend(node)
    assert ended is not None
    return time.perf_counter() - ended


async def _event_us(executor: LocalExecutor) -> float:
    """Return the bot's processor time for an event, from Ray's driver to whoever asked."""
    begun = time.process_time()
    heard = await asyncio.gather(*(_count(executor, seed) for seed in range(2 * ABOARD)))
    return round(1e6 * (time.process_time() - begun) / sum(heard), 1)


async def _count(executor: LocalExecutor, seed: int) -> int:
    return len([event async for event in executor.run(_request(seed))])


class Flood:
    """A worker that reports the steps of all its requests as fast as the link takes them."""

    pid = None

    def __init__(self, catalog: Catalog) -> None:
        self._keys: list[int] = []
        self._inbox: asyncio.Queue[list[Message] | None] = asyncio.Queue()
        self._inbox.put_nowait([Ready("flood", catalog.default, 2 * ABOARD)])

    def send(self, command: Command) -> None:
        """Take a request; with the last one the flood begins."""
        if isinstance(command, Add):
            self._keys.append(command.key)
            if len(self._keys) == ABOARD:
                for step in range(EVENTS // ABOARD):
                    event = Progress(step, EVENTS) if step else Started()
                    self._inbox.put_nowait([Report(key, event) for key in self._keys])
                self._inbox.put_nowait([Report(key, Finished(1.0)) for key in self._keys])
                self._keys.clear()

    async def receive(self) -> list[Message] | None:
        """Return a tick's events."""
        return await self._inbox.get()

    def kill(self) -> None:
        """End."""
        self._inbox.put_nowait(None)

    async def end(self) -> End:
        """End."""
        return End.DRAINED


def start_flood(
    catalog: Catalog,
    options: EngineOptions,  # noqa: ARG001 - nothing is drawn
    configure_logs: ConfigureLogs,  # noqa: ARG001
) -> Flood:
    """Start one in the host's process."""
    return Flood(catalog)

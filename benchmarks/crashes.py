"""What worker crashes leave behind in the bot's process, and how soon it generates again."""

import asyncio
import gc
import os
import signal
import statistics
import threading
import time
from dataclasses import dataclass, field

import psutil

from benchmarks import Figures
from generation.catalog import EMBEDDED, Catalog
from generation.request import Aspect, Finished, GenerationRequest, Progress
from generation.worker.executor import LocalExecutor

LABELS = {
    "crashes": "crashes survived by the request that was aboard",
    "seconds_to_ready": "from a worker's death to ready again, median (s)",
    "leaked_mb": "memory leaked in the parent (MB)",
    "leaked_fds": "file descriptors and threads leaked in the parent",
    "orphans": "worker processes left over",
}

CRASHES = 50
SETTLE = 3  # crashes before the first reading, in which caches and thread pools fill
TICK_TIMEOUT_S = 3.0
# Killed, asked to terminate, and hung until the watchdog kills it.
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP)


@dataclass(slots=True)
class Crashes:
    """Crashes one worker after another, during requests, and counts."""

    executor: LocalExecutor
    request: GenerationRequest
    survived: int = 0
    seconds_to_ready: list[float] = field(default_factory=list)
    workers: set[int] = field(default_factory=set)

    async def crash(self, kind: signal.Signals) -> None:
        """Crash the worker in a request's first step; the request must finish all the same."""
        restarting = None
        async for event in self.executor.run(self.request):
            if isinstance(event, Progress) and restarting is None:
                worker = self.executor.pid
                assert worker is not None
                self.workers.add(worker)
                os.kill(worker, kind)
                restarting = asyncio.create_task(self._until_ready(worker))
            self.survived += isinstance(event, Finished)
        assert restarting is not None
        seconds = await restarting
        if kind != signal.SIGSTOP:  # which waits for the watchdog first
            self.seconds_to_ready.append(seconds)

    async def _until_ready(self, ended: int) -> float:
        begun = time.monotonic()
        while self.executor.pid in (None, ended):  # noqa: ASYNC110 - nobody else needs an event
            await asyncio.sleep(0.01)
        await self.executor.ready()
        return time.monotonic() - begun


def run() -> Figures:
    """Crash the embedded checkpoint's worker and measure what remains in the parent."""
    width, height = EMBEDDED.size_for(Aspect.SQUARE)
    request = GenerationRequest(
        prompt="a red apple",
        checkpoint=EMBEDDED.name,
        width=width,
        height=height,
        num_inference_steps=EMBEDDED.num_inference_steps,
        guidance_scale=EMBEDDED.guidance_scale,
        sampler=EMBEDDED.sampler,
        seed=0,
    )
    catalog = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)
    return asyncio.run(measure(catalog, request, SETTLE, CRASHES - SETTLE))


async def measure(
    catalog: Catalog, request: GenerationRequest, settle: int, crashes: int
) -> Figures:
    """Crash ``settle`` times, read memory and descriptors, crash more, and read them again."""
    executor = LocalExecutor(catalog, tick_timeout_s=TICK_TIMEOUT_S)
    await executor.start()
    bench = Crashes(executor, request)
    parent = psutil.Process()
    try:
        for number in range(settle):
            await bench.crash(SIGNALS[number % len(SIGNALS)])
        memory, handles = _memory(parent), _handles(parent)
        for number in range(settle, settle + crashes):
            await bench.crash(SIGNALS[number % len(SIGNALS)])
        leaked_memory, leaked_handles = _memory(parent) - memory, _handles(parent) - handles
        assert executor.pid is not None
        bench.workers.add(executor.pid)
    finally:
        await executor.close()
    return {
        "crashes": bench.survived,
        "seconds_to_ready": round(statistics.median(bench.seconds_to_ready), 2),
        "leaked_mb": round(leaked_memory / 2**20, 2),
        "leaked_fds": leaked_handles,
        "orphans": sum(psutil.pid_exists(worker) for worker in bench.workers),
    }


def _memory(parent: psutil.Process) -> int:
    gc.collect()
    return parent.memory_info().rss


def _handles(parent: psutil.Process) -> int:
    """Count descriptors and threads, but for asyncio's pool, which grows to its size when busy."""
    pool = sum(thread.name.startswith("asyncio_") for thread in threading.enumerate())
    return parent.num_fds() + parent.num_threads() - pool

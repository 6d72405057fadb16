"""What the bot itself costs a burst of interactions and a job, beside a bot that only answers."""

import asyncio
import statistics
import sys

from benchmarks import Figures
from benchmarks.discord.progress import progress_event_us
from benchmarks.discord.sittings import OURS, TRIVIAL, Burst, Lives, sitting

LABELS = {
    "ack_p50_ms": "gateway's dispatch to callback at the REST server, median (ms)",
    "ack_p99_ms": "the same, 99th percentile (ms)",
    "trivial_p50_ms": "the same of a bot that only answers, median (ms)",
    "trivial_p99_ms": "the same of that bot, 99th percentile (ms)",
    "cpu_ms_per_interaction": "CPU of the bot's process for an interaction (ms)",
    "trivial_cpu_ms_per_interaction": "the same of the bot that only answers (ms)",
    "acknowledged": "interactions acknowledged, of 200; the fewest of all times",
    "lives_per_s": "jobs asked, answered, queued, run by a stub and posted in a second",
    "cpu_ms_per_life": "CPU of the bot's process for such a job, once it is warm (ms)",
    "progress_event_us": "CPU of the bot for a step that the worker reports (µs)",
}

TIMES = 3
INTERACTIONS = 200
GROWING = (100, 200, 300, 400, 600, 800, 1200, 1600, 2400)
TOO_LONG_MS = 1000.0


def run() -> Figures:
    """Run both bots in turn, each against a playground of its own; all figures are medians."""
    return {**asyncio.run(_measure()), "progress_event_us": round(progress_event_us(), 1)}


async def _measure() -> Figures:
    ours: list[Burst] = []
    theirs: list[Burst] = []
    lives: list[Lives] = []
    for _ in range(TIMES):
        theirs.append(await _burst(TRIVIAL, INTERACTIONS))
        _print("trivial", theirs[-1])
        async with sitting(OURS) as one:
            await one.lives()  # opens connections, and fills caches
            lives.append(await one.lives())
            await one.saturate()
            ours.append(await one.burst(INTERACTIONS))
        _print("ours", ours[-1])
        print(f"  {'':<8} {lives[-1].per_s:.1f} jobs/s, {lives[-1].cpu_ms:.2f} ms CPU each")
    for name, program in (("trivial", TRIVIAL), ("ours", OURS)):
        print(f"  p99 crosses {TOO_LONG_MS / 1000:g} s: {name} {await _crossing(program)}")
    return {
        "ack_p50_ms": _median([one.p(50) for one in ours]),
        "ack_p99_ms": _median([one.p(99) for one in ours]),
        "trivial_p50_ms": _median([one.p(50) for one in theirs]),
        "trivial_p99_ms": _median([one.p(99) for one in theirs]),
        "cpu_ms_per_interaction": _median([one.cpu_ms for one in ours]),
        "trivial_cpu_ms_per_interaction": _median([one.cpu_ms for one in theirs]),
        "acknowledged": INTERACTIONS - max(one.lost for one in ours),
        "lives_per_s": _median([one.per_s for one in lives]),
        "cpu_ms_per_life": _median([one.cpu_ms for one in lives]),
    }


async def _burst(program: tuple[str, ...], size: int) -> Burst:
    """Send a burst to a fresh bot, ours with its worker saturated."""
    async with sitting(program) as one:
        if program is OURS:
            await one.saturate()
        return await one.burst(size)


async def _crossing(program: tuple[str, ...]) -> str:
    """Say which burst, of growing ones, is the first with a 99th percentile above a second."""
    for size in GROWING:
        burst = await _burst(program, size)
        if burst.p(99) > TOO_LONG_MS:
            return f"at {size} in a second ({burst.p(99):.0f} ms, {burst.lost} lost)"
    return f"not at {GROWING[-1]} in a second ({burst.p(99):.0f} ms)"


def _median(figures: list[float]) -> float:
    return round(statistics.median(figures), 2)


def _print(name: str, burst: Burst) -> None:
    print(
        f"  {name:<8} p50 {burst.p(50):.1f} ms, p99 {burst.p(99):.1f} ms,"
        f" {burst.cpu_ms:.2f} ms CPU each, {burst.lost} lost"
    )
    sys.stdout.flush()

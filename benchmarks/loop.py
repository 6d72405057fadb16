"""Event-loop lag of the bot process while the worker is saturated."""

import asyncio
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import Figures
from playground import Playground

LABELS = {
    "lag_p99_ms": "lag, 99th percentile (ms)",
    "lag_max_ms": "lag, longest (ms)",
}

TICK_S = 0.005
WARM_UP_S = 2.0
MEASURED_S = 30.0
PEOPLE = ("mia", "morgan")


def run() -> Figures:
    """Run the real bot against the playground, keep its queue filled, and read its lag."""
    return asyncio.run(_measure())


async def _measure() -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "lags.json"
        async with Playground() as playground:
            bot = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "benchmarks.loop",
                str(result),
                env={**os.environ, **playground.environment, "STORE__FOLDER": folder},
            )
            await playground.ready(120)
            deadline = time.monotonic() + MEASURED_S + 60
            measuring_until: float | None = None
            while measuring_until is None or time.monotonic() < measuring_until:
                await _keep_busy(playground)
                running = any("step" in message.content for message in _posted(playground))
                if measuring_until is None and running:
                    measuring_until = time.monotonic() + WARM_UP_S + MEASURED_S
                    bot.send_signal(signal.SIGUSR1)
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.2)
            bot.terminate()
            await bot.wait()
        lags: list[float] = json.loads(result.read_text("utf-8"))
    return {
        "lag_p99_ms": round(1000 * statistics.quantiles(lags, n=100)[98], 2),
        "lag_max_ms": round(1000 * max(lags), 2),
    }


async def _keep_busy(playground: Playground) -> None:
    """Keep two jobs per person open, so that one is always waiting."""
    for person in PEOPLE:
        name = playground.world.user(person).id
        own = [m for m in _posted(playground) if f"<@{name}>" in m.content]
        if sum(any(b.label == "Cancel" for b in m.buttons) for m in own) < 2:
            await playground.slash(person, "darkroom", "imagine", prompt="a red apple")


def _posted(playground: Playground) -> list:
    return [m for m in playground.messages("darkroom") if m.author.bot]


async def _probe(result: Path) -> None:
    """Run the bot, and record how late a timer of `TICK_S` fires from SIGUSR1 to the end."""
    from bot.__main__ import run as run_bot
    from bot.settings import load_settings

    lags: list[float] = []
    begun = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, begun.set)

    async def sample() -> None:
        await begun.wait()
        await asyncio.sleep(WARM_UP_S)
        while True:
            before = time.perf_counter()
            await asyncio.sleep(TICK_S)
            lags.append(time.perf_counter() - before - TICK_S)

    sampling = asyncio.create_task(sample())
    try:
        await run_bot(load_settings())
    finally:
        sampling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sampling
        await asyncio.to_thread(result.write_text, json.dumps(lags), "utf-8")


if __name__ == "__main__":
    asyncio.run(_probe(Path(sys.argv[1])))

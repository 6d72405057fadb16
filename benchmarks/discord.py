"""How soon the bot acknowledges a burst of interactions while the worker is saturated."""

import asyncio
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable

from benchmarks import Figures
from playground import Interaction, Message, Playground, User

LABELS = {
    "ack_p50_ms": "gateway's dispatch to callback at the REST server, median (ms)",
    "ack_p99_ms": "the same, 99th percentile (ms)",
    "ack_max_ms": "the same, longest (ms)",
    "interactions": "interactions acknowledged, of 200",
}

BURST_S = 1.0
INTERACTIONS = 200
LONG_JOBS = 8
READY_S = 120.0
LOST_S = 3.0  # when Discord gives an interaction up; lost ones count as this long
CHANNEL = "darkroom"

Ask = Callable[[User], Awaitable[Interaction]]


def run() -> Figures:
    """Run the real bot against the playground, keep its worker busy, and send a burst."""
    return asyncio.run(_measure())


async def _measure() -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        async with Playground() as playground:
            bot = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "run",
                env={
                    **os.environ,
                    **playground.environment,
                    "STORE__FOLDER": folder,
                    # Nobody must be refused: that is faster than recording a job.
                    "LIMITS__WAITING": "1000",
                    "GENERATION__ROWS": "8",  # instead of measuring how many pay
                    "LOG__LEVEL": "WARNING",
                },
            )
            try:
                await playground.ready(READY_S)
                message = await _first_picture(playground)
                await _saturate(playground)
                asked = await _burst(playground, message)
            finally:
                bot.terminate()
                await bot.wait()
    took = [LOST_S if one.took is None else one.took for one in asked]
    return {
        "ack_p50_ms": round(1000 * statistics.median(took), 1),
        "ack_p99_ms": round(1000 * statistics.quantiles(took, n=100)[98], 1),
        "ack_max_ms": round(1000 * max(took), 1),
        "interactions": sum(one.took is not None for one in asked),
    }


async def _first_picture(playground: Playground) -> Message:
    """Generate the picture whose buttons are used, and wait until the worker is warm."""
    asked = await playground.slash("mia", CHANNEL, "imagine", prompt="an apple", count=1, steps=1)
    message = await asked.response(READY_S)
    await playground.wait_for(lambda: _button(message, "Details"), READY_S, "a picture")
    return message


def _button(message: Message, label: str) -> bool:
    return any(button.label == label for button in message.buttons)


async def _saturate(playground: Playground) -> None:
    """Start jobs that outlast the burst, and wait until some of them run."""
    asked = [
        await playground.slash(
            playground.join(f"patient{number}"), CHANNEL, "imagine", prompt="an apple", steps=100
        )
        for number in range(LONG_JOBS)
    ]
    messages = [await one.response(READY_S) for one in asked]
    await playground.wait_for(
        lambda: any("step" in message.content for message in messages), READY_S, "the long jobs"
    )


async def _burst(playground: Playground, message: Message) -> list[Interaction]:
    """Send all interactions within `BURST_S`, each from another person, and wait for replies."""

    def slash(command: str, **options: str | int) -> Ask:
        return lambda person: playground.slash(person, CHANNEL, command, **options)

    def click(label: str) -> Ask:
        return lambda person: playground.click(person, message, label)

    kinds = (
        (slash("imagine", prompt="a red apple"), 0.4),
        (slash("queue"), 0.2),
        (slash("history"), 0.2),
        (click("Details"), 0.1),
        (click("Favourite"), 0.1),
    )
    asks = [ask for ask, share in kinds for _ in range(round(share * INTERACTIONS))]
    random.Random(0).shuffle(asks)  # noqa: S311 - an order, no secret
    people = [playground.join(f"person{number}") for number in range(len(asks))]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    asked = []
    for number, (ask, person) in enumerate(zip(asks, people, strict=True)):
        await asyncio.sleep(begun + number * BURST_S / len(asks) - loop.time())
        asked.append(await ask(person))
    await playground.wait_for(
        lambda: all(one.took is not None or one.unanswered for one in asked),
        4 * LOST_S,
        "the last answer",
    )
    return asked
